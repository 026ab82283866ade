"""Small devices of RISC-V's `virt` board: Goldfish RTC, test finisher."""

from __future__ import annotations

import msgpack
import pytest

from tests.unit.device_doubles import HandClock, Trace
from ttd.devices.base import HostTimer
from ttd.devices.goldfish_rtc import (
    ALARM_HIGH,
    ALARM_LOW,
    ALARM_STATUS,
    CLEAR_ALARM,
    CLEAR_INTERRUPT,
    IRQ_ENABLED,
    TIME_HIGH,
    TIME_LOW,
    GoldfishRtc,
)
from ttd.devices.sifive_test import FAIL, PASS, RESET, SifiveTest


class Wall:
    """The host's clock, and how often it was asked."""

    def __init__(self, ns: int) -> None:
        self.ns = ns
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.ns


def rtc(ns: int) -> tuple[GoldfishRtc, Wall, Trace]:
    clock, wall = HandClock(), Wall(ns)
    trace = Trace(clock)
    return GoldfishRtc("rtc", clock, wall, trace.line("irq")), wall, trace


def set_alarm(device: GoldfishRtc, ns: int) -> None:
    device.write(ALARM_HIGH, 4, ns >> 32)
    device.write(ALARM_LOW, 4, ns & 0xFFFFFFFF)


def test_the_high_word_is_that_of_the_low_words_moment() -> None:
    device, wall, _ = rtc(0x1_FFFFFFFF)
    assert device.read(TIME_LOW, 4) == 0xFFFFFFFF
    wall.ns += 1
    assert device.read(TIME_HIGH, 4) == 1
    assert device.read(TIME_LOW, 4) == 0
    assert device.read(TIME_HIGH, 4) == 2
    asked = wall.asked
    assert [device.peek(offset, 4) for offset in (TIME_LOW, TIME_HIGH)] == [0, 2]
    assert wall.asked == asked, "a debugger does not ask the host"
    assert device.steady(TIME_LOW) is None and device.steady(TIME_HIGH) is not None


def test_the_time_can_be_set() -> None:
    device, wall, _ = rtc(10**18)
    device.write(TIME_HIGH, 4, 5)
    device.write(TIME_LOW, 4, 7)
    wall.ns += 3
    assert (device.read(TIME_LOW, 4), device.read(TIME_HIGH, 4)) == (10, 5)
    set_alarm(device, (5 << 32) + 110)
    assert device.host_timer() == HostTimer("host", wall.ns + 100)
    assert GoldfishRtc.deadline(device) is None
    msgpack.packb(device.save())


def test_an_alarm_interrupts_where_it_is_enabled() -> None:
    device, wall, trace = rtc(10**18)
    set_alarm(device, 10**18 + 50)
    assert device.read(ALARM_STATUS, 4) == 1
    assert device.host_timer() == HostTimer("host", 10**18 + 50)
    wall.ns += 60
    device.expire()
    assert (device.read(ALARM_STATUS, 4), device.host_timer(), trace.events) == (0, None, [])
    device.write(IRQ_ENABLED, 4, 1)
    assert trace.events == [(0, "irq", True)]
    device.write(CLEAR_INTERRUPT, 4, 1)
    assert trace.events[-1] == (0, "irq", False)
    set_alarm(device, 10**18 + 60)
    assert trace.events[-1] == (0, "irq", True), "in the past: at once"
    assert device.read(ALARM_STATUS, 4) == 0
    set_alarm(device, 10**18 + 70)
    device.write(CLEAR_ALARM, 4, 1)
    assert device.host_timer() is None
    assert device.read(ALARM_LOW, 4) | device.read(ALARM_HIGH, 4) << 32 == 10**18 + 70


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (PASS, [0]),
        (7 << 16 | PASS, [0]),
        (FAIL, [0]),
        (0x1234 << 16 | FAIL, [0x1234]),
        (RESET, ["reset"]),
        (0x1111, []),
    ],
)
def test_finisher(value: int, asked: list[int | str]) -> None:
    found: list[int | str | None] = []
    device = SifiveTest(
        "test", HandClock(), reset=lambda: found.append("reset"), shutdown=found.append
    )
    device.write(4, 4, value)
    assert found == []
    device.write(0, 4, value)
    assert found == asked
    assert device.read(0, 4) == 0
