"""The engine's promises, one by one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from unicorn import arm_const as arm

from tests.unit.collecting import MOST, accessed, collect, executed
from tests.unit.engine_programs import half, wide
from tests.unit.native_doors import mpu_denies, set_mpu, set_traps, watch_masks
from ttd.cpu.models import CPUS
from ttd.engine import (
    FRAME,
    Access,
    BusFault,
    Context,
    Engine,
    EngineError,
    StopReason,
)

R0, R1, R2, R3 = arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3
R4, R5 = arm.UC_ARM_REG_R4, arm.UC_ARM_REG_R5
PC, XPSR, SP = arm.UC_ARM_REG_PC, arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_SP
ROM, RAM, ALIAS, DEVICE, NOWHERE = 0, 0x20000000, 0x30000000, 0x40000000, 0x50000000
T = 1 << 24
NOP = half(0xBF00)
BKPT = half(0xBE00)
LDR_DEVICE = half(0x6820)  # ldr r0, [r4]
STR_DEVICE = half(0x6020)  # str r0, [r4]
ITT_EQ = half(0xBF04)
Z = 1 << 30


class Board:
    """Code in RAM, data in the page after it, a device that does what a test wants."""

    def __init__(self) -> None:
        self.accesses: list[tuple[int, int, str, int, int]] = []
        self.on_access: Callable[[int], None] = lambda address: None
        self.engine = engine = Engine(CPUS["cortex-m3"].isa)
        engine.map_ram(ROM, 0x800, writable=False)
        engine.map_ram(RAM, 0x4000)
        engine.map_alias(ALIAS, 0x4000, RAM)
        engine.map_mmio(DEVICE, 0x1000, self._read, self._write)
        engine.start()

    def _read(self, address: int, size: int) -> int:
        self.accesses.append((self.engine.step, self.engine.pc, "r", address, size))
        self.on_access(address)
        return 0x1000 + self.engine.step

    def _write(self, address: int, size: int, value: int) -> None:
        self.accesses.append((self.engine.step, self.engine.pc, "w", address, value))
        self.on_access(address)

    def code(self, *parts: bytes, at: int = RAM, flags: int = 0) -> Engine:
        self.engine.write(at, b"".join(parts))
        self.engine.regs_write(
            (XPSR, PC, R4, R5, SP), (T | flags, at, DEVICE, RAM + 0x400, RAM + 0x4000)
        )
        return self.engine


@pytest.fixture
def board() -> Board:
    return Board()


def flags_of(engine: Engine) -> int:
    """The IT bits, in their architectural order."""
    xpsr = engine.reg_read(XPSR)
    return (xpsr >> 10 & 0x3F) << 2 | xpsr >> 25 & 3


# -- steps ---------------------------------------------------------------------------------


def test_skipped_instructions_of_an_it_block_count(board: Board) -> None:
    engine = board.code(ITT_EQ, half(0x2001, 0x2002), BKPT)  # ittt eq; movs r0, #1; ...
    stop = engine.run(100)
    assert (stop.reason, stop.steps, stop.code) == (StopReason.EXCEPTION, 3, 7)
    assert engine.reg_read(R0) == 0


@pytest.mark.parametrize("flags, runs", [(Z, True), (0, False)])
@pytest.mark.parametrize(
    "last", [wide(0xE9D40100), wide(0xFBB0F0F1)], ids=["ldrd r0, r1, [r4]", "udiv r0, r0, r1"]
)
def test_an_it_block_goes_on_behind_what_ends_a_block(
    board: Board, last: bytes, flags: int, runs: bool
) -> None:
    """What faults there does so if it is not skipped, and only then."""
    engine = board.code(half(0xBF04), half(0xDF01), last, BKPT, flags=flags)  # itt eq; svc
    set_traps(engine, divide=True, unaligned=False)
    engine.regs_write((R4, R1), (RAM + 0x401, 0))
    stop = engine.run(100)
    if runs:
        assert (stop.reason, engine.pc) == (StopReason.EXCEPTION, RAM + 4)
        stop = engine.run(100)
    assert (stop.reason is StopReason.EXCEPTION and stop.code == 7) != runs
    assert engine.pc == (RAM + 4 if runs else RAM + 8)


def test_unaligned_loads_from_a_page_of_code_trap(board: Board) -> None:
    """However the page was last looked up: to fetch from, or to load from."""
    # ldr r0, [r4] twice; ldr r0, [r4, #1]
    engine = board.code(half(0x6820), half(0x6820), wide(0xF8D40001), BKPT)
    set_traps(engine, divide=False, unaligned=True)
    for counts in ([100], [1, 1, 1], [2, 1]):
        engine.new_interval()
        engine.regs_write((PC, R4), (RAM, RAM))
        stops = [engine.run(count) for count in counts]
        assert (stops[-1].reason, stops[-1].address) == (StopReason.FAULT, RAM + 1)
        assert engine.pc == RAM + 4


def test_every_step_inside_an_it_block_is_a_place_to_stop(board: Board) -> None:
    engine = board.code(half(0xBF01), half(0x2001, 0x3001, 0x3002, 0x3003), BKPT, flags=Z)
    assert engine.run(1).steps == 1
    seen = [(engine.pc, flags_of(engine), engine.reg_read(R0))]
    for _ in range(4):
        assert engine.run(1).steps == 1
        seen.append((engine.pc, flags_of(engine), engine.reg_read(R0)))
    assert seen == [
        (RAM + 2, 0x01, 0), (RAM + 4, 0x02, 1), (RAM + 6, 0x04, 2), (RAM + 8, 0x08, 4),
        (RAM + 10, 0, 7),
    ]  # fmt: skip


def test_a_budget_of_nothing_runs_nothing(board: Board) -> None:
    engine = board.code(NOP, NOP)
    assert engine.run(0).reason is StopReason.BUDGET
    assert engine.pc == RAM


def test_a_store_in_an_it_block_stops_at_a_watchpoint_each_time(board: Board) -> None:
    """Also where its place is known as one behind which runs end."""
    # 1: cmp r4, #0; itt ne; strne r4, [r5]; addne r0, #1; b 1b
    engine = board.code(half(0x2C00, 0xBF1C, 0x602C, 0x3001, 0xE7FA))
    engine.set_watchpoints([(RAM + 0x400, 4, Access.WRITE, False)])
    for round_ in range(5):
        stop = engine.run(100)
        assert (stop.reason, engine.step) == (StopReason.WATCH, 2 + 5 * round_)
        engine.skip_stops_at(engine.step)


@pytest.mark.parametrize("word", range(1, 5))
def test_a_fault_in_an_it_block_leaves_it_there(board: Board, word: int) -> None:
    body = [half(0x3001)] * 4
    body[word - 1] = half(0x6008)  # str r0, [r1]
    engine = board.code(half(0xBF01), *body, BKPT, flags=Z)
    engine.reg_write(R1, NOWHERE + 0x123)
    stop = engine.run(100)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.FAULT, word, RAM + 2 * word)
    assert (stop.code, stop.address, stop.exact) == (Access.WRITE, NOWHERE + 0x123, True)
    assert engine.reg_read(R0) == word - 1
    assert flags_of(engine) == (0x01 << word - 1) & 0x1F


# -- devices -------------------------------------------------------------------------------


def test_a_device_sees_the_exact_step_and_pc(board: Board) -> None:
    engine = board.code(half(0x2103), NOP, LDR_DEVICE, STR_DEVICE, half(0x3901, 0xD1FA), BKPT)
    stop = engine.run(1000)
    assert stop.steps == 1 + 3 * 5
    places = [(step, pc) for step, pc, *_ in board.accesses]
    assert places == [(1 + 5 * n + k, RAM + 2 + 2 * k) for n in range(3) for k in (1, 2)]


def test_a_run_cannot_begin_inside_another(board: Board) -> None:
    engine = board.code(LDR_DEVICE, LDR_DEVICE, BKPT)
    board.on_access = lambda _: engine.run(1) and None
    with pytest.raises(EngineError, match="inside"):
        engine.run(10)
    board.on_access = lambda _: None
    engine.reg_write(PC, RAM)
    assert engine.run(10).steps == 2


def test_a_request_from_another_thread_is_never_lost(board: Board) -> None:
    """Whatever blocks the engine is looking at meanwhile: here those with IT, every other."""
    engine = board.code(half(0xBF08), half(0x3001), half(0xE7FC))  # it eq; addeq r0, #1; b
    for _ in range(200):
        thread = threading.Thread(target=engine.request_stop)
        thread.start()
        stop = engine.run(1 << 40)
        thread.join()
        assert stop.reason is StopReason.REQUEST
        engine.reg_write(PC, RAM)


def test_polling_a_device(board: Board) -> None:
    # 0: ldr r0, [r4]; lsrs r0, #4 (device answers 0x1000 + step: 0x1100 >> 8 & 1); bcc
    engine = board.code(LDR_DEVICE, half(0x0A40, 0xD3FC), BKPT)
    stop = engine.run(100000)
    assert stop.code == 7 and stop.steps == len(board.accesses) * 3
    assert [a[0] for a in board.accesses] == list(range(0, stop.steps, 3))


@pytest.mark.parametrize("access", [LDR_DEVICE, STR_DEVICE])
@pytest.mark.parametrize("it", [False, True])
def test_stop_after_access(board: Board, access: bytes, it: bool) -> None:
    engine = board.code(ITT_EQ if it else NOP, access, half(0x3101), BKPT, flags=Z)
    board.on_access = lambda _: engine.stop_after_access()
    stop = engine.run(1000)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.BUDGET, 2, RAM + 4)
    assert len(board.accesses) == 1
    assert flags_of(engine) == (0x08 if it else 0)
    assert engine.reg_read(R0) == (0x1001 if access == LDR_DEVICE else 0)
    assert engine.run(1000).code == 7 and engine.reg_read(R1) == 1


@pytest.mark.parametrize("flags", [0, Z])
@pytest.mark.parametrize("before", [0x3FA, 0x3FC, 0x3FE])
@pytest.mark.parametrize("access", [STR_DEVICE, wide(0xF8C40000)])
def test_stop_after_access_at_the_end_of_a_page(
    board: Board, access: bytes, before: int, flags: int
) -> None:
    """The exit is then on the next page, or the instruction or its IT block goes over the end."""
    engine = board.code(ITT_EQ, access, half(0x3101), NOP, BKPT, at=RAM + before, flags=flags)
    board.on_access = lambda _: engine.stop_after_access()
    for _ in range(2):
        engine.step = 0
        engine.regs_write((XPSR, PC, R1), (T | flags, RAM + before, 0))
        stop = engine.run(1000)
        if flags:
            assert (stop.reason, stop.steps) == (StopReason.BUDGET, 2)
            stop = engine.run(1000)
        assert (stop.code, engine.step, engine.reg_read(R1)) == (7, 4, int(bool(flags)))
    assert len(board.accesses) == (2 if flags else 0)


def test_stop_after_an_access_of_many_words(board: Board) -> None:
    engine = board.code(NOP, wide(0xE8A40007), BKPT)  # stm r4!, {r0-r2}
    board.on_access = lambda address: engine.stop_after_access() if address & 4 else None
    stop = engine.run(1000)
    assert (stop.steps, stop.pc, engine.reg_read(R4)) == (2, RAM + 6, DEVICE + 12)
    assert [a[3] - DEVICE for a in board.accesses] == [0, 4, 8]


@pytest.mark.parametrize("access", [LDR_DEVICE, STR_DEVICE])
@pytest.mark.parametrize("it", [False, True])
def test_a_device_that_answers_with_an_error(board: Board, access: bytes, it: bool) -> None:
    def fail(_address: int) -> None:
        raise BusFault

    engine = board.code(ITT_EQ if it else NOP, access, half(0x3101), BKPT, flags=Z)
    engine.reg_write(R0, 77)
    board.on_access = fail
    stop = engine.run(1000)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.FAULT, 1, RAM + 2)
    assert (stop.address, stop.exact) == (DEVICE, True)
    assert stop.code == (Access.READ if access == LDR_DEVICE else Access.WRITE)
    assert (engine.reg_read(R0), engine.reg_read(R1)) == (77, 0)
    assert flags_of(engine) == (0x04 if it else 0)


def test_an_error_of_a_device_model_comes_out_of_run(board: Board) -> None:
    def fail(_address: int) -> None:
        raise ZeroDivisionError("a bug")

    engine = board.code(NOP, LDR_DEVICE)
    board.on_access = fail
    with pytest.raises(ZeroDivisionError, match="a bug"):
        engine.run(10)
    assert (engine.step, engine.pc) == (1, RAM + 2)


def test_unaligned_device_access_faults(board: Board) -> None:
    engine = board.code(half(0x3401), LDR_DEVICE)
    stop = engine.run(10)
    assert (stop.reason, stop.steps, stop.address) == (StopReason.FAULT, 1, DEVICE + 1)


def test_a_device_changes_the_code_that_is_running(board: Board) -> None:
    """As DMA would: the very next instruction is the new one."""
    engine = board.code(LDR_DEVICE, half(0x2101), BKPT)
    board.on_access = lambda _: (engine.write(RAM + 2, half(0x2105)), None)[1]
    engine.run(10)
    assert engine.reg_read(R1) == 5 and len(board.accesses) == 1


# -- faults --------------------------------------------------------------------------------


@pytest.mark.parametrize("insn", [half(0x6808), half(0x6008), wide(0xE9D12300), wide(0xE881000C)])
def test_unmapped_memory_faults_at_its_exact_address(board: Board, insn: bytes) -> None:
    engine = board.code(NOP, insn, BKPT)
    engine.regs_write((R1, R2, R3), (NOWHERE + 0x44, 5, 6))
    stop = engine.run(10)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.FAULT, 1, RAM + 2)
    assert (stop.address, stop.exact) == (NOWHERE + 0x44, True)
    assert engine.regs_read((R1, R2, R3)) == [NOWHERE + 0x44, 5, 6]


def test_a_double_load_over_its_base_can_be_restarted(board: Board) -> None:
    """The first word is in memory, the second is not: the base must be as it was."""
    engine = board.code(wide(0xE9D11200), BKPT)  # ldrd r1, r2, [r1]
    engine.write(RAM + 0x3FFC, b"\x11\x22\x33\x44")
    engine.reg_write(R1, RAM + 0x3FFC)
    stop = engine.run(10)
    assert (stop.reason, stop.steps, stop.address) == (StopReason.FAULT, 0, RAM + 0x4000)
    assert engine.reg_read(R1) == RAM + 0x3FFC


def test_an_unaligned_access_over_the_end_of_memory(board: Board) -> None:
    engine = board.code(wide(0xF8D10000), BKPT)  # ldr.w r0, [r1]
    engine.regs_write((R0, R1), (9, RAM + 0x3FFE))
    stop = engine.run(10)
    assert (stop.reason, stop.address, engine.reg_read(R0)) == (StopReason.FAULT, RAM + 0x4000, 9)


def test_rom_is_not_written_by_the_guest(board: Board) -> None:
    engine = board.code(half(0x6008), BKPT)
    engine.reg_write(R1, ROM + 0x10)
    stop = engine.run(10)
    assert (stop.reason, stop.code, stop.address) == (StopReason.FAULT, Access.WRITE, 0x10)
    assert engine.write(ROM + 0x10, b"abcd") == 4 and engine.read(ROM + 0x10, 4) == b"abcd"
    assert engine.run(1).reason is StopReason.FAULT


def test_fetch_from_nowhere(board: Board) -> None:
    engine = board.code(half(0x4708))  # bx r1
    engine.reg_write(R1, NOWHERE | 1)
    stop = engine.run(10)
    assert (stop.reason, stop.steps, stop.code) == (StopReason.FAULT, 1, Access.FETCH)
    assert stop.pc == NOWHERE


def test_exception_return_surfaces(board: Board) -> None:
    engine = board.code(half(0x4708))
    engine.regs_write((XPSR, R1), (T | 15, 0xFFFFFFF9))
    stop = engine.run(10)
    assert stop.reason is StopReason.EXCEPTION and stop.steps == 1 and stop.pc >= 0xFFFFFFE0


# -- requests, masks, waits ----------------------------------------------------------------


def test_a_request_from_another_thread_ends_a_run(board: Board) -> None:
    engine = board.code(half(0xE7FE))  # b .
    timer = threading.Timer(0.05, engine.request_stop)
    timer.start()
    stop = engine.run(1 << 40)
    timer.join()
    assert stop.reason is StopReason.REQUEST and stop.steps > 0
    engine.request_stop()
    assert engine.run(5).reason is StopReason.REQUEST
    assert engine.run(5).steps == 5


@pytest.mark.parametrize(
    "insn, before",
    [
        (half(0xB662), (arm.UC_ARM_REG_PRIMASK, 1)),  # cpsie i
        (half(0xB672), (arm.UC_ARM_REG_PRIMASK, 0)),  # cpsid i
        (half(0xB671), (arm.UC_ARM_REG_FAULTMASK, 0)),  # cpsid f
        (wide(0xF3808810), (arm.UC_ARM_REG_PRIMASK, 1)),  # msr primask, r0
        (wide(0xF3818811), (arm.UC_ARM_REG_BASEPRI, 0x20)),  # msr basepri, r1
        (wide(0xF3808813), (arm.UC_ARM_REG_FAULTMASK, 1)),  # msr faultmask, r0
    ],
)
def test_watch_masks(board: Board, insn: bytes, before: tuple[int, int]) -> None:
    engine = board.code(NOP, insn, NOP, NOP, BKPT)
    engine.regs_write((R1, before[0]), (0x40, before[1]))
    watch_masks(engine)
    stop = engine.run(100)
    assert (stop.reason, stop.steps) == (StopReason.MASKS, 2)
    assert stop.pc == RAM + 2 + len(insn)


@pytest.mark.parametrize("budget", [2, 3, 100])
def test_wait(board: Board, budget: int) -> None:
    engine = board.code(NOP, half(0xBF30), NOP, BKPT)
    stop = engine.run(budget)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.WAIT, 2, RAM + 4)


def test_a_skipped_wait_does_not_wait(board: Board) -> None:
    engine = board.code(half(0xBF08, 0xBF30), NOP, BKPT)  # it eq; wfieq
    assert engine.run(100).code == 7
    engine = board.code(half(0xBF08, 0xBF30), NOP, BKPT)
    assert engine.run(2).reason is StopReason.BUDGET


def test_what_looks_like_a_wait_is_none(board: Board) -> None:
    """The second half of an instruction that has the bits of WFI, at the end of the budget."""
    engine = board.code(wide(0xF8D5BF30), NOP, BKPT)  # ldr.w r11, [r5, #0xf30]
    stop = engine.run(1)
    assert (stop.reason, stop.steps) == (StopReason.BUDGET, 1)


# -- breakpoints ---------------------------------------------------------------------------


def test_breakpoints(board: Board) -> None:
    engine = board.code(NOP, wide(0xF1010101), NOP, NOP, BKPT)
    engine.set_breakpoints([RAM, RAM + 4, RAM + 6, RAM + 8])  # RAM + 4: inside an instruction
    stop = engine.run(100)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.BREAKPOINT, 0, RAM)
    engine.skip_stops_at(0)
    for steps, pc in ((2, RAM + 6), (1, RAM + 8)):
        stop = engine.run(100)
        assert (stop.reason, stop.steps, stop.pc) == (StopReason.BREAKPOINT, steps, pc)
        engine.skip_stops_at(engine.step)
    assert engine.run(100).reason is StopReason.EXCEPTION


def test_breakpoint_noted_in_a_block_that_is_left_early(board: Board) -> None:
    engine = board.code(NOP, NOP, LDR_DEVICE, NOP, NOP, BKPT)
    collect(engine, [RAM + 2, RAM + 8])
    board.on_access = lambda _: engine.stop_after_access()
    assert engine.run(100).steps == 3
    assert executed(engine) == [(1, RAM + 2)]
    engine.run(100)
    assert executed(engine) == [(1, RAM + 2), (4, RAM + 8)]


# -- watchpoints ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Access.READ, Access.WRITE, Access.READ | Access.WRITE])
@pytest.mark.parametrize("insn, access", [(half(0x6828), 1), (half(0x6028), 2)])
def test_watch_kinds(board: Board, kind: Access, insn: bytes, access: int) -> None:
    engine = board.code(NOP, insn, BKPT)
    engine.write(RAM + 0x400, b"\x01\x02\x03\x04")
    engine.reg_write(R0, 0xAABBCCDD)
    engine.set_watchpoints([(RAM + 0x402, 1, kind, False)])
    stop = engine.run(100)
    if not kind & access:
        assert stop.reason is StopReason.EXCEPTION
        return
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.WATCH, 1, RAM + 2)
    watch = stop.watch
    assert watch is not None
    assert (watch.address, watch.size, watch.kind) == (RAM + 0x400, 4, access)
    assert watch.value == (0x04030201 if access == 1 else 0xAABBCCDD)
    assert engine.run(100).reason is StopReason.WATCH
    engine.skip_stops_at(engine.step)
    assert engine.run(100).reason is StopReason.EXCEPTION


@pytest.mark.parametrize("offset", [0x7FD, 0x7FE, 0x7FF])
@pytest.mark.parametrize("insn", [wide(0xF8D10000), wide(0xF8C10000)])
def test_watch_of_an_unaligned_access_over_a_page(board: Board, offset: int, insn: bytes) -> None:
    engine = board.code(NOP, insn, BKPT)
    engine.reg_write(R1, RAM + offset)
    engine.set_watchpoints([(RAM + 0x800, 1, Access.READ | Access.WRITE, False)])
    stop = engine.run(100)
    assert stop.reason is StopReason.WATCH and stop.watch is not None
    assert (stop.watch.address, stop.watch.size) == (RAM + offset, 4)
    engine.skip_stops_at(engine.step)
    assert engine.run(100).reason is StopReason.EXCEPTION


def test_watch_sees_a_store_of_many_words_before_any_of_them(board: Board) -> None:
    engine = board.code(wide(0xE885000F), BKPT)  # stm r5, {r0-r3}
    engine.regs_write((R0, R1, R2, R3, R5), (1, 2, 3, 4, RAM + 0x7F8))
    engine.set_watchpoints([(RAM + 0x800, 4, Access.WRITE, False)])
    stop = engine.run(100)
    assert stop.watch is not None
    assert (stop.watch.address, stop.watch.value) == (RAM + 0x800, 3)
    assert engine.read(RAM + 0x7F8, 16) == bytes(16)


def test_watch_changes_only(board: Board) -> None:
    engine = board.code(half(0x6028, 0x6028, 0x3001, 0x6028), BKPT)
    engine.set_watchpoints([(RAM + 0x400, 4, Access.WRITE, True)])
    stop = engine.run(100)
    assert (stop.reason, stop.steps) == (StopReason.WATCH, 3)


def test_watch_through_an_alias(board: Board) -> None:
    engine = board.code(half(0x6008), BKPT)
    engine.reg_write(R1, ALIAS + 0x400)
    engine.set_watchpoints([(RAM + 0x400, 4, Access.WRITE, False)])
    stop = engine.run(100)
    assert stop.watch is not None and stop.watch.address == RAM + 0x400


def test_watch_on_a_device(board: Board) -> None:
    engine = board.code(NOP, STR_DEVICE, BKPT)
    engine.reg_write(R0, 5)
    engine.set_watchpoints([(DEVICE, 4, Access.WRITE, False)])
    stop = engine.run(100)
    assert stop.watch is not None and (stop.watch.address, stop.watch.value) == (DEVICE, 5)
    assert board.accesses == []


def test_scan_notes_watch_hits(board: Board) -> None:
    engine = board.code(half(0x6028, 0x3001, 0x6028), BKPT)
    watch = [(RAM + 0x400, 4, int(Access.WRITE), False)]
    collect(engine, accessed=watch)
    assert engine.run(100).reason is StopReason.EXCEPTION
    assert accessed(engine) == [(0, RAM, 0), (2, RAM + 4, 1)]
    collect(engine, accessed=watch)
    assert (executed(engine), accessed(engine)) == ([], [])


def test_scan_keeps_the_latest_hits(board: Board) -> None:
    # A loop of two instructions, the first of them stores.
    engine = board.code(half(0x6028, 0xE7FD), BKPT)
    collect(engine, [RAM + 2], [(RAM + 0x400, 4, int(Access.WRITE), False)])
    engine.run(2 * MOST)
    assert (len(executed(engine)), len(accessed(engine))) == (MOST, MOST)
    assert engine.collected().complete_from == 0
    engine.run(20)
    assert engine.collected().complete_from == 20
    assert [step for step, _ in executed(engine)] == list(range(21, 2 * MOST + 21, 2))
    assert [step for step, *_ in accessed(engine)] == list(range(20, 2 * MOST + 20, 2))


# -- pages and code that changes -----------------------------------------------------------


def test_page_sets(board: Board) -> None:
    engine = board.code(half(0x6828, 0x6008), BKPT)  # ldr r0, [r5]; str r0, [r1]
    engine.reg_write(R1, ALIAS + 0x800)
    engine.new_interval()
    engine.run(100)
    first = engine.page_number(RAM)
    assert engine.pages_touched(Access.FETCH) == [first]
    assert engine.pages_touched(Access.WRITE) == [first + 2]
    assert first + 1 in engine.pages_touched(Access.READ)
    engine.new_interval()
    assert engine.pages_touched(Access.WRITE) == []


def test_frames_are_several_pages_of_one_memory(board: Board) -> None:
    engine = board.engine
    assert engine.frames == 1 + 0x4000 // FRAME  # ROM fills half of its own
    assert engine.page_number(RAM) == engine.page_number(ROM) + FRAME // engine.page_size
    before = engine.frames_data(range(engine.frames))
    assert [len(data) for data in before] == [FRAME] * engine.frames
    engine.new_interval()
    for at in (ROM + 0x7FF, RAM + FRAME - 1, RAM + FRAME, RAM + 0x2400, ALIAS + 0x3FFF):
        engine.write(at, b"\x5a")
    assert engine.frames_written() == [0, 1, 2, 3, 4]
    after = engine.frames_data([0, 2])
    assert after[0] == bytes(0x7FF) + b"\x5a" + bytes(0x800) and after[1][:1] == b"\x5a"
    engine.restore_frames([(4, before[4]), (0, bytes(0x7FF) + b"\xa5" * 0x801)])
    assert engine.read(ROM, 0x800) == bytes(0x7FF) + b"\xa5"
    assert engine.read(RAM, FRAME) == bytes(FRAME - 1) + b"\x5a"  # behind what ROM has not
    assert engine.read(RAM + 0x3000, FRAME) == bytes(FRAME)
    with pytest.raises(EngineError):
        engine.restore_frames([(1, bytes(0x800))])


def test_blocks_that_end_early_fill_what_unicorn_translates_into(board: Board) -> None:
    """Again and again, until it has to begin anew, which is in the middle of such a block, too."""
    loads, count = half(0x682B), 200  # ldr r3, [r5]
    pointer = half(0x6829, 0xC90C)  # ldr r1, [r5]; ldm r1!, {r2, r3}
    engine = board.code(loads * count, pointer, BKPT)
    engine.write(RAM + 0x400, (RAM + 0x404).to_bytes(4, "little"))
    for i in range(4000):
        first = i * 37 % 150
        engine.write(RAM + 2 * first, half(0x3000 | i & 0x7F))  # adds r0, #imm
        engine.regs_write((PC, R0), (RAM + 2 * first, 0))
        stop = engine.run(1000)
        assert (stop.reason, stop.steps) == (StopReason.EXCEPTION, count - first + 2)
        engine.write(RAM + 2 * first, loads)


@pytest.mark.parametrize("through", [RAM, ALIAS])
def test_self_modification_of_the_next_instruction(board: Board, through: int) -> None:
    engine = board.code(NOP, half(0x8008, 0x2001, 0x2201), BKPT)  # strh r0, [r1]; movs r0, #1
    engine.regs_write((R0, R1), (0x2007, through + 4))
    engine.run(100)
    assert engine.reg_read(R0) == 7


@pytest.mark.parametrize("at", [RAM, ALIAS])
def test_code_changed_from_outside(board: Board, at: int) -> None:
    engine = board.code(half(0x2001, 0x2002), BKPT, at=RAM)
    engine.reg_write(PC, at)
    assert engine.run(100).steps == 2
    engine.write(RAM, wide(0xF2400009))  # one instruction where two were
    engine.reg_write(PC, at)
    assert engine.run(100).steps == 1 and engine.reg_read(R0) == 9
    frame = engine.page_number(RAM) * engine.page_size // FRAME
    data = half(0x2003, 0x2004) + engine.frames_data([frame])[0][4:]
    engine.restore_frames([(frame, data)])
    engine.new_interval()
    engine.reg_write(PC, at)
    assert engine.run(100).steps == 2 and engine.reg_read(R0) == 4


# -- state ---------------------------------------------------------------------------------


def test_clear_exclusive(board: Board) -> None:
    ldrex, strex = wide(0xE8550F00), wide(0xE8452100)
    engine = board.code(ldrex, strex, BKPT)
    engine.run(100)
    assert engine.reg_read(R1) == 0
    engine = board.code(ldrex, strex, BKPT)
    engine.run(1)
    engine.clear_exclusive()
    engine.run(100)
    assert engine.reg_read(R1) == 1


def test_a_state_has_the_exclusive_monitor(board: Board) -> None:
    """Open, it has no address; closed, it is closed in an engine that has never been here."""
    code = wide(0xE8550F00), wide(0xE8452100), BKPT
    engine = board.code(*code)
    is_open = [(1 << 64) - 1, 0]
    assert engine.save_state()[-2:] == is_open
    engine.run(1)
    closed = engine.save_state()
    assert closed[-2] == engine.reg_read(arm.UC_ARM_REG_R5)
    engine.run(1)
    assert engine.save_state()[-2:] == is_open
    other = Board().code(*code)
    for state, failed in ((closed, 0), (closed[:-2] + is_open, 1), (closed[:-2], 1)):
        other.load_state(state)
        assert other.save_state()[-2:] == (is_open if failed else closed[-2:])
        other.run(1)
        assert other.reg_read(R1) == failed
    for wrong in (closed[:-1], [*closed, 0], []):
        with pytest.raises(ValueError):
            other.load_state(wrong)


@pytest.mark.parametrize(
    "control, ipsr, it",
    [(0, 0, 0), (3, 0, 0), (2, 5, 0), (3, 5, 0), (1, 0, 0x0200_8400), (0, 15, 0)],
)
def test_state_round_trip(board: Board, control: int, ipsr: int, it: int) -> None:
    engine = board.code(NOP)
    msp, psp, masks = arm.UC_ARM_REG_MSP, arm.UC_ARM_REG_PSP, arm.UC_ARM_REG_BASEPRI
    engine.regs_write(
        (arm.UC_ARM_REG_CONTROL, XPSR, msp, psp, masks),
        (control, T | ipsr | it | Z, 0x20000F00, 0x20000E00, 0x40),
    )
    saved = engine.save_state()
    assert engine.regs_read((msp, psp, masks)) == [0x20000F00, 0x20000E00, 0x40]
    assert engine.reg_read(SP) == (0x20000E00 if control & 2 and not ipsr else 0x20000F00)
    context = Context(engine)
    context.save()
    for restore in (lambda: engine.load_state(saved), context.restore):
        engine.load_state([0] * len(saved))
        restore()
        assert engine.save_state() == saved


# -- the MPU -------------------------------------------------------------------------------

FULL, READ_ONLY, PRIVILEGED = 3, 6, 1
CODE_REGION = (RAM, 0x400, 0, READ_ONLY, False)


def mpu_run(board: Board, insn: bytes, address: int, control: int = 0) -> tuple[StopReason, int]:
    engine = board.code(insn, BKPT)
    engine.regs_write((R1, arm.UC_ARM_REG_CONTROL), (address, control))
    stop = engine.run(10)
    engine.reg_write(arm.UC_ARM_REG_CONTROL, 0)
    return stop.reason, stop.address


LDR, STR = half(0x6808), half(0x6008)


def test_mpu_uniform_page(board: Board) -> None:
    set_mpu(
        board.engine, True, False, False, [CODE_REGION, (RAM + 0x800, 0x400, 0, READ_ONLY, True)]
    )
    assert mpu_run(board, LDR, RAM + 0x804)[0] is StopReason.EXCEPTION
    assert mpu_run(board, STR, RAM + 0x804) == (StopReason.FAULT, RAM + 0x804)
    assert mpu_run(board, LDR, RAM + 0xC00) == (StopReason.FAULT, RAM + 0xC00)
    set_mpu(board.engine, False, False, False, [])
    assert mpu_run(board, STR, RAM + 0x804)[0] is StopReason.EXCEPTION


def test_mpu_what_was_refused_to_a_store_is_open_to_a_load(board: Board) -> None:
    regions = [CODE_REGION, (RAM + 0x800, 0x800, 0, READ_ONLY, True)]
    set_mpu(board.engine, True, False, False, regions)
    assert mpu_run(board, STR, RAM + 0x804) == (StopReason.FAULT, RAM + 0x804)
    for address in (RAM + 0x804, RAM + 0x904):
        assert mpu_run(board, LDR, address)[0] is StopReason.EXCEPTION


def test_mpu_region_smaller_than_a_page(board: Board) -> None:
    set_mpu(board.engine, True, True, False, [CODE_REGION, (RAM + 0x820, 0x20, 0, READ_ONLY, True)])
    for offset, reason in ((0x81C, 3), (0x820, 6), (0x83C, 6), (0x840, 3), (0x81E, 6)):
        assert mpu_run(board, STR, RAM + offset)[0] == reason
        assert mpu_run(board, LDR, RAM + offset)[0] is StopReason.EXCEPTION


def test_mpu_subregions(board: Board) -> None:
    set_mpu(board.engine, True, False, False, [CODE_REGION, (RAM + 0x800, 0x100, 0x02, FULL, True)])
    for offset, reason in ((0x81C, 3), (0x820, 6), (0x83C, 6), (0x840, 3)):
        assert mpu_run(board, STR, RAM + offset)[0] == reason


def test_mpu_unprivileged_and_background(board: Board) -> None:
    set_mpu(
        board.engine, True, True, False, [CODE_REGION, (RAM + 0x800, 0x400, 0, PRIVILEGED, True)]
    )
    for address in (RAM + 0x800, RAM + 0xC00):
        assert mpu_run(board, STR, address)[0] is StopReason.EXCEPTION
        assert mpu_run(board, STR, address, control=1) == (StopReason.FAULT, address)


def test_mpu_execute_never(board: Board) -> None:
    set_mpu(board.engine, True, True, False, [(RAM, 0x400, 0, FULL, True)])
    engine = board.code(NOP)
    stop = engine.run(1)
    assert (stop.reason, stop.code, stop.steps) == (StopReason.FAULT, Access.FETCH, 0)


@pytest.mark.parametrize("steps", [1, 9])
def test_mpu_execute_never_where_code_is_changed(board: Board, steps: int) -> None:
    """Unicorn looks code up to drop what it has translated: by that it is not allowed to run."""
    engine = board.code(NOP, NOP, BKPT)
    assert engine.run(9).reason is StopReason.EXCEPTION
    set_mpu(engine, True, True, False, [(RAM, 0x400, 0, FULL, True)])
    board.code(NOP, BKPT)
    stop = engine.run(steps)
    assert (stop.reason, stop.code, stop.steps) == (StopReason.FAULT, Access.FETCH, 0)


@pytest.mark.parametrize("hfnmiena", [False, True])
def test_mpu_under_faultmask(board: Board, hfnmiena: bool) -> None:
    """CPSID F switches the MPU off unless HFNMIENA is set, at once, and CPSIE F on again."""
    engine = board.code(half(0xB671), STR, half(0xB661), STR, BKPT)
    set_mpu(engine, True, False, hfnmiena, [CODE_REGION])
    engine.reg_write(R1, RAM + 0x800)
    stop = engine.run(10)
    assert (stop.reason, stop.steps) == (StopReason.FAULT, 1 if hfnmiena else 3)


def test_mpu_set_by_a_device_register(board: Board) -> None:
    """Applies from the next instruction on, even within one block."""
    engine = board.code(STR, STR_DEVICE, STR, BKPT)
    engine.reg_write(R1, RAM + 0x800)
    board.on_access = lambda _: set_mpu(
        engine, True, False, False, [CODE_REGION, (DEVICE, 0x1000, 0, FULL, True)]
    )
    stop = engine.run(10)
    assert (stop.reason, stop.steps, stop.address) == (StopReason.FAULT, 2, RAM + 0x800)


def test_mpu_of_accesses_that_no_instruction_makes(board: Board) -> None:
    engine = board.engine
    set_mpu(engine, True, True, False, [(RAM + 0x800, 0x400, 0, PRIVILEGED, True)])
    for kind in (Access.READ, Access.WRITE):
        assert not mpu_denies(engine, RAM + 0x800, kind, privileged=True)
        assert mpu_denies(engine, RAM + 0x800, kind, privileged=False)


@pytest.mark.parametrize("it", [False, True], ids=["alone", "in IT"])
@pytest.mark.parametrize(
    "store",
    [wide(0xE885000F), wide(0xE8A5000F), wide(0xE9C50100), wide(0xE9E50100)],
    ids=["stm", "stm!", "strd", "strd!"],
)
@pytest.mark.parametrize("words", [1, 2])
def test_what_comes_after_a_store_that_faults_is_not_stored(
    board: Board, store: bytes, words: int, it: bool
) -> None:
    """Its first words are to nothing, or to a device that answers with an error."""
    engine = board.code(*[ITT_EQ, store, NOP] if it else [store], at=RAM + 0x1000, flags=Z)
    engine.write(RAM, bytes(range(64)))
    engine.regs_write((R0, R1, R2, R3, R5), (1, 2, 3, 4, RAM - 4 * words))
    stop = engine.run(5)
    assert (stop.reason, stop.steps, stop.address) == (StopReason.FAULT, int(it), RAM - 4 * words)
    assert engine.read(RAM, 64) == bytes(range(64))
    assert engine.regs_read((R0, R1, R2, R3, R5)) == [1, 2, 3, 4, RAM - 4 * words]


@pytest.mark.parametrize("it", [False, True], ids=["alone", "in IT"])
def test_what_comes_after_a_store_that_a_device_refuses_is_not_stored(it: bool) -> None:
    engine = Engine(CPUS["cortex-m3"].isa)
    stored = []

    def refuse(address: int, size: int, value: int) -> None:
        stored.append(address)
        if len(stored) == 2:
            raise BusFault("no")

    engine.map_mmio(RAM - 0x400, 0x400, lambda address, size: 0, refuse)
    engine.map_ram(RAM, 0x1000)
    engine.start()
    code = [ITT_EQ, wide(0xE8A5000F), NOP] if it else [wide(0xE8A5000F)]
    engine.write(RAM + 0x800, b"".join(code))
    engine.regs_write((XPSR, PC, R0, R5), (T | Z, RAM + 0x800, 7, RAM - 12))
    stop = engine.run(5)
    assert (stop.reason, stop.address) == (StopReason.FAULT, RAM - 8)
    assert stored == [RAM - 12, RAM - 8]
    assert engine.read(RAM, 16) == bytes(16)
    assert engine.reg_read(R5) == RAM - 12


UNREACHABLE = """
import gc
from ttd.cpu.models import CPUS
from ttd.engine import Context, Engine
engine = Engine(CPUS["cortex-m3"].isa)
engine.map_ram(0x20000000, 0x10000)
engine.start()
ring = [engine, Context(engine)]
ring.append(ring)
del engine, ring
gc.collect()
"""


def test_an_engine_may_be_freed_before_its_contexts() -> None:
    """As the garbage of a cycle is; what is freed is overwritten, so that its use ends badly."""
    where = {**os.environ, "MALLOC_PERTURB_": "165"}
    done = subprocess.run([sys.executable, "-c", UNREACHABLE], env=where, check=False)
    assert done.returncode == 0
