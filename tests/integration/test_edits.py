"""Other futures: inputs of the past made otherwise, by `ttd branch` and by GDB."""

import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_tools import BOARD, elf, info, refused, ttd, verify
from tests.integration.conftest import Server, symbols
from tests.integration.gdb_mi import Gdb

pytestmark = pytest.mark.slow
"""`make check` does without."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "run.ttd"
    words = ("record", "--board", "mps2-an385", "--semihosting", "-o", path, elf("echo"))
    assert ttd(*words, stdin=b"hello\nyou\nquit\n").code == 0
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "run.ttd"))


def characters(path: Path, branch: str = "main") -> list[tuple[int, str]]:
    words = ("events", "--json", "--kind", "char_read", "--branch", branch, path)
    rows = map(json.loads, ttd(*words).out.splitlines())
    return [(row["step"], row["data"]) for row in rows]


def printed(path: Path, branch: str) -> str:
    """What a branch prints; it has to be what was recorded."""
    done = ttd("replay", "--echo", "--verify", "--branch", branch, path)
    assert done.code == 0 and "the same" in done.err, done.err
    return done.out.decode()


def test_another_character(path: Path) -> None:
    (step, first), *rest = characters(path)
    assert first == "h"
    before = printed(path, "main")
    done = ttd("branch", path, "--edit", f"{step} chars X", "--name", "other")
    assert done.code == 0
    assert re.search(rf"steps {step - 1} to \d+ of branch other in ", done.err)
    assert characters(path, "other") == [(step, "X"), *rest]
    # (With another checksum at the end.)
    assert printed(path, "other").split("DONE")[0] == before.split("DONE")[0].replace(
        "hell", "Xell"
    )
    assert printed(path, "main") == before


def test_dropped(path: Path) -> None:
    """What comes to a guest that sleeps, and has no timer, comes as soon as it sleeps."""
    there = characters(path)
    assert ttd("branch", path, "--edit", f"{there[1][0]} drop", "--name", "b").code == 0
    assert [data for _, data in characters(path, "b")] == [
        data for at, (_, data) in enumerate(there) if at != 1
    ]
    assert "hllo" in printed(path, "b")


def test_later(path: Path) -> None:
    """While the guest prints the line before."""
    at, (step, letter) = next((n, row) for n, row in enumerate(characters(path)) if n > 5)
    assert ttd("branch", path, "--edit", f"{step} later 20", "--name", "b").code == 0
    (found, data), *_ = characters(path, "b")[at:]
    assert data == letter and step + 20 <= found < step + 60
    assert printed(path, "b") == printed(path, "main")


def test_other_input_to_the_console(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    out = tmp_path / "out.ttd"
    words = ("--at", "600", "--serial-input", r"ELP\nquit\n", "--name", "help", "-o", out)
    assert ttd("branch", path, *words).code == 0
    assert path.read_bytes() == before
    assert "You typed: hELP" in printed(out, "help")
    assert "You typed: hello" in printed(out, "main")
    assert [b for b in info(out)["branches"] if b["name"] == "help"]


def test_registers_and_variables(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    ttd("record", "--board", "mps2-an385", "--semihosting", "-o", path, elf("calls"))
    words = ("--at", "5000", "--set", "rare=7", "--set", "$r11=-1", "--set", "0x20000ff0:2=0x1234")
    assert ttd("branch", path, *words).code == 0
    assert printed(path, "b1") == printed(path, "main")
    events = ttd("events", "--kind", "debug_write", "--branch", "b1", path).out.decode()
    assert len(events.splitlines()) >= 3 and all("5000" in line for line in events.splitlines())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "--at STEP says where"),
        (("--at", "99999"), "outside the history"),
        (("--at", "x"), "--at takes N, P%, start, end, BRANCH:N or a bookmark, not 'x'"),
        (("--edit", "99 drop"), "no input came at step 99; the nearest ones are at 533"),
        (("--edit", "533 jump"), "an edit ends with drop"),
        (("--edit", "drop"), "an edit begins with the step"),
        (("--edit", ", drop"), "an edit begins with the step"),
        (("--edit", "533.2 drop"), "1 inputs came at step 533, numbered from 1"),
        (("--edit", "533 drop it"), "drop takes nothing more"),
        (("--edit", "533 later soon"), "later takes a number of steps"),
        (("--edit", "533 packet 00"), "was no packet"),
        (("--edit", "533 random 00"), "were no random bytes"),
        (("--edit", "533 chars"), "chars takes the characters"),
        (("--edit", r"533 chars \q"), "is no escape"),
        (("--edit", r"533 chars \x1"), "two hexadecimal digits"),
        (("--edit", "533 drop", "--at", "600"), "is behind the input that is edited"),
        (("--at", "5", "--set", "nothing=3"), "no variable 'nothing' here"),
        (("--at", "5", "--set", "$r99=3"), "has no register 'r99'"),
        (("--at", "5", "--set", "x"), "--set takes $register=N"),
        (("--at", "5", "--set", "$r0=abc"), "'abc' is no number"),
        (("--at", "5", "--name", "main"), "there is a branch main already"),
        (("--at", "5", "--name", "7"), "is no name for a branch"),
    ],
)
def test_what_cannot_be(path: Path, words: tuple[str, ...], sentence: str) -> None:
    before = path.read_bytes()
    done = ttd("branch", path, *words)
    assert done.code == 2 and sentence in done.err
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["run.ttd"]


def test_what_the_recording_does_not_have_of_a_disk(tmp_path: Path) -> None:
    """A branch that reads more is told so; with the image it gets it."""
    image, run = tmp_path / "disk.img", tmp_path / "run.ttd"
    image.write_bytes(struct.pack("<II", 8, 64).ljust(1 << 17, b"x"))
    drive = ("--drive", f"file={image},id=d0")
    disk = (*drive, "--device", "virtio-blk,drive=d0")
    assert ttd(*BOARD, "-o", run, "--semihosting", *disk, elf("disk-reads")).code == 0
    rows = ttd("events", run, "--kind", "block", "--json").out.splitlines()
    at = str(json.loads(rows[0])["step"] + 5)
    buffer = symbols(elf("disk-reads"))["buffer"]
    more = ("--at", at, "--set", f"{buffer + 4:#x}:4=128")
    done = ttd("branch", run, *more)
    assert "at 0x8000 of d0, which the recording does not have: it gets an error." in done.err
    assert "--drive file=IMAGE,id=d0" in done.err and "exited with code 5" in done.err
    done = ttd("branch", run, *more, *drive)
    assert "does not have" not in done.err and "exited with code 0" in done.err
    assert verify(run)


def test_gdb_presses_a_button(
    tmp_path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    run = tmp_path / "run.ttd"
    words = ("record", "--board", "microbit", "--steps", "20000", "-o", run, elf("microbit"))
    assert ttd(*words).code == 0
    server = serve("serve", "--port", "0", run)
    gdb = attach(elf("microbit"), server.port)
    gdb.goto(10_000)
    assert "This is the past" in gdb.say("monitor input buttons press a")
    gdb.say("monitor branch pressed")
    assert "takes 'press KEY' and 'release KEY'" in gdb.say("monitor input buttons a")
    assert "buttons gets 'press a'" in gdb.say("monitor input buttons press a")
    gdb.say("monitor replay_break 11000")
    gdb.go("continue")
    assert gdb.value("pressed") == 1 << 17
    assert "input buttons a pressed" in gdb.say("monitor events --kind input 1")


def test_the_copy_is_not_the_recording(path: Path) -> None:
    before = path.read_bytes()
    refused(ttd("branch", path, "--at", "5", "-o", path, "--force"), "is the recording itself")
    assert path.read_bytes() == before


def test_gdb_edits_an_input(
    path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    (step, _), *_ = characters(path)
    server = serve("serve", "--port", "0", path)
    gdb = attach(elf("echo"), server.port)
    assert "no input came at step 99" in gdb.say("monitor edit 99 drop")
    assert "edit takes the step of an input" in gdb.say("monitor edit")
    assert "a branch begins there" in gdb.say(f"monitor edit main:{step} chars J")
    _, text = gdb.go("stepi")
    assert gdb.step == step - 1
    assert f"b1:{step - 1}" in gdb.say("monitor when")
    _, text = gdb.go("continue")
    assert "exited with code 0" in text
    assert "Jello" in gdb.say("monitor output Jello")
    gdb.say(f"monitor goto main:{step + 1000}")
    gdb.go("stepi")
    assert "Jello' was not printed" in gdb.say("monitor output Jello")
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    assert "Jello" in printed(path, "b1")
    assert "hello" in printed(path, "main")
