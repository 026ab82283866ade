"""Guests that get nowhere: nothing wakes them, or they take one exception after another."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli_tools import BOARD, elf, info, start, ttd, verify

pytestmark = pytest.mark.slow

LOOPS = {
    # An undefined instruction, and a HardFault handler that returns to it.
    "mps2-an385": "HardFault at 0x40",
    "microbit": "HardFault at 0x40",
    # There is nothing at mtvec.
    "virt": "instruction access fault (cause 1) at 0x0",
    "virt32": "instruction access fault (cause 1) at 0x0",
}


def loop(folder: Path, board: str) -> str:
    path = folder / "fw.bin"
    if board.startswith("virt"):
        path.write_bytes(bytes(4))
        return f"{path}@0x80000000"
    vectors = struct.pack("<4I", 0x20001000, 0x41, 0x43, 0x43)
    path.write_bytes(vectors.ljust(0x40, b"\0") + struct.pack("<2H", 0xDE00, 0x4770))  # udf; bx lr
    return f"{path}@0"


def recorded(said: str) -> str:
    """What was said before how much was recorded."""
    *lines, steps = said.splitlines()
    assert re.fullmatch(r"ttd: [0-9]+ steps recorded in .*", steps), said
    return "\n".join(lines)


# --- asleep


@pytest.mark.parametrize("serial", ["stdio", "null", "file:out.txt"])
def test_a_limit_ends_a_guest_that_sleeps_for_ever(tmp_path: Path, serial: str) -> None:
    path = tmp_path / "run.ttd"
    words = (*BOARD, "--serial", serial, "--steps", "100000", "-o", path, elf("echo"))
    done = ttd(*words, cwd=tmp_path)
    assert done.code == 0
    assert "the guest sleeps and nothing wakes it, before the limit of 100000 steps" in done.err
    facts = info(path)
    assert facts["steps"] < 1000 and facts["complete"] and "sleeps" in facts["end"]
    verify(path)


def test_a_limit_waits_a_little_for_input(tmp_path: Path) -> None:
    """Somebody holds standard input open; input that comes at once is not lost."""
    path = tmp_path / "run.ttd"
    read, write = os.pipe()
    process = start(*BOARD, "--steps", "100000", "-o", path, elf("echo"), stdin=read)
    os.write(write, b"hello\r")
    assert process.communicate()[0].count(b"hello") >= 1 and process.returncode == 0
    os.close(read)
    os.close(write)
    assert info(path)["events"]["char_read"] >= 1
    verify(path)


def test_a_limit_ends_a_guest_that_reads(tmp_path: Path) -> None:
    """Somebody holds standard input open; what comes at once is read."""
    path = tmp_path / "run.ttd"
    read, write = os.pipe()
    words = (*BOARD, "--semihosting", "--steps", str(10**9), "-o", path, elf("reads"))
    process = start(*words, stdin=read, stderr=subprocess.PIPE)
    os.write(write, b"ab")
    said = process.communicate()[1].decode()
    os.close(read)
    os.close(write)
    assert "the guest reads and nothing is typed, before the limit of 1000000000 steps" in said
    facts = info(path)
    assert facts["complete"] and facts["steps"] < 10**6 and facts["events"]["char_read_all"] >= 1
    verify(path)


@pytest.mark.parametrize("size", [1, 60])
def test_a_limit_loses_no_input(tmp_path: Path, size: int) -> None:
    path = tmp_path / "run.ttd"
    typed = (b"x" * 40 + b"\r") * size
    done = ttd(*BOARD, "--steps", str(10**9), "-o", path, elf("echo"), stdin=typed)
    assert done.out.count(b"You typed: ") == size
    verify(path)


def test_a_suspended_guest(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    words = (*BOARD, "--device", "power", "--steps", "100000", "-o", path, elf("power"))
    done = ttd(*words)
    assert "the guest is suspended and nothing wakes it" in done.err
    verify(path)


def test_a_guest_that_sleeps_for_ever_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    process = start(*BOARD, "-o", path, elf("echo"), stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.readline()
    assert re.search(rb"sleeps since step [0-9]+, no timer is set, and no input can come", said)
    process.send_signal(signal.SIGINT)
    rest = process.communicate()[1].decode()
    assert recorded(rest).startswith("ttd: it was interrupted, at 0x")
    assert info(path)["end"] == "it was interrupted"
    verify(path)


# --- nothing but exceptions


@pytest.mark.parametrize("board", LOOPS)
def test_a_loop_of_exceptions_at_the_limit(tmp_path: Path, board: str) -> None:
    path = tmp_path / "run.ttd"
    words = ("record", "--board", board, "--steps", "1001", "-o", path)
    said = recorded(ttd(*words, loop(tmp_path, board)).err)
    assert re.search(
        rf"nothing but exceptions since step [0-9]+, [0-9]+ of them: {re.escape(LOOPS[board])}$",
        said,
        re.MULTILINE,
    ), said
    if board.startswith("virt"):
        assert "ttd: mcause 0x1: instruction access fault" in said
        assert "ttd: mepc 0x0" in said and "ttd: mtval 0x0" in said
    elif board == "mps2-an385":
        assert said.count("UNDEFINSTR") == 1 and "FORCED" in said
    verify(path)


@pytest.mark.parametrize("board", ["mps2-an385", "virt"])
def test_a_loop_of_exceptions_is_named(tmp_path: Path, board: str) -> None:
    path = tmp_path / "run.ttd"
    process = start(
        *("record", "--board", board, "-o", path), loop(tmp_path, board), stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.readline().decode()
    assert "nothing but exceptions since step" in said and LOOPS[board] in said
    process.send_signal(signal.SIGINT)
    rest = process.communicate()[1].decode()
    assert "nothing but exceptions" not in rest, "once"
    assert info(path)["complete"]


def test_a_handler_that_does_nothing_for_ever(tmp_path: Path) -> None:
    vectors = struct.pack("<4I", 0x20001000, 0x41, 0x43, 0x43)
    path = tmp_path / "fw.bin"
    path.write_bytes(vectors.ljust(0x40, b"\0") + struct.pack("<2H", 0xDE00, 0xE7FE))  # udf; b .
    done = ttd(*BOARD, "--steps", "500", "-o", tmp_path / "run.ttd", f"{path}@0")
    where, *faults = recorded(done.err).splitlines()
    assert where == "ttd: the limit of 500 steps was reached, at 0x00000042"
    assert [fault.split(" (")[0] for fault in faults] == [
        "ttd: CFSR 0x00010000: UNDEFINSTR",
        "ttd: HFSR 0x40000000: FORCED",
    ]


def test_calls_are_no_loop(tmp_path: Path) -> None:
    """A program that does little but ask its supervisor, which does little."""
    # svc 0; b .-2; and a handler that returns
    vectors = struct.pack("<16I", 0x20001000, 0x41, *[0x45] * 14)
    path = tmp_path / "fw.bin"
    path.write_bytes(vectors + struct.pack("<3H", 0xDF00, 0xE7FD, 0x4770))
    done = ttd(*BOARD, "--steps", "5000", "-o", tmp_path / "run.ttd", f"{path}@0")
    assert recorded(done.err).startswith("ttd: the limit of 5000 steps was reached")
    assert "nothing but exceptions" not in done.err


def test_exceptions_that_are_served_are_no_loop(tmp_path: Path) -> None:
    done = ttd(*BOARD, "--semihosting", "-o", tmp_path / "run.ttd", elf("faults"))
    assert recorded(done.err) == "ttd: the guest exited with code 0"
