"""The interrupt controller and the timer of RISC-V's `virt` board."""

from __future__ import annotations

import pytest

from tests.unit.device_doubles import HandClock, Trace, advance
from ttd.devices.base import InterruptController, Steady, Timebase
from ttd.devices.clint import MSIP, MTIME, MTIMECMP, Clint
from ttd.devices.plic import CLAIM, CONTEXT, CONTEXT_STRIDE, ENABLE, ENABLE_STRIDE, PENDING, Plic

CLAIM_M, CLAIM_S = CONTEXT + CLAIM, CONTEXT + CONTEXT_STRIDE + CLAIM
HZ = 10_000_000


def plic() -> tuple[Plic, Trace]:
    clock = HandClock()
    trace = Trace(clock)
    return Plic("plic", clock, 96, [trace.line("m"), trace.line("s")]), trace


def test_a_rise_is_pending_until_it_is_claimed() -> None:
    device, trace = plic()
    assert isinstance(device, InterruptController)
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    device.set_line(10, False)
    assert device.read(PENDING, 4) == 1 << 10, "latched"
    assert [event[1:] for event in trace.events] == [("m", True)]
    assert device.peek(CLAIM_M, 4) == 10
    assert device.read(CLAIM_M, 4) == 10
    assert [event[1:] for event in trace.events[1:]] == [("m", False)]
    assert (device.read(PENDING, 4), device.read(CLAIM_M, 4)) == (0, 0)
    device.write(CLAIM_M, 4, 10)
    assert len(trace.events) == 2


def test_a_gateway_forwards_nothing_from_claim_to_completion() -> None:
    device, trace = plic()
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    assert device.read(CLAIM_M, 4) == 10
    device.set_line(10, True)
    assert device.read(PENDING, 4) == 0
    device.set_line(10, False)
    device.set_line(10, True)
    assert device.read(PENDING, 4) == 0
    device.set_line(10, False)
    device.write(CLAIM_M, 4, 10)
    assert (device.read(PENDING, 4), device.read(CLAIM_M, 4)) == (0, 0)
    assert [event[1:] for event in trace.events] == [("m", True), ("m", False)]


def test_a_line_that_is_high_at_completion_is_forwarded_again() -> None:
    device, trace = plic()
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    for _ in range(2):
        assert device.read(CLAIM_M, 4) == 10
        assert device.read(CLAIM_M, 4) == 0
        device.write(CLAIM_M, 4, 10)
        assert device.read(PENDING, 4) == 1 << 10
    assert [event[1:] for event in trace.events] == [("m", True), ("m", False)] * 2 + [("m", True)]
    assert device.read(CLAIM_M, 4) == 10
    device.write(CLAIM_M, 4, 11)
    assert device.read(PENDING, 4) == 0, "another's completion opens nothing"


def test_priorities_thresholds_and_contexts() -> None:
    device, trace = plic()
    for source, priority in ((3, 2), (40, 5), (41, 5), (95, 1), (7, 0)):
        device.write(4 * source, 4, priority)
        device.set_line(source, True)
    device.write(4 * 50, 4, 0xFFFFFFFF)
    assert device.read(4 * 50, 4) == 7, "three bits"
    for context in range(2):
        for word in range(3):
            device.write(ENABLE + ENABLE_STRIDE * context + 4 * word, 4, 0xFFFFFFFF)
    assert device.read(ENABLE, 4) == 0xFFFFFFFE, "source 0 is none"
    device.write(CONTEXT + CONTEXT_STRIDE, 4, 2)
    assert device.read(CLAIM_M, 4) == 40, "of equal ones the lowest number"
    assert device.read(CLAIM_S, 4) == 41
    assert device.read(CLAIM_S, 4) == 0, "not above its threshold"
    assert not device.contexts[1].level and device.contexts[0].level
    assert [device.read(CLAIM_M, 4) for _ in range(3)] == [3, 95, 0], "priority 0 is never"
    assert trace.events[-1][1:] == ("m", False)


