"""A guest that waits for its console: it can be interrupted, and then has not read yet."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.border import Line, recorder
from tests.integration.cli_tools import BOARD, HANG, elf, start, ttd
from tests.integration.conftest import Server
from tests.integration.gdb_mi import Gdb
from ttd.recorded import SEMIHOSTING
from ttd.recording.recording import Recording
from ttd.runs import RunEnd
from ttd.stops import Stops, Why

READS = elf("reads")
BKPT, READ = 0xBEAB, 6
GUEST = ("--semihosting", READS)


def ends(kind: str, folder: Path) -> tuple[int, int]:
    """Standard input for a process, and where to type."""
    if kind == "pipe":
        return os.pipe()
    if kind == "terminal":
        master, slave = pty.openpty()
        return slave, master
    path = folder / "fifo"
    os.mkfifo(path)
    write = os.open(path, os.O_RDWR)
    return os.open(path, os.O_RDONLY), write


@pytest.fixture(params=["pipe", "terminal", "fifo"])
def standard_input(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, int]]:
    both = ends(request.param, tmp_path)
    yield both
    for end in both:
        os.close(end)


class Typist:
    """Semihosting's console: reads wait until something is typed."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._typed: list[bytes] = []
        self._changed = threading.Condition()
        self.printed = bytearray()

    def start(self, on_input: Callable[[bytes], None]) -> None:
        pass

    def type(self, text: bytes) -> None:
        with self._changed:
            self._typed.append(text)
            self._changed.notify()

    def write(self, data: bytes) -> int:
        self.printed += data
        return len(data)

    def room(self) -> int:
        return 1 << 20

    def put(self, data: bytes) -> None:
        self.write(data)

    def read_all(self, count: int) -> bytes:
        self.begun.set()
        with self._changed:
            assert self._changed.wait_for(lambda: self._typed, HANG)
            text = self._typed.pop(0)
            if text[count:]:
                self._typed.insert(0, text[count:])
            return text[:count]

    def close(self) -> None:
        pass


def test_a_call_that_is_interrupted_is_made_again(tmp_path: Path) -> None:
    path, line, console = tmp_path / "run.ttd", Line(), Typist()
    live = recorder("reads", path, uart=line, backends={SEMIHOSTING: console})
    timeline, machine = live.timeline, live.machine
    threading.Thread(
        target=lambda: (console.begun.wait(HANG), timeline.interrupt()), daemon=True
    ).start()
    stop = timeline.run_forward(Stops())
    assert stop.why is Why.INTERRUPTED
    here, state = stop.step, live.snapshots.state_hash(live.snapshots.capture())
    for _ in range(3):
        machine.interrupt()
        assert machine.run().end is RunEnd.INTERRUPTED
        assert timeline.position == here
    # Back and there again: nobody is asked, and it is the same place.
    timeline.step_backward(500)
    timeline.seek(here)
    assert live.snapshots.state_hash(live.snapshots.capture()) == state
    console.type(b"2\nabcd")
    for text in (b"x", b"next line\n", b"y"):
        console.type(text)
    assert timeline.run_forward(Stops()).why is Why.HISTORY_END
    ended = machine.ended
    assert ended is not None
    live.finish(ended.reason, ended.code)
    live.close()
    assert b"2\nabcd" in line.output and b"next line" in line.output
    done = ttd("replay", "--echo", "--verify", path)
    assert done.code == 0, done.err
    assert done.out == bytes(line.output)


@pytest.mark.slow
def test_gdb_interrupts_it(
    standard_input: tuple[int, int],
    tmp_path: Path,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
) -> None:
    """Ctrl-C stops at the call; it is made again; going back and forward finds it again."""
    stdin, typed = standard_input
    path = tmp_path / "run.ttd"
    server = serve("record", *BOARD[1:], "-o", path, "--gdb", "0", *GUEST, stdin=stdin)
    gdb = attach(READS, server.port)
    pc = 0
    while pc == 0 or gdb.value("*(unsigned short *)$pc") != BKPT or gdb.value("$r0") != READ:
        gdb.start("continue")
        gdb.break_in()
        pc = gdb.pc
    here, registers = gdb.step, gdb.registers()
    gdb.start("continue")
    gdb.break_in()
    assert (gdb.step, gdb.pc, gdb.registers()) == (here, pc, registers)
    gdb.go("reverse-stepi")
    gdb.go("stepi")
    assert (gdb.step, gdb.registers()) == (here, registers)
    os.write(typed, b"1 line\n")
    gdb.go("stepi")
    assert gdb.step == here + 1
    gdb.start("continue")
    gdb.break_in()
    os.write(typed, b"x\n")
    gdb.go("continue")
    gdb.close()
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0, server.lines
    replayed = ttd("replay", "--verify", path)
    assert replayed.code == 0, replayed.err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("more", [(), ("--gdb", "0")], ids=["record", "gdb"])
def test_signals_end_it(tmp_path: Path, number: signal.Signals, more: tuple[str, ...]) -> None:
    path = tmp_path / "run.ttd"
    process = start(
        *(*BOARD, "-o", path, "--serial", f"file:{tmp_path}/uart.txt", *more, *GUEST),
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stderr is not None
    try:
        if more:
            while b"target remote" not in process.stderr.readline():
                assert process.poll() is None
        else:
            # One line is read; the guest says so, and waits for the character.
            process.stdin.write(b"1 line\n")
            process.stdin.flush()
            wait_for(tmp_path / "uart.txt", b"1 line\n")
        process.send_signal(number)
        assert process.wait(HANG) == 0
    finally:
        process.kill()
    status = Recording.open(str(path)).status
    assert status.complete
    assert ttd("replay", "--verify", path).code == 0


def wait_for(path: Path, text: bytes) -> None:
    for _ in range(int(HANG * 100)):
        if path.exists() and text in path.read_bytes():
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{text!r} was not printed")


@pytest.mark.parametrize("how", ["nothing", "closed", "UART 0 has it"])
def test_semihosting_has_standard_input_when_it_reads(tmp_path: Path, how: str) -> None:
    path = tmp_path / "run.ttd"
    words: list[Any] = [*BOARD, "-o", path, *GUEST]
    if how == "UART 0 has it":
        words += ["--serial", "stdio"]
    more: dict[str, Any] = {}
    if how == "closed":
        more["preexec_fn"] = lambda: os.close(0)
    done = ttd(*words, stdin=b"" if how == "closed" else b"1" * 32 + b"x", **more)
    assert done.code == 0, done.err
    if how == "closed":
        assert b"missing 00000020\ncharacter ffffffff\n" in done.out
        return
    assert b"missing 00000000\n" + b"1" * 32 + b"character 00000078\n" in done.out
    assert re.search("standard input now is .*semihosting", done.err)
    replayed = ttd("replay", "--echo", path)
    assert (replayed.code, replayed.out) == (0, done.out)


def test_a_uart_that_always_receives_does_not_take_it_first(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    board = ("record", "--board", "virt", "--bios", "none", "--semihosting")
    done = ttd(*board, "-o", path, elf("getc"), stdin=b"*more")
    assert done.code == ord("*"), done.err
    assert ttd("replay", "--verify", path).code == 0
