"""What the engine does for Armv6-M cores and their flash: undefined encodings, stores that ask."""

from __future__ import annotations

import pytest
from unicorn import arm_const as arm

from tests.unit.engine_programs import half, wide
from tests.unit.native_doors import is_ram
from ttd.cpu.models import CPUS
from ttd.engine import Access, BusFault, Engine, StopReason

FLASH, RAM, DEVICE = 0, 0x20000000, 0x40000000
R0, R1 = arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1
NOP = half(0xBF00)
STR = half(0x6008)  # str r0, [r1]


class Board:
    """Code in flash. A store programs it, but for one in its last word, which it refuses."""

    def __init__(self) -> None:
        self.stores: list[tuple[int, int, int, int]] = []
        self.stop_after = False
        self.engine = engine = Engine(CPUS["cortex-m0"].isa)
        engine.map_ram(FLASH, 0x800, writable=False, on_store=self._store)
        engine.map_ram(RAM, 0x800)
        engine.map_mmio(DEVICE, 0x1000, lambda address, size: 7, lambda address, size, value: None)
        engine.start()

    def _store(self, address: int, size: int, value: int) -> None:
        self.stores.append((self.engine.step, address, size, value))
        if address == 0x7FC:
            raise BusFault("protected")
        self.engine.store(address, value.to_bytes(size, "little"), "controller")
        if self.stop_after:
            self.engine.stop_after_access()

    def code(self, *parts: bytes) -> Engine:
        self.engine.write(FLASH, b"".join(parts))
        self.engine.regs_write((arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC), (1 << 24, FLASH))
        return self.engine


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.mark.parametrize("insn", [half(0xBF08), half(0xB100), half(0xB909), half(0xBB00)])
@pytest.mark.parametrize("before", [0, 3])
def test_it_and_cbz_are_undefined(board: Board, insn: bytes, before: int) -> None:
    engine = board.code(NOP * before, insn, NOP, NOP, half(0xBE00))
    stop = engine.run(10)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.INVALID, before, 2 * before)


@pytest.mark.parametrize("insn", [wide(0xF2400001), wide(0xFB01F002), wide(0xE8550F00)])
def test_wide_instructions_are_undefined(board: Board, insn: bytes) -> None:
    stop = board.code(NOP, insn).run(10)
    assert (stop.reason, stop.steps) == (StopReason.INVALID, 1)


@pytest.mark.parametrize("address", [RAM + 1, DEVICE + 2, FLASH + 0x401])
@pytest.mark.parametrize("insn", [STR, half(0x6808)])
def test_unaligned_accesses_never_happen(board: Board, address: int, insn: bytes) -> None:
    engine = board.code(NOP, insn)
    engine.reg_write(R1, address)
    engine.set_watchpoints([(address & ~3, 8, Access.READ | Access.WRITE, False)])
    stop = engine.run(10)
    assert stop.reason in (StopReason.EXCEPTION, StopReason.FAULT)
    assert (stop.steps, stop.pc, board.stores) == (1, 2, [])


@pytest.mark.parametrize("stop_after", [False, True])
def test_a_store_to_flash_asks_once(board: Board, stop_after: bool) -> None:
    board.stop_after = stop_after
    engine = board.code(NOP, STR, NOP, half(0xBE00))
    engine.regs_write((R0, R1), (0x12345678, 0x400))
    engine.new_interval()
    stop = engine.run(10)
    assert board.stores == [(1, 0x400, 4, 0x12345678)]
    assert stop.steps == (2 if stop_after else 3)
    assert engine.read(0x400, 4) == bytes.fromhex("78563412")
    assert 1 in engine.pages_touched(Access.WRITE)


def test_a_refused_store_is_a_fault(board: Board) -> None:
    engine = board.code(NOP, STR)
    engine.reg_write(R1, 0x7FC)
    stop = engine.run(10)
    assert (stop.reason, stop.steps) == (StopReason.FAULT, 1)
    assert (stop.address, stop.exact) == (0x7FC, True)


def test_a_store_to_flash_is_watched(board: Board) -> None:
    engine = board.code(NOP, STR)
    engine.regs_write((R0, R1), (5, 0x400))
    engine.set_watchpoints([(0x400, 4, Access.WRITE, False)])
    stop = engine.run(10)
    # What it changes is the controller's to say; the run ends right after it.
    assert (stop.reason, stop.steps) == (StopReason.BUDGET, 2)
    hit = engine.take_late_hit()
    assert hit is not None and (hit.step, hit.value, hit.by) == (1, 5, "controller")
    assert board.stores == [(1, 0x400, 4, 5)]
    assert engine.take_late_hit() is None


def test_code_that_programs_its_own_block_runs_what_is_new(board: Board) -> None:
    engine = board.code(STR, half(0x2201, 0x2202), half(0xBE00))  # movs r2, #1; movs r2, #2
    engine.regs_write((R0, R1), (0xBE002207, 4))  # movs r2, #7; bkpt
    engine.run(10)
    assert engine.reg_read(arm.UC_ARM_REG_R2) == 7


def test_flash_takes_no_stack_frame(board: Board) -> None:
    assert not is_ram(board.engine, 0x400, Access.WRITE)