def test_completion_is_ignored_unless_enabled_and_claimed() -> None:
    device, _ = plic()
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    device.read(CLAIM_M, 4)
    device.set_line(10, True)
    device.write(CLAIM_S, 4, 10)
    assert device.read(CLAIM_M, 4) == 0, "context 1 does not have it"
    device.write(CLAIM_M, 4, 96)
    device.write(CLAIM_M, 4, 10)
    assert device.read(CLAIM_M, 4) == 10


def test_numbers_that_are_no_sources() -> None:
    device, trace = plic()
    for number in (0, 96, 1000):
        device.set_line(number, True)
    assert [device.read(PENDING + 4 * word, 4) for word in range(3)] == [0, 0, 0]
    device.write(0, 4, 7)
    assert device.read(0, 4) == 0
    assert device.read(4 * 96, 4) == 0
    assert trace.events == []
    assert device.steady(CLAIM_S) is None and device.steady(PENDING) == Steady()


def clint() -> tuple[Clint, HandClock, Trace]:
    clock = HandClock()
    trace = Trace(clock)
    timebase = Timebase(clock, HZ)
    device = Clint("clint", clock, timebase, timer=trace.line("mtip"), software=trace.line("msip"))
    return device, clock, trace


def test_mtime_is_the_cores_counter() -> None:
    device, clock, _ = clint()
    clock.ns = 12_399
    assert device.read(MTIME, 4) == 123
    device.write(MTIME, 4, 0xFFFFFFFF)
    device.write(MTIME + 4, 4, 7)
    assert (device.read(MTIME, 4), device.timebase.ticks()) == (0xFFFFFFFF, 0x7_FFFFFFFF)
    clock.ns = 12_400
    assert (device.read(MTIME, 4), device.read(MTIME + 4, 4)) == (0, 8)
    device.reset()
    assert device.read(MTIME, 4) == 0


def test_mtip_is_a_comparison() -> None:
    device, clock, trace = clint()
    assert device.deadline() is None, "not in this life"
    device.write(MTIMECMP + 4, 4, 0)
    device.write(MTIMECMP, 4, 50)
    assert device.deadline() == 5_000
    advance(device, clock, 4_999)
    assert trace.events == []
    advance(device, clock, 9_000)
    assert trace.events == [(5_000, "mtip", True)]
    assert device.deadline() is None
    device.write(MTIMECMP, 4, 91)
    assert trace.events[-1] == (9_000, "mtip", False)
    assert device.deadline() == 9_100
    device.write(MTIME, 4, 91)
    assert trace.events[-1] == (9_000, "mtip", True)
    device.write(MTIME, 4, 90)
    assert trace.events[-1] == (9_000, "mtip", False)
    assert device.deadline() == 9_100


def test_msip() -> None:
    device, _, trace = clint()
    device.write(MSIP, 4, 0xFFFFFFFF)
    assert device.read(MSIP, 4) == 1
    device.write(MSIP, 4, 0)
    assert [event[1:] for event in trace.events] == [("msip", True), ("msip", False)]
    device.write(4, 4, 1)
    assert len(trace.events) == 2, "there is one hart"


@pytest.mark.parametrize("start", [0, 0xFFFFFF00, 0x3_FFFFFFF0, (1 << 64) - 5])
def test_mtime_goes_on_as_it_says(start: int) -> None:
    device, clock, _ = clint()
    clock.ns = 777
    device.write(MTIME, 4, start & 0xFFFFFFFF)
    device.write(MTIME + 4, 4, start >> 32)
    for register in (MTIME, MTIME + 4):
        value, steady = device.read(register, 4), device.steady(register)
        assert steady is not None and steady.until_ns is not None

        def ticks(ns: int, of: Steady = steady) -> int:
            return (ns - of.since_ns) * of.hz // (of.divider * 1_000_000_000)

        began = clock.ns
        checked = min(steady.until_ns, began + 100_000)
        for clock.ns in range(began, checked, 37):
            passed = ticks(clock.ns) - ticks(began)
            assert device.read(register, 4) == value + steady.slope * passed
        high = device.read(MTIME + 4, 4)
        clock.ns = steady.until_ns
        assert device.read(MTIME + 4, 4) == high
        clock.ns += 100
        assert device.read(MTIME + 4, 4) == (high + 1) & 0xFFFFFFFF, "not said for too short"
        assert device.read(MTIME, 4) == 0
        clock.ns = began
