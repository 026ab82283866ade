"""AArch64: timers, who may look at counters, and returns to each mode that there is."""

from __future__ import annotations

import pytest
from unicorn import arm64_const as a64

from tests.unit.flat_programs import AARCH64, CODE
from tests.unit.test_engine_flat import Bench
from ttd.cpu.base import Over
from ttd.engine import StopReason

NOP = "1f2003d5"


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(AARCH64)


def run(bench: Bench, code: str, x0: int, x1: int = 0, x2: int = 0) -> list[int]:
    """x1, PC and PSTATE after all of it, which must not depend on where runs end."""
    engine = bench.engine
    found = set()
    for slices in (100, 1):
        engine.write(CODE, bytes.fromhex(code + NOP))
        bench.cpu.reset()
        engine.regs_write(
            (a64.UC_ARM64_REG_X0, a64.UC_ARM64_REG_X1, a64.UC_ARM64_REG_X2, engine.isa.pc),
            (x0, x1, x2, CODE),
        )
        engine.step = 0
        while engine.step < len(code) // 8:
            assert engine.run(min(slices, len(code) // 8 - engine.step)).reason == 0
        ids = (a64.UC_ARM64_REG_X1, engine.isa.pc, a64.UC_ARM64_REG_PSTATE)
        found.add(tuple(engine.regs_read(ids)))
    (values,) = found
    return list(values)


@pytest.mark.parametrize(
    "code", ["40e31bd541e33bd5", "40e21bd541e23bd5"], ids=["cntv_cval", "cntp_cval"]
)
@pytest.mark.parametrize("value", [0, 1, 0x123456789ABCDEF0, (1 << 64) - 1])
def test_compare_values_are_kept(bench: Bench, code: str, value: int) -> None:
    assert run(bench, code, value)[0] == value


@pytest.mark.parametrize(
    ("compare", "control"),
    [("40e31bd5", "22e31bd521e33bd5"), ("40e21bd5", "22e21bd521e23bd5")],
    ids=["virtual", "physical"],
)
@pytest.mark.parametrize("bits", range(8))
def test_a_timer_that_is_due_says_so(bench: Bench, compare: str, control: str, bits: int) -> None:
    """ISTATUS (bit 2) cannot be written, and is 0 while the timer is off."""
    for at, due in ((0, 4), ((1 << 64) - 1, 0)):
        found = run(bench, compare + control, at, x2=bits)[0]
        assert found == bits & 3 | (due if bits & 1 else 0)


@pytest.mark.parametrize("code", ["00e31bd501e33bd5", "00e21bd501e23bd5"], ids=["cntv", "cntp"])
def test_timer_values_count_down(bench: Bench, code: str) -> None:
    assert run(bench, code, 1000)[0] in (999, 1000)
    assert run(bench, code, (1 << 32) - 5)[0] in ((1 << 32) - 6, (1 << 32) - 5)


@pytest.mark.parametrize("pstate", [0x3C5, 0x3C4, 0x3C0, 0x0, 0x5, 0x4, 0xF0000000, 0x600003C5])
def test_returns(bench: Bench, pstate: int) -> None:
    """ERET to EL1 on either stack pointer, and to EL0."""
    msr = "014018d5" + "224018d5" + "e0039fd6"
    _, pc, found = run(bench, msr, 0, pstate, CODE + 0x40)
    assert (pc, found) == (CODE + 0x40, pstate)


FRQ, PCT, VCT, P, V = 0b11, 0b1, 0b10, 1 << 9, 1 << 8
COUNTERS = {
    "mrs x1, cntfrq_el0": ("01e03bd5", FRQ),
    "mrs x1, cntpct_el0": ("21e03bd5", PCT),
    "mrs x1, cntvct_el0": ("41e03bd5", VCT),
    "mrs x1, cntp_ctl_el0": ("21e23bd5", P),
    "msr cntp_ctl_el0, x0": ("20e21bd5", P),
    "mrs x1, cntv_tval_el0": ("01e33bd5", V),
    "msr cntv_cval_el0, x0": ("40e31bd5", V),
    "mrs x1, pmccntr_el0": ("019d3bd5", 0b101),
    "msr pmccntr_el0, x0": ("009d1bd5", 0b1),
    "mrs x1, pmevcntr2_el0": ("41e83bd5", 0b1001),
    "msr pmevcntr2_el0, x0": ("40e81bd5", 0b1),
    "mrs x1, pmxevcntr_el0": ("419d3bd5", 0b1001),
    "mrs x1, pmovsclr_el0": ("619c3bd5", 0b1),
    "mrs x1, pmovsset_el0": ("619e3bd5", 0b1),
}
"""With the bits of CNTKCTL_EL1 or PMUSERENR_EL0 that let EL0 do it."""


@pytest.mark.parametrize("name", COUNTERS)
def test_counters_that_el0_may_be_kept_from(bench: Bench, name: str) -> None:
    code, enables = COUNTERS[name]
    enable = "029e1bd5" if "pm" in name else "02e118d5"
    engine = bench.engine
    for bit in [0, *(1 << n for n in range(10))]:
        for mode, slices in ((0, 100), (0, 1), (5, 100)):
            # msr spsr_el1, x3; msr elr_el1, x1; eret
            engine.write(CODE, bytes.fromhex(enable + "034018d5" + "214018d5" + "e0039fd6"))
            engine.write(CODE + 0x40, bytes.fromhex(NOP + code + NOP * 14))
            bench.cpu.reset()
            ids = (a64.UC_ARM64_REG_X1, a64.UC_ARM64_REG_X2, a64.UC_ARM64_REG_X3, engine.isa.pc)
            engine.regs_write(ids, (CODE + 0x40, bit, mode, CODE))
            engine.step = 0
            stop = engine.run(min(slices, 7))
            while engine.step < 7 and stop.reason is StopReason.BUDGET:
                stop = engine.run(min(slices, 7 - engine.step))
            let_in = mode != 0 or bool(bit & enables)
            assert (engine.step >= 7) == let_in
            if not let_in:
                assert (stop.reason, stop.pc) == (StopReason.INVALID, CODE + 0x44)
                over = bench.cpu.stopped(stop)
                assert isinstance(over, Over) and "undefined instruction" in over.reason
