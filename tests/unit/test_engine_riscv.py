"""The engine with page tables: every way to run a program gives the same, page tables included."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from unicorn import riscv_const as rv

from tests.unit.collecting import accessed, collect, executed
from tests.unit.riscv_doubles import open_memory
from ttd.cpu.models import CPUS
from ttd.engine import Access, Engine, EngineStop, StopReason
from ttd.engine._native import lib
from ttd.engine.types import Refusal

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware/paging/paging.elf"
DATA, BORDER = 0x40000000, 0x40001FFE
A, D = 0x40, 0x80


class Bench:
    """The firmware, from its first instruction on."""

    def __init__(self) -> None:
        self.engine = engine = Engine(CPUS["rv64"].isa)
        engine.map_ram(0x80000000, 0x400000)
        engine.start()
        with FIRMWARE.open("rb") as file:
            elf = ELFFile(file)
            self.symbols = {
                symbol.name: symbol["st_value"]
                for symbol in elf.get_section_by_name(".symtab").iter_symbols()
            }
            text = elf.get_section_by_name(".text")
            engine.write(text["sh_addr"], text.data())
        open_memory(engine)
        engine.reg_write(rv.UC_RISCV_REG_PC, 0x80000000)

    def run(self, steps: int = 1000) -> EngineStop:
        return self.engine.run(steps)

    def state(self) -> tuple[int, list[int], bytes]:
        engine = self.engine
        return engine.step, engine.save_state(), engine.read(0x80100000, 0x110000)

    def entry(self, address: int) -> int:
        return int(struct.unpack("<Q", self.engine.read(address, 8))[0])

    def register(self, name: str) -> int:
        return self.engine.reg_read(getattr(rv, f"UC_RISCV_REG_{name.upper()}"))


def test_the_program_ends_where_its_code_was_taken_away() -> None:
    bench = Bench()
    stop = bench.run()
    assert (stop.reason, stop.code) == (StopReason.FAULT, Access.FETCH)
    assert (stop.pc, stop.address, stop.exact) == (BORDER, BORDER + 2, True)
    names = ("a0", "a3", "a4", "a5", "a6", "a7")
    assert [bench.register(name) for name in names] == [2, 55, 0, 55, 55, 66]
    assert bench.engine.translate(BORDER + 2, Access.FETCH) == (None, Refusal.PAGE)


def test_the_walk_marks_pages_accessed_and_dirty() -> None:
    bench = Bench()
    bench.engine.set_breakpoints([bench.symbols["store"]])
    assert bench.run().reason is StopReason.BREAKPOINT
    assert bench.entry(0x80102000) & (A | D) == A
    bench.engine.skip_stops_at(bench.engine.step)
    bench.run(1)
    assert bench.entry(0x80102000) & (A | D) == A | D
    assert bench.entry(0x80112000) & (A | D) == 0
    bench.run()
    assert bench.entry(0x80112000) & (A | D) == A | D
    # Read again after the entry had been written anew, without any fence.
    assert bench.entry(0x80102000) & (A | D) == A
    # Of the code pages, the second one's entry is gone.
    assert bench.entry(0x80102008) & (A | D) == A


def _steps(bench: Bench) -> EngineStop:
    while (stop := bench.run(1)).reason is StopReason.BUDGET:
        pass
    return stop


def _slices(seed: int) -> Callable[[Bench], EngineStop]:
    def go(bench: Bench) -> EngineStop:
        rnd = random.Random(seed)
        while True:
            stop = bench.run(rnd.choice((1, 2, 3, 5, 8, 13, 21)))
            if stop.reason is not StopReason.BUDGET:
                return stop
            if rnd.random() < 0.3:
                bench.engine.new_interval()
            if rnd.random() < 0.3:
                bench.engine.load_state(bench.engine.save_state())

    return go


@pytest.mark.parametrize(
    "go", [_steps, *(_slices(seed) for seed in range(40))], ids=lambda go: go.__name__
)
def test_however_it_is_cut_it_is_the_same_run(go: Callable[[Bench], EngineStop]) -> None:
    whole, cut = Bench(), Bench()
    expected, found = whole.run(), go(cut)
    assert (found.reason, found.code, found.pc) == (expected.reason, expected.code, expected.pc)
    assert cut.state() == whole.state()


def test_watchpoints_and_breakpoints_are_where_the_guest_sees_them() -> None:
    """Both address spaces have the watched address, on pages of their own."""
    bench = Bench()
    engine = bench.engine
    engine.set_watchpoints([(DATA + 8, 8, int(Access.WRITE), False)])
    found = []
    while (stop := bench.run()).watch is not None:
        found.append((stop.pc, stop.watch.value, engine.translate(DATA)[0]))
        engine.skip_stops_at(engine.step)
    assert found == [
        (bench.symbols["store"], 55, 0x80200000),
        (bench.symbols["second"], 66, 0x80203000),
    ]
    last = Bench()
    collect(last.engine, [BORDER], [(DATA + 8, 8, int(Access.WRITE), False)])
    last.run()
    assert executed(last.engine)[-1] == (last.engine.step, BORDER)
    assert accessed(last.engine)[-1][1:] == (bench.symbols["second"], 66)


def test_pages_touched_are_physical_and_include_page_tables() -> None:
    bench = Bench()
    engine = bench.engine
    engine.set_breakpoints([bench.symbols["smode"]])
    bench.run()
    engine.new_interval()
    engine.set_breakpoints([])
    bench.run()
    # The data pages, and every page of page tables of which an entry got A, D or a new value.
    wrote = map(engine.page_number, (0x80102000, 0x80112000, 0x80200000, 0x80203000))
    assert set(engine.pages_touched(Access.WRITE)) == set(wrote)
    fetched = map(engine.page_number, (0x80000000, 0x80201000, 0x80202000))
    assert set(engine.pages_touched(Access.FETCH)) == set(fetched)


def test_protection_is_asked_for_page_tables_too() -> None:
    bench = Bench()
    lib.riscv_csr_change(bench.engine.native, 0x3B0, 0x80112000 >> 2 | 0x1FF)
    lib.riscv_csr_change(bench.engine.native, 0x3A0, 0x18)
    stop = bench.run()
    assert (stop.reason, stop.code, stop.address) == (StopReason.FAULT, Access.READ, DATA + 8)
    assert bench.engine.translate(DATA + 8, Access.READ) == (None, Refusal.ACCESS)


@pytest.mark.parametrize("at", [0, 0xFFFF_FFFF_FFFF_FFF0])
def test_code_that_changes_at_either_end_of_the_addresses(at: int) -> None:
    """A loop of two ADDI becomes one of four C.ADDI, as long; nobody counts by what it was."""
    engine = Engine(CPUS["rv64"].isa)
    engine.map_ram(0x80000000, 0x400000)
    engine.start()
    open_memory(engine)
    enter = (0x18029073, 0x34131073, 0x30039073, 0x30200073)  # csrw satp, mepc, mstatus; mret
    engine.write(0x80000000, struct.pack("<4I", *enter))
    table = 0x80100000
    for level in (2, 1, 0):
        leads_to = table + 0x1000 if level else 0x80200000
        entry = leads_to >> 2 | (0x1 if level else A | D | 0xF)
        index = at >> (12 + 9 * level) & 511
        engine.write(table + 8 * index, struct.pack("<Q", entry))
        table += 0x1000
    place = 0x80200000 + at % 0x1000
    add, short, back = 0x00150513, 0x0505, 0xFF9FF06F  # addi a0, a0, 1; c.addi a0, 1; j .-8
    engine.write(place, struct.pack("<4I", add, add, back, 0))
    values = {"T0": 8 << 60 | 0x80100, "T1": at, "T2": 0x800, "PC": 0x80000000}
    for name, value in values.items():
        engine.reg_write(getattr(rv, f"UC_RISCV_REG_{name}"), value)
    engine.run(4 + 3 * 100)
    assert engine.reg_read(rv.UC_RISCV_REG_PC) == at
    assert engine.reg_read(rv.UC_RISCV_REG_A0) == 200
    engine.write(place, struct.pack("<4HII", *[short] * 4, back, 0))
    engine.run(5 * 100)
    assert engine.reg_read(rv.UC_RISCV_REG_PC) == at
    assert engine.reg_read(rv.UC_RISCV_REG_A0) == 600


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_wait_is_seen_wherever_a_run_is_cut(before: int) -> None:
    """Unicorn goes on with the block after WFI, which it does not on other architectures."""
    nop, wfi, jump_back = 0x00000013, 0x10500073, 0xFF9FF06F
    code = struct.pack("<5I", *[nop] * 2, wfi, nop, jump_back)
    after = 0x80000000 + 12
    for budget in (1000, 3 - before):
        for breakpoints in ([], [after]):
            engine = Engine(CPUS["rv64"].isa)
            engine.map_ram(0x80000000, 0x1000)
            engine.start()
            engine.write(0x80000000, code)
            engine.set_breakpoints(breakpoints)
            engine.reg_write(rv.UC_RISCV_REG_PC, 0x80000000)
            assert engine.run(before).steps == before
            stop = engine.run(budget)
            assert (stop.reason, stop.steps, stop.pc) == (StopReason.WAIT, 3 - before, after)


def test_an_illegal_instruction_at_the_beginning_of_a_page_leaves_the_pages_beside_alone() -> None:
    """Unicorn's block of it has no byte: it takes the page before for one that the block is on, and
    the page behind when it looks the block up again."""
    engine = Engine(CPUS["rv64"].isa)
    engine.map_ram(0x80000000, 0x400000)
    engine.start()
    open_memory(engine)
    enter = (0x18029073, 0x34131073, 0x30039073, 0x30200073)  # csrw satp, mepc, mstatus; mret
    engine.write(0x80000000, struct.pack("<4I", *enter))
    at, table = 0x40001000, 0x80100000
    for level in (2, 1):
        index = at >> (12 + 9 * level) & 511
        engine.write(table + 8 * index, struct.pack("<Q", (table + 0x1000) >> 2 | 0x1))
        table += 0x1000
    leaves = [(0x80200000 + 0x1000 * n) >> 2 | 0xF for n in range(3)]
    engine.write(table, struct.pack("<3Q", *leaves))
    nop = 0x00000013
    engine.write(0x80201000 - 4, struct.pack("<IHI", nop, 0, nop))
    for _ in range(3):
        values = {"T0": 8 << 60 | 0x80100, "T1": at, "T2": 0x800, "PRIV": 3, "PC": 0x80000000}
        for name, value in values.items():
            engine.reg_write(getattr(rv, f"UC_RISCV_REG_{name}"), value)
        engine.run(4)
        stop = engine.run(1)
        assert (stop.steps, engine.reg_read(rv.UC_RISCV_REG_PC)) == (0, at)
        found = struct.unpack("<3Q", engine.read(table, 24))
        assert found == (leaves[0], leaves[1] | A, leaves[2])
