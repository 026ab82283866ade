"""Branches of a recording: what they share, what is their own, and what becomes of the file."""

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.unit.recording_fill import ALWAYS, CONFIG, IMAGE, fill, page, verify
from ttd.recording import rows
from ttd.recording.blob import digest
from ttd.recording.errors import RecordingError
from ttd.recording.events import Event, Kind, small
from ttd.recording.index import Branch
from ttd.recording.log import CHUNK_EVENTS, EventLog
from ttd.recording.recording import Recording
from ttd.replay.again import Again

SAMPLES = Path(__file__).parents[1] / "recordings" / "format1"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Twenty snapshots, two hundred events."""
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG, {"fw.elf": IMAGE})
    fill(recording, EventLog(recording), 0, 20)
    recording.finish("done", 0, bytes(16))
    recording.close()
    return path


def fork(parent: Recording, name: str, step: int, *, temporary: bool = False) -> Recording:
    """A branch with the events before `step`."""
    log = EventLog(parent)
    sequence = log.first_at(step)
    first, events = log.cut_before(sequence)
    if temporary:
        parent.file.begin_overlay()
    else:
        parent.file.begin_growing()
    digest = log.fold(parent.config.digest, 0, sequence)
    return parent.fork(
        name,
        "to see",
        step=step,
        warp_ns=0,
        first=first,
        events=events,
        log=digest,
        temporary=temporary,
    )


def go_on(branch: Recording, number: int) -> EventLog:
    """Two events of its own and a snapshot between."""
    log = EventLog(branch)
    step = branch.status.steps
    log.append(Event(step, Kind.CHAR_READ, b"\0%d" % number))
    branch.add_interval(len(branch.snapshots) - 1, b"own %d" % number)
    pages = [(ALWAYS, branch.put_page(page(1000 + number)))]
    state = {"step": step, "registers": [number]}
    branch.add_snapshot(step, len(log), step * 40, digest(b"own %d" % number), state, pages)
    log.append(Event(step + 10, Kind.INTERRUPT, small(15)))
    branch.wait()
    branch.commit(step + 10, (step + 10) * 40)
    branch.wait()
    return log


def steps(recording: Recording) -> list[int]:
    return [event.step for _, event in EventLog(recording).select()]


def test_a_branch_has_what_came_before_and_its_own(path: str) -> None:
    parent = Recording.open(path)
    branch = fork(parent, "fix", 4250)
    assert [info.id for info in branch.snapshots] == list(range(5))
    go_on(branch, 1)
    branch.finish("over")
    branch.close()
    assert os.listdir(os.path.dirname(path)) == ["run.ttd"]

    main = Recording.open(path)
    verify(main)
    assert (main.status.reason, main.status.steps) == ("done", 20_000)
    main.close()
    again = Recording.open(path, "fix")
    assert (again.status.reason, again.status.steps) == ("over", 4260)
    assert steps(again) == [*range(0, 4250, 100), 4250, 4260]
    assert [info.id for info in again.snapshots] == list(range(6))
    assert again.snapshot_state(3)["registers"] == [3] * 16
    assert again.snapshot_state(5)["registers"] == [1]
    assert again.changed_pages(4) != again.changed_pages(5) == [(ALWAYS, digest(page(1001)))]
    # What the interval had touched before the branch left it belongs to the other future.
    assert [again.interval(n) for n in (3, 4, 5)] == [b"pages 3", b"own 1", None]
    assert again.file.branches[1].fork is not None
    assert (again.file.branches[1].name, again.file.branches[1].reason) == ("fix", "to see")
    assert again.event_bytes() > 0
    again.close()


def test_branches_of_branches(path: str) -> None:
    parent = Recording.open(path)
    first = fork(parent, "first", 4250)
    go_on(first, 1)
    second = fork(first, "second", 4255)
    go_on(second, 2)
    third = fork(parent, "third", 4250)
    go_on(third, 3)
    for branch in (third, second, first):
        branch.finish("over")
    parent.close()
    shared = [*range(0, 4250, 100)]
    for name, own in (
        ("first", [4250, 4260]),
        ("second", [4250, 4255, 4265]),
        ("third", [4250, 4260]),
    ):
        branch = Recording.open(path, name)
        assert steps(branch) == shared + own
        last = len(branch.snapshots) - 1
        assert branch.snapshot_state(last)["registers"] == [{"f": 1, "s": 2, "t": 3}[name[0]]]
        branch.close()
    verify(Recording.open(path))


def test_a_branch_of_a_recording_that_grows(tmp_path: Path) -> None:
    """Its unfinished chunk becomes another one afterwards."""
    path = str(tmp_path / "run.ttd")
    parent = Recording.create(path, CONFIG, {"fw.elf": IMAGE})
    log = EventLog(parent)
    fill(parent, log, 0, 3)
    first, events = log.cut_before(25)
    known = log.fold(CONFIG.digest, 0, 25)
    branch = parent.fork("b", "", step=2500, warp_ns=0, first=first, events=events, log=known)
    go_on(branch, 1)
    for step in range(3000, 3000 + CHUNK_EVENTS):
        log.append(Event(step, Kind.INTERRUPT, small(15)))
    parent.commit(10_000, 400_000)
    branch.finish("over")
    assert parent.writable
    parent.finish("over, too")
    parent.close()
    assert steps(Recording.open(path, "b")) == [*range(0, 2500, 100), 2500, 2510]
    assert len(EventLog(Recording.open(path))) == 30 + CHUNK_EVENTS


def test_where_the_file_cannot_grow_they_are_beside_it(path: str) -> None:
    before = Path(path).read_bytes()
    parent = Recording.open(path)
    branch = fork(parent, "try", 4250, temporary=True)
    log = go_on(branch, 1)
    assert branch.temporary and len(log) == 45
    assert next(branch.pages([digest(page(1001))])) == page(1001)
    assert next(branch.pages([digest(page(11))])) == page(11)
    second = fork(branch, "again", 4255, temporary=True)
    go_on(second, 2)
    assert second.snapshot_state(4)["registers"] == [4] * 16
    assert second.snapshot_state(5)["registers"] == [2]
    second.finish("over")
    branch.finish("over")
    parent.close()
    assert Path(path).read_bytes() == before
    assert os.listdir(os.path.dirname(path)) == ["run.ttd"]


def test_a_file_that_is_read_only(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chmod(path, stat.S_IRUSR)
    # Who is root may write all the same.
    monkeypatch.setattr(os, "access", lambda name, mode: mode != os.W_OK)
    parent = Recording.open(path)
    with pytest.raises(RecordingError, match=r"run\.ttd cannot be written"):
        parent.file.begin_growing()
    branch = fork(parent, "try", 4250, temporary=True)
    go_on(branch, 1)
    branch.close()


def test_a_temporary_branch_is_kept(path: str) -> None:
    parent = Recording.open(path)
    branch = fork(parent, "try", 4250, temporary=True)
    log = go_on(branch, 1)
    log.append(Event(4300, Kind.INTERRUPT, small(15)))
    theirs = Recording.open(path)
    other = fork(theirs, "try", 3000)
    other.finish("over")
    theirs.close()
    assert branch.temporary
    parent.file.begin_growing()
    branch.keep()
    assert (branch.temporary, branch.branch, branch.file.branches[2].name) == (False, 2, "try'")
    log.append(Event(4400, Kind.INTERRUPT, small(15)))
    branch.commit(4400, 4400 * 40)
    branch.finish("over")
    parent.close()
    again = Recording.open(path, "try'")
    assert steps(again) == [*range(0, 4250, 100), 4250, 4260, 4300, 4400]
    assert again.snapshot_state(5)["registers"] == [1]
    assert again.interval(4) == b"own 1"
    assert next(again.pages([digest(page(1001))])) == page(1001)
    again.close()


def test_killed_with_a_branch(path: str, tmp_path: Path) -> None:
    """What is in the file and its log at some moment is both futures up to the last commit."""
    parent = Recording.open(path)
    branch = fork(parent, "fix", 4250)
    log = go_on(branch, 1)
    log.append(Event(5000, Kind.INTERRUPT, small(15)))
    copy = tmp_path / "copy" / "run.ttd"
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(path + suffix, str(copy) + suffix)
    branch.close()
    for name in (path, str(copy)):
        main = Recording.open(name)
        verify(main)
        assert main.status.complete
        main.close()
        cut = Recording.open(name, "fix")
        assert (cut.status.complete, cut.status.steps, len(EventLog(cut))) == (False, 4260, 45)
        cut.close()


def test_renaming_and_discarding(path: str) -> None:
    parent = Recording.open(path)
    first = fork(parent, "first", 4250)
    go_on(first, 1)
    second = fork(first, "second", 4255)
    with pytest.raises(RecordingError, match="there is a branch second already"):
        parent.file.rename(first.branch, "second")
    for name in ("", " ", "7", "a\nb", "a b", "a:5", "50%", "-1", "+1", "a" * 101):
        with pytest.raises(RecordingError, match="is no name for a branch"):
            parent.file.rename(first.branch, name)
    parent.file.rename(first.branch, "attempt")
    with pytest.raises(RecordingError, match="other branches come from attempt"):
        parent.file.discard(first.branch)
    second.finish("over")
    parent.file.discard(second.branch)
    assert next(parent.pages([digest(page(1001))]))
    parent.file.discard(first.branch)
    with pytest.raises(RecordingError, match="a page is missing"):
        next(parent.pages([digest(page(1001))]))
    parent.close()
    again = Recording.open(path)
    assert list(again.file.branches) == [0]
    verify(again)
    again.close()
    with pytest.raises(RecordingError, match="has no branch first, only main"):
        Recording.open(path, "first")


def test_somebody_else_adds_a_branch(path: str) -> None:
    """Two programs read a recording; both want to add to it."""
    ours, theirs = Recording.open(path), Recording.open(path)
    branch = fork(theirs, "theirs", 4250)
    with pytest.raises(RecordingError, match="is being recorded by another ttd"):
        ours.file.begin_growing()
    verify(ours)
    branch.finish("over")
    theirs.close()
    later = fork(ours, "ours", 4250)
    assert [b.name for b in ours.file.branches.values()] == ["main", "theirs", "ours"]
    later.finish("over")
    ours.close()
    Recording.open(path, "theirs").close()


@pytest.mark.parametrize("name", ["console", "noted", "cut"])
def test_a_file_of_format_1_gets_a_branch(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / "run.ttd")
    shutil.copyfile(SAMPLES / f"{name}.ttd", path)
    before = Recording.open(path)
    known = (before.status, [*EventLog(before).select()], [*before.snapshots])
    assert list(before.file.branches) == [0]
    step = before.status.steps // 2
    branch = fork(before, "fix", step)
    branch.finish("over")
    before.close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchall() == [(3,)]
    again = Recording.open(path)
    assert known == (again.status, [*EventLog(again).select()], [*again.snapshots])
    for number in range(len(again.snapshots)):
        again.snapshot_state(number)
        [*again.pages(name for _, name in again.changed_pages(number))]
    again.close()
    made = Recording.open(path, "fix")
    assert made.status.steps == step
    made.close()


def test_what_comes_again_outlives_its_branch(path: str) -> None:
    parent = Recording.open(path)
    branch = fork(parent, "gone", 4250)
    go_on(branch, 7)
    branch.finish("over")
    log = EventLog(Recording.of(parent.file, branch.branch))
    begin = log.first_at(4200)
    again = Again(log, begin, {})
    again.part_from(branch.branch)
    parent.file.discard(branch.branch)
    events = again.due(5000, 0)
    assert events[-1] == Event(4250, Kind.CHAR_READ, b"\0007")
    assert all(event.step >= 4200 for event in events)
    parent.close()


def test_a_commit_shows_what_all_branches_have_stored(path: str, tmp_path: Path) -> None:
    """A snapshot of a branch that was left is written when another one commits."""
    parent = Recording.open(path)
    branches = [fork(parent, name, 4250) for name in ("one", "two")]
    for number, branch in enumerate(branches):
        go_on(branch, number)
    one, two = branches
    status, late = one.status, digest(b"late")
    state = {"registers": [3]}
    one.add_snapshot(status.steps, status.events, status.virtual_ns, late, state, [])
    one.wait()
    two.commit(two.status.steps + 1, (two.status.steps + 1) * 40)
    two.wait()
    one.file.rename(two.branch, "three")
    two.wait()
    for name in os.listdir(os.path.dirname(path)):
        shutil.copyfile(f"{os.path.dirname(path)}/{name}", tmp_path / f"copy-{name}")
    left = str(tmp_path / "copy-run.ttd")
    for name, count in (("one", 7), ("three", 6)):
        seen = Recording.open(left, name)
        assert len(seen.snapshots) == count
        seen.close()
    parent.close()


def test_a_commit_writes_of_those_only_that_have_stored_something(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else many branches would cost as many rows with each commit of any of them."""
    parent = Recording.open(path)
    branches = [fork(parent, f"b{number}", 4250) for number in range(3)]
    for number, branch in enumerate(branches):
        go_on(branch, number)
    written: list[int] = []

    def put_branch(db: sqlite3.Connection, branch: Branch, log: bytes) -> None:
        written.append(branch.id)
        rows.put_branch(db, branch, log)

    monkeypatch.setattr("ttd.recording.file.put_branch", put_branch)
    one, _, three = branches
    three.commit(three.status.steps + 1, (three.status.steps + 1) * 40)
    three.wait()
    assert written == [three.branch]
    status = one.status
    sizes = status.steps, status.events, status.virtual_ns
    one.add_snapshot(*sizes, digest(b"late"), {"registers": [3]}, [])
    one.wait()
    for _ in range(2):
        three.commit(three.status.steps + 1, (three.status.steps + 1) * 40)
        three.wait()
    assert written == [three.branch, one.branch, three.branch, three.branch]
    parent.close()
