"""Breakpoints that software sets for itself: the trigger registers of a U54."""

from __future__ import annotations

import pytest

from tests.unit.riscv_doubles import CSRRS, CSRRW, RAM, Bench, csr, open_memory
from ttd.cpu.base import After
from ttd.engine.types import StopReason

TSELECT, TDATA1, TDATA2, TDATA3, TINFO = range(0x7A0, 0x7A5)
EXECUTE, USER, SUPERVISOR, MACHINE = 1 << 2, 1 << 3, 1 << 4, 1 << 6
U, S, M = 0, 1, 3
NOP, BACK = 0x13, 0xFE0008E3  # beq zero, zero, -16


@pytest.fixture(params=[64, 32])
def bench(request: pytest.FixtureRequest) -> Bench:
    made = Bench(request.param)
    open_memory(made.engine)
    made.put(mtvec=RAM + 0x1000)
    return made


def ask(bench: Bench, number: int, value: int | None = None) -> int:
    """A CSR, from an instruction; written before, if there is a value."""
    bench.put(pc=RAM + 0x800, priv=M)
    if value is not None:
        bench.csr(CSRRW, number, value)
    found = bench.csr(CSRRS, number)
    assert found is not None
    return found


def test_registers(bench: Bench) -> None:
    ones, top = (1 << 8 * bench.cpu.word_size) - 1, 8 * bench.cpu.word_size - 4
    for select in (1, 0):
        assert ask(bench, TSELECT, select) == select
        assert ask(bench, TSELECT, 2) == select, "there are two"
        assert ask(bench, TDATA1) == 2 << top
        assert ask(bench, TDATA1, ones) == 2 << top | EXECUTE | USER | SUPERVISOR | MACHINE
        assert ask(bench, TDATA2, ones - select) == ones - select
        assert (ask(bench, TDATA3, ones), ask(bench, TINFO, ones)) == (0, 1 << 2)
    saved = bench.cpu.save()
    bench.cpu.reset()
    assert (ask(bench, TDATA1), ask(bench, TDATA2)) == (2 << top, 0)
    bench.cpu.load(saved)
    assert ask(bench, TDATA2) == ones
    assert ask(bench, TSELECT, 1) == 1 and ask(bench, TDATA2) == ones - 1
    bench.put(priv=S, pc=RAM)
    assert bench.csr(CSRRS, TSELECT) is None


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_it_stops_before_its_instruction(bench: Bench, steps: int) -> None:
    """Also one that has run many times already."""
    bench.poke(RAM, NOP, NOP, NOP, NOP, BACK)
    bench.put(pc=RAM)
    assert bench.run(50).steps == 50
    ask(bench, TDATA2, RAM + 8)
    ask(bench, TDATA1, EXECUTE | MACHINE)
    bench.put(pc=RAM)
    for done in range(2):
        stop = bench.run(min(steps, 2 - done))
        if steps == 1:
            assert stop.steps == 1
    stop = bench.run(steps)
    assert (stop.reason, stop.steps, stop.pc) == (StopReason.EXCEPTION, 0, RAM + 8)
    assert bench.cpu.stopped(stop) is After.RAISED
    assert bench.take() == 3
    assert (bench["mepc"], bench["mtval"], bench["pc"]) == (RAM + 8, 0, RAM + 0x1000)
    ask(bench, TDATA1, 0)
    bench.put(pc=RAM)
    assert bench.run(50).steps == 50


@pytest.mark.parametrize(("mode", "bit"), [(U, USER), (S, SUPERVISOR), (M, MACHINE)])
def test_it_is_for_some_modes(bench: Bench, mode: int, bit: int) -> None:
    bench.poke(RAM, *[NOP] * 8)
    ask(bench, TSELECT, 1)
    ask(bench, TDATA2, RAM + 4)
    for bits in (0, bit, USER | SUPERVISOR | MACHINE, (USER | SUPERVISOR | MACHINE) & ~bit):
        ask(bench, TDATA1, EXECUTE | bits)
        bench.put(pc=RAM, priv=mode)
        assert bench.run(4).steps == (1 if bits & bit else 4)


def test_who_looks_at_an_instruction_of_the_model_meets_it_first(bench: Bench) -> None:
    bench.poke(RAM, csr(CSRRW, 0x340, 0, 10), csr(CSRRW, 0x305, 0, 10), NOP)
    ask(bench, TDATA2, RAM + 4)
    ask(bench, TDATA1, EXECUTE | MACHINE)
    bench.put(pc=RAM, a0=RAM + 0x40)
    assert bench.run(3).steps == 1
    assert bench["mtvec"] == RAM + 0x1000
