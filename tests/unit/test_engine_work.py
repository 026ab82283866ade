"""What does not belong to the guest's own work is not done again and again: its places are known.

Counted, not timed: how often Unicorn is started, blocks are looked at, accesses trapped.
"""

from __future__ import annotations

import mmap
import platform
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unicorn import arm64_const as arm64
from unicorn import arm_const as arm
from unicorn import riscv_const as riscv

from tests.unit.native_doors import watch_masks
from ttd.cpu.models import CPUS
from ttd.engine import Access, Engine, StopReason

CODE, DATA, DEVICE = 0x20000000, 0x20100000, 0x40000000
LOOPS = 50


class Board:
    """Code, data, and a device that does what a test wants.

    The device's address is in the first register of `POINTERS`, that of the data in the second.
    """

    def __init__(self, model: str, code: bytes) -> None:
        self.on_access: Callable[[], None] = lambda: None
        self.accesses: list[int] = []
        self.answer = 0
        self.engine = engine = Engine(CPUS[model].isa)
        engine.map_ram(CODE, 0x4000)
        engine.map_ram(DATA, 0x4000)
        engine.map_ram(DEVICE - 0x4000, 0x4000)
        engine.map_mmio(DEVICE, 0x1000, self._read, self._write)
        engine.start()
        engine.write(CODE, code)
        first, second = POINTERS[model]
        engine.reg_write(engine.isa.pc, CODE)
        if model.startswith("cortex"):
            engine.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
        engine.regs_write((first, second), (DEVICE, DATA))

    def _access(self) -> None:
        self.accesses.append(self.engine.step)
        self.on_access()

    def _read(self, address: int, size: int) -> int:
        self._access()
        return self.answer

    def _write(self, address: int, size: int, value: int) -> None:
        self._access()

    def run_to(self, step: int) -> list[tuple[int, int]]:
        """Run on, however often that ends; where it ended."""
        stops = []
        while self.engine.step < step:
            stop = self.engine.run(step - self.engine.step)
            assert stop.reason is StopReason.BUDGET
            stops.append((self.engine.step, stop.pc - CODE))
        return stops


POINTERS = {
    "cortex-m3": (arm.UC_ARM_REG_R4, arm.UC_ARM_REG_R5),
    "cortex-m0": (arm.UC_ARM_REG_R4, arm.UC_ARM_REG_R5),
    "rv64": (riscv.UC_RISCV_REG_X10, riscv.UC_RISCV_REG_X11),
    "rv32": (riscv.UC_RISCV_REG_X10, riscv.UC_RISCV_REG_X11),
    "aarch64": (arm64.UC_ARM64_REG_X4, arm64.UC_ARM64_REG_X5),
}


