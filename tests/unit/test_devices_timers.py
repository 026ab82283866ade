"""Timers: what they count, when they fire, and that looking at them changes neither."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.device_doubles import HandClock, Trace, advance
from ttd.devices.base import Device
from ttd.devices.cmsdk_dualtimer import CmsdkDualTimer
from ttd.devices.cmsdk_timer import CmsdkTimer
from ttd.devices.cmsdk_watchdog import CmsdkWatchdog
from ttd.devices.countdown import Countdown
from ttd.devices.mps2_fpgaio import Mps2Fpgaio

HZ = 25_000_000
TICK = 40


@settings(max_examples=examples(200), deadline=None)
@given(
    start=st.integers(0, 12),
    reload=st.integers(0, 6),
    ticks=st.integers(0, 60),
)
def test_countdown_equals_counting_one_by_one(start: int, reload: int, ticks: int) -> None:
    value, zeros, reloads, first_zero = start, 0, 0, None
    for tick in range(1, ticks + 1):
        if value:
            value -= 1
            if value == 0:
                zeros += 1
                first_zero = first_zero or tick
        else:
            value = reload
            reloads += 1
    counter = Countdown(start=start, anchor=100, reload=reload, running=True)
    assert counter.value(100 + ticks) == value
    assert counter.zeros(100 + ticks) == zeros
    assert counter.reloads(100 + ticks) == reloads
    if first_zero is not None:
        assert counter.next_zero() == 100 + first_zero
    counter.settle(100 + ticks)
    assert (counter.zeros(100 + ticks), counter.reloads(100 + ticks)) == (0, 0)


def build(kind: str, clock: HandClock, trace: Trace, hz: int) -> Device:
    irq = trace.line("irq")
    if kind == "timer":
        return CmsdkTimer(kind, clock, hz, irq)
    if kind == "dualtimer":
        return CmsdkDualTimer(kind, clock, hz, irq)
    if kind == "watchdog":
        return CmsdkWatchdog(kind, clock, hz, irq, trace.call("reset"))
    return Mps2Fpgaio(kind, clock, hz)


WRITES = {
    "timer": [(0, 0x9), (0, 0x8), (0, 0x1), (4, 5), (8, 3), (8, 0), (8, 70), (0xC, 1)],
    "dualtimer": [
        (8, 0xE2), (8, 0xE3), (8, 0xE6), (8, 0xA0), (8, 0xC0), (0, 3), (0, 0x10009), (0x18, 5),
        (0xC, 1), (0x20, 2), (0x28, 0xEB), (0x28, 0xE2), (0x2C, 1),
    ],
    "watchdog": [
        (0, 4), (0, 50), (8, 1), (8, 3), (8, 0), (0xC, 1), (0xC00, 1), (0xC00, 0x1ACCE551),
    ],
    "fpgaio": [(0x10, 7), (0x14, 9), (0x18, 11), (0x1C, 0), (0x1C, 4), (0x20, 6), (0x20, 0)],
}  # fmt: skip
REGISTERS = (*range(0, 0x40, 4), 0xC00)


@pytest.mark.parametrize("kind", WRITES)
@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_looking_changes_nothing(kind: str, data: st.DataObject) -> None:
    hz = data.draw(st.sampled_from([HZ, 1_000_000, 24_576_000, 3]))
    unit = 10**9 // hz
    script = data.draw(
        st.lists(st.tuples(st.integers(0, 30), st.sampled_from(WRITES[kind])), max_size=12)
    )
    looks = data.draw(st.lists(st.integers(0, 12 * 31 * unit), max_size=20).map(sorted))

    def run(looks: list[int]) -> object:
        clock = HandClock()
        trace = Trace(clock)
        device = build(kind, clock, trace, hz)
        todo = list(looks)

        def look_until(until: int) -> None:
            while todo and todo[0] <= until:
                advance(device, clock, todo.pop(0))
                for offset in REGISTERS:
                    assert device.peek(offset, 4) == device.read(offset, 4)

        for wait, (offset, value) in script:
            until = clock.ns + wait * unit
            look_until(until)
            advance(device, clock, until)
            device.write(offset, 4, value)
        until = clock.ns + 40 * unit
        look_until(until)
        advance(device, clock, until)
        values = [device.peek(offset, 4) for offset in REGISTERS]
        return trace.events, values, device.save(), device.deadline()

    assert run(looks) == run([])


def timer() -> tuple[CmsdkTimer, HandClock, Trace]:
    clock = HandClock()
    trace = Trace(clock)
    return CmsdkTimer("timer", clock, HZ, trace.line("irq")), clock, trace


def test_timer_fires_every_reload_plus_one_ticks() -> None:
    device, clock, trace = timer()
    device.write(8, 4, 9)
    device.write(0, 4, 0x9)
    for _ in range(3):
        advance(device, clock, clock.ns + 10 * TICK)
        device.write(0xC, 4, 1)
    assert [time for time, _, level in trace.events if level] == [9 * TICK, 19 * TICK, 29 * TICK]
    assert clock.rearmed == 5


def test_timer_counts_only_while_enabled_and_without_external_input() -> None:
    device, clock, _ = timer()
    device.write(8, 4, 100)
    clock.ns = 10 * TICK
    assert device.read(4, 4) == 100
    device.write(0, 4, 1)
    clock.ns += 10 * TICK
    assert device.read(4, 4) == 90
    device.write(0, 4, 0b11)
    clock.ns += 10 * TICK
    assert device.read(4, 4) == 90


def test_timer_without_interrupt_enable_never_asks_to_be_woken() -> None:
    device, clock, trace = timer()
    device.write(8, 4, 3)
    device.write(0, 4, 1)
    assert device.deadline() is None
    clock.ns = 100 * TICK
    assert device.read(0xC, 4) == 0
    device.write(0, 4, 9)
    assert device.read(0xC, 4) == 0, "zeros before the interrupt was enabled do not count"
    assert trace.events == []


def test_timer_at_a_rate_that_does_not_divide_a_second() -> None:
    clock = HandClock()
    trace = Trace(clock)
    device = CmsdkTimer("timer", clock, 3, trace.line("irq"))
    device.write(8, 4, 1)
    device.write(0, 4, 9)
    assert device.deadline() == 333_333_334
    advance(device, clock, 333_333_333)
    assert not trace.events
    advance(device, clock, 333_333_334)
    assert trace.events == [(333_333_334, "irq", True)]


def dual() -> tuple[CmsdkDualTimer, HandClock, Trace]:
    clock = HandClock()
    trace = Trace(clock)
    return CmsdkDualTimer("dual", clock, HZ, trace.line("irq")), clock, trace


def test_dualtimer_reset_values() -> None:
    device, _, _ = dual()
    for base in (0, 0x20):
        found = [device.read(base + offset, 4) for offset in (0, 4, 8, 0x10, 0x14, 0x18)]
        assert found == [0, 0xFFFFFFFF, 0x20, 0, 0, 0]


def test_dualtimer_one_shot_stops_at_zero_until_loaded() -> None:
    device, clock, trace = dual()
    device.write(8, 4, 0xA3)
    device.write(0, 4, 5)
    advance(device, clock, 50 * TICK)
    assert trace.events == [(5 * TICK, "irq", True)]
    assert (device.read(4, 4), device.read(0x10, 4), device.read(0x14, 4)) == (0, 1, 1)
    device.write(0xC, 4, 1)
    assert device.deadline() is None
    device.write(0, 4, 2)
    assert device.deadline() == 52 * TICK


def test_dualtimer_prescales() -> None:
    device, clock, trace = dual()
    device.write(0x20, 4, 2)
    device.write(0x28, 4, 0xE6)
    advance(device, clock, 16 * TICK)
    assert device.read(0x24, 4) == 1
    advance(device, clock, 32 * TICK)
    assert trace.events == [(32 * TICK, "irq", True)]
    assert device.read(0x30, 4) == 1
    assert device.read(0x10, 4) == 0


def test_dualtimer_free_running_wraps_in_its_width() -> None:
    device, clock, _ = dual()
    device.write(8, 4, 0x80)
    device.write(0, 4, 0x12340001)
    advance(device, clock, 2 * TICK)
    assert device.read(4, 4) == 0x1234FFFF
    assert (device.read(0x10, 4), device.read(0x14, 4)) == (1, 0), "raw, but masked"
    device.write(8, 4, 0x82)
    advance(device, clock, 3 * TICK)
    assert device.read(4, 4) == 0x1234FFFE, "all bits count in 32-bit mode"


def test_dualtimer_background_load_waits_for_the_next_period() -> None:
    device, clock, _ = dual()
    device.write(0, 4, 3)
    device.write(8, 4, 0xC2)
    device.write(0x18, 4, 7)
    assert (device.read(0, 4), device.read(4, 4)) == (7, 3)
    advance(device, clock, 4 * TICK)
    assert device.read(4, 4) == 7


def watchdog() -> tuple[CmsdkWatchdog, HandClock, Trace]:
    clock = HandClock()
    trace = Trace(clock)
    device = CmsdkWatchdog("watchdog", clock, HZ, trace.line("nmi"), trace.call("reset"))
    return device, clock, trace


def test_watchdog_interrupts_then_resets() -> None:
    device, clock, trace = watchdog()
    device.write(0, 4, 10)
    device.write(8, 4, 3)
    advance(device, clock, 100 * TICK)
    assert trace.events == [(10 * TICK, "nmi", True), (21 * TICK, "reset", True)]
    assert device.deadline() is None


def test_watchdog_without_resen_only_interrupts() -> None:
    device, clock, trace = watchdog()
    device.write(0, 4, 10)
    device.write(8, 4, 1)
    advance(device, clock, 100 * TICK)
    assert trace.events == [(10 * TICK, "nmi", True)]


def test_watchdog_that_is_fed_stays_quiet() -> None:
    device, clock, trace = watchdog()
    device.write(0, 4, 10)
    device.write(8, 4, 3)
    for _ in range(5):
        advance(device, clock, clock.ns + 9 * TICK)
        device.write(0xC, 4, 1)
    assert trace.events == []
    advance(device, clock, clock.ns + 10 * TICK)
    device.write(0xC, 4, 1)
    assert [level for _, _, level in trace.events] == [True, False]


def test_watchdog_lock() -> None:
    device, _, _ = watchdog()
    device.write(0xC00, 4, 0)
    device.write(0, 4, 10)
    assert (device.read(0xC00, 4), device.read(0, 4)) == (1, 0xFFFFFFFF)
    device.write(0xC00, 4, 0x1ACCE551)
    device.write(0, 4, 10)
    assert (device.read(0xC00, 4), device.read(0, 4)) == (0, 10)


def test_watchdog_integration_test_drives_its_outputs() -> None:
    device, _, trace = watchdog()
    device.write(0xF00, 4, 1)
    device.write(0xF04, 4, 3)
    assert trace.events == [(0, "reset", True), (0, "nmi", True)]


def test_fpgaio_counters() -> None:
    clock = HandClock()
    device = Mps2Fpgaio("fpgaio", clock, HZ)
    device.write(0x1C, 4, 5)
    device.write(0x20, 4, 7)
    seen = []
    for tick in range(15):
        clock.ns = tick * TICK
        seen.append((device.read(0x20, 4), device.read(0x18, 4)))
    assert [down for down, _ in seen] == [7, 6, 5, 4, 3, 2, 1, 0, 5, 4, 3, 2, 1, 0, 5]
    assert [up for _, up in seen] == [0] * 8 + [1] * 6 + [2]
    device.write(0x10, 4, 0xFFFFFFFF)
    clock.ns += 10**9
    assert (device.read(0x10, 4), device.read(0x14, 4)) == (0, 100)


def test_fpgaio_leds_are_two() -> None:
    device = Mps2Fpgaio("fpgaio", HandClock(), HZ)
    device.write(0, 4, 0xFF)
    assert device.led0 == device.read(0, 4) == 3
