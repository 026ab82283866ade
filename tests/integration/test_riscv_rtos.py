"""A preemptive kernel on RISC-V: M, S and U mode, paging, interrupts; recorded and reversed.

The firmware's output is QEMU's (tests/firmware/README.md), for both word sizes.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.integration.cli_tools import FIRMWARE, HANG, info, start, ttd, verify
from tests.integration.conftest import Recorded, Server, symbols
from tests.integration.gdb_mi import Gdb
from tests.integration.test_reverse_continue import stops
from tests.integration.test_stepping import walk

pytestmark = pytest.mark.slow

HOME = FIRMWARE / "rtos"
BOARDS = {64: "virt", 32: "virt32"}
INPUT = (HOME / "input.txt").read_bytes()
EXPECTED = (HOME / "expected.txt").read_bytes()
OWN = 0x40000000
"""Where each task has memory of its own."""
ROUND = OWN + 4
U, S, M = 0, 1, 3

Attach = Callable[..., Gdb]


def elf(bits: int) -> Path:
    return HOME / f"rtos-rv{bits}.elf"


BOTH = [pytest.param(64, id="rv64"), pytest.param(32, id="rv32", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=BOTH)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    bits = request.param
    path = tmp_path_factory.mktemp("rtos") / "run.ttd"
    done = ttd("record", "--board", BOARDS[bits], "-o", path, elf(bits), stdin=INPUT)
    assert done.code == 0, done.err
    source = HOME / "user.c"
    return Recorded(path, elf(bits), source, done.out, EXPECTED, symbols(elf(bits)))


@pytest.fixture(scope="module")
def port(recorded: Recorded) -> Iterator[int]:
    server = Server("serve", "--port", "0", recorded.path)
    yield server.port
    server.close()


@pytest.fixture
def gdb(recorded: Recorded, port: int, attach: Attach) -> Gdb:
    """At the first step of the recording."""
    found = attach(recorded.elf, port)
    found.goto("start")
    return found


def test_output_is_that_of_qemu(recorded: Recorded) -> None:
    assert recorded.output == EXPECTED
    verify(recorded.path)
    assert ttd("replay", recorded.path, "--echo").out == EXPECTED
    assert info(recorded.path)["end"] == "the guest switched the machine off with code 0"


@pytest.mark.parametrize("bits", BOARDS)
def test_the_guests_exit_code(bits: int, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    done = ttd("record", "--board", BOARDS[bits], "-o", path, elf(bits), stdin=b"\nfail 7\n")
    assert (done.code, done.out) == (7, b"five tasks\n")
    verify(path)
    assert info(path)["end"] == "the guest switched the machine off with code 7"


def line_of(stream: IO[bytes] | None) -> bytes:
    assert stream is not None
    return stream.readline()


@pytest.mark.parametrize("bits", BOTH)
def test_typed_while_it_runs(bits: int, tmp_path: Path) -> None:
    """Lines that wait for the answer to the one before, and one longer than FIFO and trigger."""
    path = tmp_path / "run.ttd"
    process = start(
        *("record", "--board", BOARDS[bits], "-o", path, elf(bits)), stdin=subprocess.PIPE
    )
    said = [line_of(process.stdout)]
    assert process.stdin is not None
    for typed in (b"add 1 2", b"rev " + bytes(range(97, 123)), b"nothing", b"quit"):
        process.stdin.write(typed + b"\n")
        process.stdin.flush()
        if typed != b"quit":
            said.append(line_of(process.stdout))
    rest, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0
    expected = b"five tasks\n3\nzyxwvutsrqponmlkjihgfedcba\nwhat is nothing?\n"
    assert b"".join(said) == expected
    assert b"\nall seen\n" in rest
    verify(path)
    assert ttd("replay", path, "--echo").out == expected + rest


def test_some_random_places(gdb: Gdb) -> None:
    walk(gdb, 8, seed=random.randrange(1 << 32))


@pytest.mark.slow
def test_a_thousand_random_places(gdb: Gdb, recorded: Recorded) -> None:
    walk(gdb, 1000 if recorded.elf == elf(64) else 200, seed=random.randrange(1 << 32))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("page_fault", S),
        ("work_round", U),
        pytest.param("super_round", S, marks=pytest.mark.slow),
        pytest.param("uart_interrupt", M, marks=pytest.mark.slow),
        pytest.param("report", M, marks=pytest.mark.slow),
    ],
)
def test_functions_in_every_mode(gdb: Gdb, recorded: Recorded, name: str, mode: int) -> None:
    address = recorded.symbols[name]
    gdb.say(f"break *{address}")
    forward = stops(gdb, "continue", most=60)
    assert 0 < len(forward) < 60
    assert {pc for _, pc in forward} == {address}
    assert gdb.step == gdb.when()[1]
    backward = []
    for _ in forward:
        gdb.go("reverse-continue")
        backward.append((gdb.step, gdb.pc))
        assert gdb.value("$priv") == mode
    assert backward == forward[::-1]
    if name == "work_round":
        # Which of the two tasks is first depends on when input is let in.
        assert gdb.value("seed") in (0xA1FA, 0xBE7A)
    elif name == "page_fault":
        # Exactly where the fault was, and its cause, for the first page of all: a stack.
        first = 0x40100000 - gdb.value("sizeof(long)")
        assert (gdb.value("cause"), gdb.value("address")) == (15, first)


def test_a_watchpoint_across_address_spaces(gdb: Gdb, recorded: Recorded) -> None:
    """Two tasks write to one virtual address, which is another page for each."""
    gdb.say(f"break *{recorded.symbols['work_round']}")
    gdb.go("continue")
    gdb.say("delete")
    gdb.say(f"awatch *(unsigned *){ROUND}")
    seen: list[tuple[int, int, int, int]] = []

    def look() -> tuple[int, int, int, int]:
        return gdb.step, gdb.pc, gdb.value("$satp"), gdb.value(f"*(unsigned *){ROUND}")

    while "value" in gdb.go("continue")[0]:
        seen.append(look())
    spaces = {satp for _, _, satp, _ in seen}
    assert len(spaces) == 2, "alpha's and beta's"
    for space in spaces:
        rounds = [value for _, _, satp, value in seen if satp == space]
        assert rounds == sorted(rounds) and rounds[-1] >= 3, "each counts its own"
    for step, _, satp, _ in reversed(seen):
        gdb.go("reverse-continue")
        # Forward GDB stops just after the access, backward just before it.
        assert (gdb.step, gdb.value("$satp")) == (step - 1, satp)


def test_back_to_a_typed_character(gdb: Gdb, recorded: Recorded) -> None:
    """From its end to the interrupt of the last character, and on to the shell that gets it."""
    gdb.goto("end")
    gdb.say(f"break *{recorded.symbols['uart_interrupt']}")
    gdb.go("reverse-continue")
    assert gdb.value("$mcause & 0xff") == 11
    arrived = gdb.step
    gdb.say(f"break *{recorded.symbols['answer']} if *(char *)$a0 == 'q'")
    gdb.go("continue")
    assert (gdb.pc, gdb.value("$priv")) == (recorded.symbols["answer"], U)
    assert gdb.say("print line").endswith('"quit"\n')
    gdb.go("reverse-continue")
    assert gdb.step == arrived