def halves(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


# -- stops after an access of a device ------------------------------------------------------

# Two instructions, a store to the device, one more, and back to the begin.
STORE = {
    "cortex-m3": halves(0x3001, 0x3001, 0x6020, 0x3001, 0xE7FA),
    "cortex-m0": halves(0x3001, 0x3001, 0x6020, 0x3001, 0xE7FA),
    "rv64": words(0x00130313, 0x00130313, 0x00652023, 0x00130313, 0xFF1FF06F),
    "rv32": words(0x00130313, 0x00130313, 0x00652023, 0x00130313, 0xFF1FF06F),
    "aarch64": words(0x91000400, 0x91000400, 0xB9000080, 0x91000400, 0x17FFFFFC),
}


@pytest.mark.parametrize("model", STORE)
def test_a_stop_after_an_access_cuts_no_block_once_its_place_is_known(model: str) -> None:
    board = Board(model, STORE[model])
    length = len(STORE[model]) // 5
    board.on_access = board.engine.stop_after_access
    board.run_to(5)
    before = board.engine.work
    stops = board.run_to(5 + 5 * LOOPS)
    assert stops[:-1] == [(5 * n + 3, 3 * length) for n in range(1, LOOPS + 1)]
    assert board.accesses == [5 * n + 2 for n in range(LOOPS + 1)]
    # One for each run, and two at most to find the place and to cut the last.
    assert board.engine.work.since(before).starts <= len(stops) + 2


def test_stores_of_it_blocks_to_a_device_cut_no_block_once_their_place_is_known() -> None:
    """Alone they run all the same: two starts each, or four if they ask for a stop."""
    # cmp r0, r0; it eq; streq r0, [r4]; adds r1, #1; str r0, [r4]; b
    board = Board("cortex-m3", halves(0x4280, 0xBF08, 0x6020, 0x3101, 0x6020, 0xE7F9))
    board.run_to(12)
    before = board.engine.work
    board.run_to(12 + 6 * LOOPS)
    work = board.engine.work.since(before)
    assert work.starts <= 4 * LOOPS + 2
    assert board.accesses == [6 * n + at for n in range(LOOPS + 2) for at in (2, 4)]
    board.on_access = board.engine.stop_after_access
    board.accesses.clear()
    start = board.engine.step
    stops = board.run_to(start + 6 * LOOPS)
    expected = [(start + 6 * n + at, 2 * at) for n in range(LOOPS) for at in (3, 5)]
    assert stops[:-1] == expected
    assert board.accesses == [step - 1 for step, _ in expected]


def test_only_the_last_of_several_accesses_is_the_end() -> None:
    board = Board("cortex-m3", halves(0xBF00, 0xE8A4, 0x0007, 0x3C0C, 0xE7FA))  # stm r4!, {r0-r2}
    board.on_access = board.engine.stop_after_access
    stops = board.run_to(4 * LOOPS)
    assert stops[:-1] == [(4 * n + 2, 6) for n in range(LOOPS)]
    assert board.accesses == [4 * n + 1 for n in range(LOOPS) for _ in range(3)]


def test_places_that_are_too_many_are_given_up_and_found_anew() -> None:
    count = 1100
    code = halves(*[0x6020, 0xBF00, 0xE7FF] * count)  # str r0, [r4]; nop; b to behind it
    board = Board("cortex-m3", code + thumb_branch(CODE + len(code), CODE))
    board.on_access = board.engine.stop_after_access
    loop = 3 * count + 1
    stops = board.run_to(2 * loop)
    accesses = [start + 3 * n for start in (0, loop) for n in range(count)]
    assert [step for step, _ in stops] == [*(at + 1 for at in accesses), 2 * loop]
    assert board.accesses == accesses


def test_places_that_are_out_of_use_are_given_up() -> None:
    """Each call walks past them: it would be slow for ever."""
    ldar, add, back = 0x88DFFCA1, 0x91000400, 0x17FFFFFE  # ldar w1, [x5]; add x0, x0, #1; b to ldar
    count, loops = 300, 40_000
    board = Board("aarch64", words(*[ldar] * count, add, back))
    engine = board.engine
    fills = []
    board.run_to(count + 30)
    for n in range(1, 5):
        before = engine.work
        board.run_to(count + 3 * n * loops)
        fills.append(engine.work.since(before).fills)
        assert engine.reg_read(arm64.UC_ARM64_REG_X0) == n * loops
    # Once the TLB is flushed, and the places found anew.
    assert sum(fills) > 0 and fills[-1] == 0


def thumb_branch(at: int, to: int) -> bytes:
    """B.W (DDI0403E A7.7.12, encoding T4), backwards."""
    offset = to - (at + 4)
    return halves(0xF400 | offset >> 12 & 0x3FF, 0xB800 | offset >> 1 & 0x7FF)


def test_code_that_changes_at_a_known_place() -> None:
    """The place becomes a part of another instruction, and one in an IT block."""
    board = Board("cortex-m3", STORE["cortex-m3"])
    engine = board.engine
    board.on_access = engine.stop_after_access
    board.run_to(20)
    # it eq; adds.w r0, r0, #1 (in the middle of which the place is); str; b
    for code, expected in [
        (halves(0x2000, 0xBF04, 0x6020, 0x3001, 0xE7FA), (3, 6)),
        (halves(0xF100, 0x0001, 0xF100, 0x0001, 0x6020, 0x3001, 0xE7F8), (3, 10)),
    ]:
        engine.write(CODE, code)
        engine.step = 0
        engine.reg_write(engine.isa.pc, CODE)
        engine.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
        board.accesses.clear()
        stops = board.run_to(10)
        assert (stops[0], board.accesses[0]) == (expected, 2)


# -- pages with code and data ---------------------------------------------------------------

# A store to the data behind the code, a load from there, one more instruction, and back.
MIXED = {
    "cortex-m3": halves(0x6028, 0x6829, 0x3001, 0xE7FB),
    "cortex-m0": halves(0x6028, 0x6829, 0x3001, 0xE7FB),
    "rv64": words(0x0065A023, 0x0005A383, 0x00130313, 0xFF5FF06F),
    "rv32": words(0x0065A023, 0x0005A383, 0x00130313, 0xFF5FF06F),
    "aarch64": words(0xB90000A0, 0xB94000A1, 0x91000400, 0x17FFFFFD),
}


@pytest.mark.parametrize("model", MIXED)
def test_data_on_a_page_of_code_is_not_trapped(model: str) -> None:
    board = Board(model, MIXED[model])
    engine = board.engine
    engine.reg_write(POINTERS[model][1], CODE + 0x100)
    board.run_to(8)
    before = engine.work
    board.run_to(8 + 4 * LOOPS)
    work = engine.work.since(before)
    assert (work.traps, work.starts) == (0, 1)
    assert work.fills <= 3
    assert engine.read(CODE + 0x100, 4) == struct.pack("<I", LOOPS + 1)


@pytest.mark.parametrize("model", ["cortex-m3", "cortex-m0"])
def test_what_is_written_to_is_watched_without_a_trap(model: str) -> None:
    """Stores and loads beside it; then a store of several words that begins before it."""
    board = Board(model, MIXED[model])
    engine = board.engine
    engine.set_watchpoints([(DATA + 0x100, 4, Access.WRITE, False)])
    board.run_to(8)
    before = engine.work
    board.run_to(8 + 4 * LOOPS)
    assert engine.work.since(before).traps == 0
    assert engine.read(DATA, 4) == struct.pack("<I", LOOPS + 1)
    # stmia r5!, {r0-r3}; four times until the fourth comes to the place; another follows; b
    engine.write(CODE, halves(*[0xC50F] * 5, 0xE7F9))
    engine.new_interval()
    engine.step = 0
    engine.reg_write(engine.isa.pc, CODE)
    engine.reg_write(POINTERS[model][1], DATA + 0xC4)
    stop = engine.run(100)
    assert (stop.reason, engine.step, stop.pc) == (StopReason.WATCH, 3, CODE + 6)
    assert engine.reg_read(POINTERS[model][1]) == DATA + 0xF4
    assert engine.read(DATA + 0xF4, 16) == bytes(16)


def test_code_that_changes_beside_data_is_seen() -> None:
    """A store to another block than the one that runs; the same bytes again change nothing."""
    # loop: strh r6, [r5]; adds r0, #1; bl f; b loop; f: bx lr; bx lr
    code = halves(0x802E, 0x3001, 0xF000, 0xF801, 0xE7FA, 0x4770, 0x4770)
    board = Board("cortex-m3", code)
    engine = board.engine
    engine.regs_write((POINTERS["cortex-m3"][1], arm.UC_ARM_REG_R6), (CODE + 0x100, 0x3101))
    board.run_to(5 * LOOPS)
    assert engine.reg_read(arm.UC_ARM_REG_R1) == 0
    engine.reg_write(POINTERS["cortex-m3"][1], CODE + 10)  # f: adds r1, #1; bx lr
    board.run_to(5 * LOOPS + 6)
    assert engine.reg_read(arm.UC_ARM_REG_R1) == 1
    before = engine.work
    board.run_to(5 * LOOPS + 6 + 6 * LOOPS)
    assert engine.reg_read(arm.UC_ARM_REG_R1) == 1 + LOOPS
    assert engine.work.since(before).starts == 1


def test_a_place_that_was_code_is_data_from_then_on() -> None:
    """As when memory of a program that has ended is used again: its code is dropped once."""
    # f: bx lr, called once from far away; then loop: str r0, [r5]; adds r0, #1; b loop
    board = Board("cortex-m3", halves(0x3001, 0x4770))
    engine = board.engine
    engine.reg_write(arm.UC_ARM_REG_LR, CODE + 0x801)
    engine.write(CODE + 0x800, halves(0x6028, 0x3001, 0xE7FC))
    engine.reg_write(POINTERS["cortex-m3"][1], CODE)
    board.run_to(2 + 3)
    before = engine.work
    board.run_to(5 + 3 * LOOPS)
    work = engine.work.since(before)
    assert (work.starts, work.traps) == (1, 0)
    assert engine.read(CODE, 4) == struct.pack("<I", LOOPS + 1)


# -- what lies beside plain memory ----------------------------------------------------------


@pytest.mark.parametrize("model", MIXED)
@pytest.mark.parametrize("at", [DEVICE - 8, CODE + 0x4000 - 8])
def test_memory_beside_a_device_or_a_hole_is_not_trapped(model: str, at: int) -> None:
    board = Board(model, MIXED[model])
    engine = board.engine
    engine.reg_write(POINTERS[model][1], at)
    board.run_to(8)
    before = engine.work
    board.run_to(8 + 4 * LOOPS)
    assert engine.work.since(before) == (1, 1, 0, 0, 0)  # looked at where the run ends


@pytest.mark.parametrize("model", ["cortex-m3", "rv64"])
def test_of_an_unaligned_load_over_the_edge_the_device_gives_nothing(model: str) -> None:
    """Whatever has been read from it before."""
    if model == "rv64":  # lw x6, 0(x10); lw x7, -2(x10)
        target, code = riscv.UC_RISCV_REG_X7, words(0x00052303, 0xFFE52383)
    else:  # ldr r0, [r4]; ldr r1, [r4, #-2]
        target, code = arm.UC_ARM_REG_R1, halves(0x6820, 0xF854, 0x1C02)
    board = Board(model, code)
    board.answer = 0x12345678
    board.engine.write(DEVICE - 2, b"\x34\x12")
    board.run_to(2)
    assert board.engine.reg_read(target) == 0x1234
    assert board.accesses == [0]


LOOP = {
    "cortex-m3": halves(0x3001, 0xE7FD),  # adds r0, #1; b
    "cortex-m0": halves(0x3001, 0xE7FD),
    "rv64": words(0x00130313, 0xFFDFF06F),  # addi t1, t1, 1; j
    "rv32": words(0x00130313, 0xFFDFF06F),
    "aarch64": words(0x91000400, 0x17FFFFFF),  # add x0, x0, #1; b
}

# -- runs that need not end exactly ----------------------------------------------------------


@pytest.mark.parametrize("model", LOOP)
def test_a_run_that_need_not_end_exactly_cuts_no_block(model: str) -> None:
    engine = Board(model, LOOP[model]).engine
    engine.run(7, exact=False)
    assert engine.step == 8
    before = engine.work
    for _ in range(LOOPS):
        stop = engine.run(7, exact=False)
        assert (stop.reason, stop.steps, stop.pc) == (StopReason.BUDGET, 8, CODE)
    assert engine.work.since(before).starts == LOOPS
    assert engine.work.shortened <= 1


# -- an interrupt that is pending and masked ------------------------------------------------


@pytest.mark.parametrize("model", ["cortex-m3", "cortex-m0"])
def test_masks_are_looked_at_behind_what_may_change_them_only(model: str) -> None:
    # cpsid i; loop: adds r0, #1; adds r0, #1; b loop
    board = Board(model, halves(0xB672, 0x3001, 0x3001, 0xE7FC))
    board.run_to(1)
    watch_masks(board.engine)
    before = board.engine.work
    board.run_to(1 + 3 * LOOPS)
    assert board.engine.work.since(before).looks == 2  # where the run begins, and where it ends


# -- calls of the block hook ------------------------------------------------------------------


@pytest.mark.skipif(
    (platform.machine(), platform.system()) != ("x86_64", "Linux"),
    reason="calls are left as they are on this host",
)
@pytest.mark.parametrize("model", ["cortex-m3", "cortex-m0", "rv64", "rv32", "aarch64"])
def test_the_call_of_the_block_hook_is_shortened_once_for_each_block(model: str) -> None:
    """That is a fact about what Unicorn writes (shortened.c)."""
    assert _shortened(model, 0) == [1, 1]


@pytest.mark.skipif(
    (platform.machine(), platform.system()) != ("x86_64", "Linux"),
    reason="calls are left as they are on this host",
)
def test_a_call_from_further_away_than_it_reaches_stays_as_it_is() -> None:
    assert _shortened("rv64", 3) == [0, 0]


def _shortened(model: str, apart: int) -> list[int]:
    """Calls shortened after some loops and after more, with so many GiB mapped between Unicorn's
    code and ours. In a process of its own: one that runs tests has mapped it knows not what."""
    code = f"from tests.unit import test_engine_work as t; t.print_shortened({model!r}, {apart})"
    said = subprocess.check_output(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], text=True, timeout=60
    )
    return [int(word) for word in said.split()]


def print_shortened(model: str, apart: int) -> None:
    between = [mmap.mmap(-1, 1 << 30) for _ in range(apart)]
    board = Board(model, LOOP[model])
    for loops in (2 * LOOPS, 4 * LOOPS):
        board.run_to(loops)
        print(board.engine.work.shortened)
    del between
