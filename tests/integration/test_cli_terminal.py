"""The `ttd` command on a terminal: progress, keys, Ctrl-C, and how the terminal is left."""

from __future__ import annotations

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli_tools import BOARD, HANG, ROOT, TTD, elf, info, raw, ttd, verify

pytestmark = pytest.mark.slow


class Terminal:
    """`ttd` as the session leader on a terminal of its own."""

    def __init__(self, *arguments: str | Path) -> None:
        words = [*TTD, *map(str, arguments)]
        self.shown = b""
        # Held open, so that the settings can be looked at when the process has ended.
        self._pid, self.fd = pty.fork()
        if self._pid == 0:
            os.chdir(ROOT)
            os.environ["TERM"] = "xterm"
            os.execv(words[0], words)

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.fd)

    def until(self, text: bytes) -> None:
        """Read until `text` has been shown."""
        while text not in self.shown:
            assert self._read(), (text, self.shown)

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def kill(self) -> None:
        try:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.fd)

    def _read(self) -> bytes:
        assert select.select([self.fd], [], [], HANG)[0], self.shown
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # nobody has it open any more
            return b""
        self.shown += data
        return data


@contextmanager
def terminal(*arguments: str | Path) -> Iterator[Terminal]:
    opened = Terminal(*arguments)
    try:
        yield opened
    finally:
        opened.kill()


def test_typing_and_ctrl_c(tmp_path: Path) -> None:
    """Keys reach the guest one by one, unechoed; Ctrl-C ends, and the terminal is as before."""
    path = tmp_path / "run.ttd"
    with terminal(*BOARD, "-o", path, elf("echo")) as screen:
        before = screen.settings()
        screen.until(b"quit ends")
        during = screen.settings()
        assert not during[3] & (termios.ECHO | termios.ICANON)
        assert during[3] & termios.ISIG
        os.write(screen.fd, b"hello\r")
        screen.until(b"You typed: hello")
        assert screen.shown.count(b"hello") == 1
        os.write(screen.fd, b"\x03")
        screen.until(b"it was interrupted")
        assert screen.end() == 0
        assert screen.settings() == before
    assert info(path)["events"]["char_read"] == 6
    verify(path)


@pytest.mark.parametrize("command", ["record", "replay"])
def test_progress(tmp_path: Path, command: str) -> None:
    path = tmp_path / "run.ttd"
    image = elf("bench", "bench-systick")
    record = (*BOARD, "--serial", "null", "--steps", "30000000", "-o", path, image)
    words: tuple[str | Path, ...] = record
    if command == "replay":
        assert ttd(*record).code == 0
        words = ("replay", path)
    with terminal(*words) as screen:
        assert screen.end() == 0
        assert b"steps" in screen.shown and b"s virtual" in screen.shown
        assert b"M steps/s" in screen.shown and b"KiB" in screen.shown
        assert (b"% of 30,000,000: " in screen.shown) == (command == "replay")
        last = screen.shown.splitlines()[-1]
        assert b"ttd: " in last and b"30000000 steps" in last
        assert screen.shown.rindex(b"\x1b[?25h") > screen.shown.rindex(b"\x1b[?25l"), "the cursor"


def test_ctrl_c_while_there_is_progress(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    image = elf("bench", "bench-systick")
    with terminal(*BOARD, "--serial", "null", "-o", path, image) as screen:
        before = screen.settings()
        screen.until(b"M steps/s")
        os.write(screen.fd, b"\x03")
        screen.until(b"it was interrupted")
        assert screen.end() == 0
        assert screen.settings() == before
        assert screen.shown.rindex(b"\x1b[?25h") > screen.shown.rindex(b"\x1b[?25l")
    assert info(path)["complete"]
    verify(path)


def test_ctrl_c_in_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    image = elf("bench", "bench-systick")
    assert ttd(*BOARD, "--serial", "null", "--steps", "1000000000", "-o", path, image).code == 0
    with terminal("replay", path) as screen:
        screen.until(b"M steps/s")
        os.write(screen.fd, b"\x03")
        screen.until(b"interrupted at step")
        assert screen.end() == 130


def ticks(path: Path) -> str:
    """A firmware that sleeps from one tick of 100 ms to the next: 5 steps each, after 6."""
    code = [
        *(0x480F, 0x4910, 0x2207, 0x6041, 0x6002),  # SysTick: ldr r0; ldr r1; movs r2, #7; str; str
        0xB672,  # cpsid i
        *(0xBF30, 0x4B0E, 0x4C0E, 0x601C, 0xE7FA),  # wfi; forget that it is pending; again
    ]
    return raw(path, code, [0xE000E010, 2_500_000 - 1, 0xE000ED04, 0x02000000])


@pytest.mark.parametrize("more", [(), ("--serial", "pty")], ids=["stdio", "pty"])
def test_sleeps_take_their_time_on_a_terminal(tmp_path: Path, more: tuple[str, ...]) -> None:
    path = tmp_path / "run.ttd"
    words = (*BOARD, *more, "--steps", "66", "-o", path, ticks(tmp_path / "fw.bin"))
    began = time.monotonic()
    with terminal(*words) as screen:
        assert screen.end() == 0
    facts = info(path)
    assert facts["steps"] == 66 and facts["virtual_ns"] > 1_100_000_000
    # It may take longer, but no less.
    assert time.monotonic() - began > 1.0
    verify(path)


@pytest.mark.parametrize(
    "more", [("--fast",), ("--serial", "null"), ("--fast", "--serial", "pty")], ids=str
)
def test_sleeps_can_be_skipped(tmp_path: Path, more: tuple[str, ...]) -> None:
    """Half an hour of them."""
    path = tmp_path / "run.ttd"
    words = (*BOARD, *more, "--steps", "90000", "-o", path, ticks(tmp_path / "fw.bin"))
    with terminal(*words) as screen:
        assert screen.end() == 0
    assert info(path)["virtual_ns"] > 1_700_000_000_000


def test_sleeps_are_skipped_without_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    assert ttd(*BOARD, "--steps", "90000", "-o", path, ticks(tmp_path / "fw.bin")).code == 0
    assert info(path)["virtual_ns"] > 1_700_000_000_000


def test_an_unfinished_line_of_the_guest(tmp_path: Path) -> None:
    """What ttd says has a line of its own, whether the terminal shows ^C or not."""
    # ldr r0, [pc, #60]; movs r1, #1; str r1, [r0, #8]; movs r2, #'A'; str r2, [r0]; b .
    image = raw(tmp_path / "fw.bin", [0x480F, 0x2101, 0x6081, 0x2241, 0x6002, 0xE7FE], [0x40004000])
    with terminal(*BOARD, "-o", tmp_path / "run.ttd", image) as screen:
        screen.until(b"A")
        os.write(screen.fd, b"\x03")
        assert screen.end() == 0
        lines = screen.shown.splitlines()
        assert lines[0].startswith(b"A") and lines[1].startswith(b"ttd: it was interrupted, at 0x")
        assert lines[2].startswith(b"ttd: ") and b" steps recorded in " in lines[2]
