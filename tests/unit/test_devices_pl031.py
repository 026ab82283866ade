"""PL031: a counter of seconds with an alarm (DDI0224)."""

from __future__ import annotations

import msgpack

from tests.unit.device_doubles import HandClock, Trace, advance
from ttd.devices.held_clock import HOLD_NS
from ttd.devices.pl031 import CR, DR, ICR, IMSC, LR, MIS, MR, RIS, SECOND, Pl031


def test_virtual_time_and_alarm() -> None:
    clock = HandClock()
    trace = Trace(clock)
    rtc = Pl031("rtc", clock, trace.line("irq"))
    clock.ns = 3 * SECOND + 5
    assert rtc.read(DR, 4) == 3
    rtc.write(LR, 4, 1000)
    assert (rtc.read(DR, 4), rtc.read(LR, 4), rtc.read(CR, 4)) == (1000, 1000, 1)
    rtc.write(MR, 4, 1002)
    rtc.write(IMSC, 4, 1)
    advance(rtc, clock, 9 * SECOND)
    assert trace.events == [(5 * SECOND, "irq", True)]
    assert (rtc.read(RIS, 4), rtc.read(MIS, 4), rtc.read(DR, 4)) == (1, 1, 1006)
    rtc.write(ICR, 4, 1)
    assert trace.events[-1] == (9 * SECOND, "irq", False)
    assert rtc.deadline() is None
    rtc.write(MR, 4, 1006)  # now
    assert trace.events[-1] == (9 * SECOND, "irq", True)


def test_a_clock_of_the_host() -> None:
    clock = HandClock()
    trace = Trace(clock)
    now = [1_700_000_000]
    asked: list[int] = []

    def seconds() -> int:
        asked.append(now[0])
        return now[0]

    rtc = Pl031("rtc", clock, trace.line("irq"), seconds, "host")
    assert rtc.read(DR, 4) == now[0]
    rtc.write(MR, 4, now[0] + 2)
    assert rtc.deadline() is None
    timer = rtc.host_timer()
    assert timer == ("host", (now[0] + 2) * SECOND)
    asked.clear()
    now[0] += 1
    assert rtc.peek(DR, 4) == 1_700_000_000, "a debugger does not ask the host"
    assert asked == []
    state = msgpack.unpackb(msgpack.packb(rtc.save()))
    other = Pl031("rtc", clock, trace.line("irq"), seconds, "host")
    other.load(state)
    assert other.save() == rtc.save()
    assert other.host_timer() == timer
    rtc.write(IMSC, 4, 1)
    rtc.expire()
    assert rtc.host_timer() is None
    assert trace.events == [(0, "irq", True)]


def test_an_answer_of_the_host_holds_for_a_moment_of_virtual_time() -> None:
    clock = HandClock()
    now = [100]
    rtc = Pl031("rtc", clock, Trace(clock).line("irq"), lambda: now[0], "host")
    assert rtc.read(DR, 4) == 100
    steady = rtc.steady(DR)
    assert steady is not None
    assert (steady.slope, steady.until_ns) == (0, HOLD_NS)
    now[0] = 105
    clock.ns = HOLD_NS - 1
    assert rtc.read(DR, 4) == 100
    rtc.write(LR, 4, 7)
    assert rtc.read(DR, 4) == 7, "it is set at once"
    clock.ns = HOLD_NS
    assert rtc.peek(DR, 4) == 7
    assert (rtc.read(DR, 4), rtc.peek(DR, 4)) == (12, 12)
    rtc.write(MR, 4, 13)
    now[0] = 106
    rtc.expire()
    assert rtc.read(DR, 4) == 13, "the alarm's time has come"


def test_identity() -> None:
    clock = HandClock()
    rtc = Pl031("rtc", clock, Trace(clock).line("irq"))
    found = [rtc.read(at, 4) for at in range(0xFE0, 0x1000, 4)]
    assert found == [0x31, 0x10, 0x04, 0, 0x0D, 0xF0, 0x05, 0xB1]
