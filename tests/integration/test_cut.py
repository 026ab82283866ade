"""`ttd cut`: parts of recordings, compared with the whole through replay and GDB."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli_tools import change_meta, elf, info, refused, ttd, verify
from tests.integration.conftest import Server
from tests.integration.gdb_mi import Gdb
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine

pytestmark = pytest.mark.slow
"""`make check` does without."""

STEPS = 30_000_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five tasks, 47 000 interrupts, some snapshots."""
    path = tmp_path_factory.mktemp("whole") / "run.ttd"
    done = ttd(
        *("record", "--board", "mps2-an385", "--steps", str(STEPS), "-o", path), elf("tasks")
    )
    assert done.code == 0
    assert info(path)["snapshots"] > 3
    return path


def opened(path: Path) -> closing[RecordedMachine]:
    return closing(RecordedMachine.open(str(path), SemihostFiles(None)))


def state(session: RecordedMachine, step: int) -> bytes:
    session.timeline.seek(step)
    assert session.timeline.position == step
    return session.snapshots.state_hash(session.snapshots.capture())


def test_a_part_is_the_same_there(whole: Path, tmp_path: Path) -> None:
    part, smaller = tmp_path / "part.ttd", tmp_path / "smaller.ttd"
    done = ttd("cut", whole, "--from", "50%", "--to", "24,000,000", "-o", part)
    said = re.fullmatch(rf"ttd: steps (\d+) to 24000000 of {whole} are in {part}\n", done.err)
    assert done.code == 0 and said is not None
    begin = int(said[1])
    assert 0 < begin <= STEPS // 2
    facts = info(part)
    assert (facts["first_step"], facts["steps"], facts["end"]) == (
        begin,
        24_000_000,
        "cut at step 24000000",
    )
    assert 0 < facts["instructions"] < 24_000_000 - begin
    assert facts["bytes"] < info(whole)["bytes"]
    assert f"replayed {24_000_000 - begin} steps" in ttd("replay", "--verify", part).err
    # Of a part there are parts.
    assert ttd("cut", part, "--from", "90%", "--to", "95%", "-o", smaller).code == 0
    verify(smaller)
    with opened(whole) as all_of_it, opened(part) as some, opened(smaller) as less:
        assert (some.timeline.begin, some.timeline.end) == (begin, 24_000_000)
        for step in (begin, begin + 1, 20_000_000, 22_345_678, 24_000_000):
            assert state(some, step) == state(all_of_it, step)
        for step in (less.timeline.begin, less.timeline.end):
            assert state(less, step) == state(all_of_it, step)
        some.timeline.seek(0)
        assert some.timeline.position == begin


def test_bookmarks_and_notes_go_along(tmp_path: Path) -> None:
    run, part = tmp_path / "run.ttd", tmp_path / "part.ttd"
    words = ("record", "--board", "mps2-an385", "--semihosting", "-o", run, elf("calls"))
    assert ttd(*words).code == 0
    with opened(run) as session:
        timeline = session.timeline
        for name, step in (("early", 500), ("inside", 1000), ("late", 3000)):
            timeline.seek(step)
            timeline.bookmarks.set(name, timeline.place, f"note of {name}")
        timeline.seek(2000)
        timeline.branch_off("to be cut", "other")
        timeline.step_forward(100)
        timeline.bookmarks.set("elsewhere", timeline.place)
        session.leave("over")
    assert ttd("note", run, "look here").code == 0
    for begin, end, names in (
        ("1000", "2500", ["early", "inside"]),
        ("other:1000", "other:2100", ["early", "elsewhere", "inside"]),
    ):
        assert ttd("cut", run, "--from", begin, "--to", end, "-o", part, "--force").code == 0
        verify(part)
        with opened(part) as session:
            found = session.timeline.bookmarks.all
            assert [*found] == names
            assert found["inside"].note == "note of inside" and found["inside"].step == 1000
            assert {mark.branch for mark in found.values()} == {0}
        assert b"look here" in ttd("note", part).out


def test_to_the_end_it_ends_as_the_whole(whole: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.ttd"
    assert ttd("cut", whole, "--from", "80%", "-o", part).code == 0
    assert info(part)["end"] == info(whole)["end"]
    verify(part)
    everything = tmp_path / "everything.ttd"
    assert ttd("cut", whole, "-o", everything).code == 0
    assert "first_step" not in info(everything)
    verify(everything)


def test_gdb_in_a_part(
    whole: Path,
    tmp_path: Path,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
) -> None:
    part = tmp_path / "part.ttd"
    assert ttd("cut", whole, "--from", "50%", "--to", "80%", "-o", part).code == 0
    gdb = attach(elf("tasks"), serve("serve", "--port", "0", part).port)
    begin = gdb.step
    assert begin == info(part)["first_step"]
    gdb.go("stepi 100")
    gdb.go("reverse-continue")
    assert gdb.step == begin
    gdb.goto("end")
    assert gdb.step == STEPS * 8 // 10
    gdb.goto("start")
    assert gdb.step == begin


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--from", "99", "--to", "12", "-o", "x.ttd"), "not from 99 to 12"),
        (("--to", "99,000,000", "-o", "x.ttd"), "outside the history, which has steps 0 to"),
        (
            ("--from", "here", "-o", "x.ttd"),
            "--from takes N, P%, start, end, BRANCH:N or a bookmark, not 'here'",
        ),
        (("--from", "101%", "-o", "x.ttd"), "or a bookmark, not '101%'"),
        (("-o", "nowhere/x.ttd"), "No such file or directory"),
    ],
)
def test_what_cannot_be(
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ttd("cut", whole, *words)
    assert done.code != 0 and sentence in done.err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(whole: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.ttd"
    assert ttd("cut", whole, "--from", "80%", "-o", part).code == 0
    before = part.read_bytes()
    refused(ttd("cut", whole, "-o", part), "--force replaces it")
    refused(ttd("cut", part, "-o", part, "--force"), "is the recording that is cut")
    assert part.read_bytes() == before
    assert ttd("cut", whole, "--from", "90%", "-o", part, "--force").code == 0
    verify(part)


@pytest.mark.parametrize("begin", [[1, 2], [0, 1], ["x", 1], None, [1 << 62, 1]])
def test_a_part_that_lies_about_its_beginning(whole: Path, tmp_path: Path, begin: object) -> None:
    part = tmp_path / "part.ttd"
    assert ttd("cut", whole, "--from", "80%", "-o", part).code == 0
    change_meta(part, "about", lambda about: about | {"begin": begin})
    refused(ttd("replay", part), "damaged")
