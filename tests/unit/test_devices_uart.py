"""The CMSDK UART and the SCC."""

from __future__ import annotations

from errno import EAGAIN, EIO, EPIPE

import pytest

from tests.unit.device_doubles import HandClock, HandFront, Trace, advance
from ttd.devices.cmsdk_uart import CmsdkUart, UartLines
from ttd.devices.mps2_scc import Mps2Scc
from ttd.devices.registers import wired_or

DATA, STATUS, CTRL, INT, BAUDDIV = 0, 4, 8, 12, 16


def uart(room: int = 100) -> tuple[CmsdkUart, HandFront, UartLines]:
    clock = HandClock()
    trace = Trace(clock)
    front = HandFront(room)
    lines = UartLines(trace.line("tx"), trace.line("rx"), trace.line("overrun"))
    return CmsdkUart("uart", clock, front, lines), front, lines


def test_transmits_at_once_and_interrupts() -> None:
    device, front, lines = uart()
    device.write(CTRL, 4, 0x5)
    for byte in b"hi":
        device.write(DATA, 4, byte)
        assert device.read(STATUS, 4) == 0
    assert front.taken == b"hi"
    assert lines.tx.level and device.read(INT, 4) == 1
    device.write(INT, 4, 1)
    assert not lines.tx.level


def test_a_disabled_transmitter_keeps_the_byte_until_enabled() -> None:
    device, front, _ = uart()
    device.write(DATA, 1, 0x41)
    assert (front.taken, device.read(STATUS, 4)) == (b"", 1)
    device.write(CTRL, 4, 1)
    assert (front.taken, device.read(STATUS, 4)) == (b"A", 0)


def test_full_while_the_host_refuses_and_overrun_after_that() -> None:
    device, front, lines = uart(room=0)
    device.write(CTRL, 4, 0x15)
    device.write(DATA, 4, 0x41)
    assert device.read(STATUS, 4) == 1
    device.write(DATA, 4, 0x42)
    assert device.read(STATUS, 4) == 0x5
    assert lines.overrun.level and device.read(INT, 4) == 0x4
    deadline = device.deadline()
    assert deadline == 1_000_000
    clock = device.clock
    assert isinstance(clock, HandClock)
    advance(device, clock, deadline)
    assert (front.taken, device.deadline()) == (b"", 2_000_000), "refused once more"
    front.left = 5
    advance(device, clock, 2_000_000)
    assert device.deadline() is None
    assert front.taken == b"B"
    assert device.read(STATUS, 4) == 0x4
    device.write(STATUS, 4, 0x4)
    assert (device.read(STATUS, 4), lines.overrun.level) == (0, False)


def test_what_an_error_meets_is_lost_and_what_is_refused_waits() -> None:
    device, front, _ = uart()
    device.write(CTRL, 4, 1)
    results = [-EPIPE, -EIO, -EAGAIN, 0, 1]
    front.left = 0
    front.write = lambda data: results.pop(0)  # type: ignore[method-assign]
    for byte in b"xy":
        device.write(DATA, 4, byte)
        assert (device.read(STATUS, 4), device.deadline()) == (0, None)
    device.write(DATA, 4, 0x7A)
    assert (device.read(STATUS, 4), device.deadline()) == (1, 1_000_000)
    assert isinstance(device.clock, HandClock)
    advance(device, device.clock, 3_000_000)
    assert (results, device.read(STATUS, 4)) == ([], 0)


def test_receives_one_byte_at_a_time() -> None:
    device, _, lines = uart()
    assert device.can_receive() == 0
    device.receive(b"x")
    assert device.read(STATUS, 4) == 0, "the receiver is off"
    device.write(CTRL, 4, 0xA)
    assert device.can_receive() == 1
    device.receive(b"x")
    assert device.can_receive() == 0
    assert lines.rx.level
    assert device.peek(DATA, 4) == 0x78
    assert device.read(STATUS, 4) == 2, "a peek does not take the byte"
    assert device.read(DATA, 4) == 0x78
    assert device.read(STATUS, 4) == 0
    assert lines.rx.level, "until INTCLEAR"
    device.write(INT, 4, 2)
    assert not lines.rx.level


@pytest.mark.parametrize(("divider", "byte_ns"), [(0, 86_800), (16, 6_400), (250, 100_000)])
def test_receives_no_faster_than_the_line(divider: int, byte_ns: int) -> None:
    device, _, _ = uart()
    device.write(CTRL, 4, 0xA)
    device.write(BAUDDIV, 4, divider)
    device.receive(b"x")
    device.read(DATA, 4)
    assert (device.can_receive(), device.deadline()) == (0, byte_ns)
    clock = device.clock
    assert isinstance(clock, HandClock)
    advance(device, clock, byte_ns)
    assert (device.can_receive(), device.deadline()) == (1, None)


def test_receive_overrun() -> None:
    device, _, lines = uart()
    device.write(CTRL, 4, 0x22)
    device.receive(b"xy")
    assert device.read(STATUS, 4) == 0xA
    assert lines.overrun.level and not lines.rx.level
    assert device.read(DATA, 4) == ord("y")
    device.write(STATUS, 4, 0x8)
    assert not lines.overrun.level


def test_wired_or_reports_changes_of_the_or_only() -> None:
    heard: list[bool] = []
    a, b = wired_or(2, heard.append)
    a.set(True)
    b.set(True)
    a.set(False)
    b.set(False)
    b.set(False)
    assert heard == [True, False]


def test_scc_identity_and_oscillators() -> None:
    device = Mps2Scc("scc", HandClock(), 2, 0x200008, 0x41043850)
    assert [device.read(offset, 4) for offset in (0x10, 0xFF8, 0xFFC)] == [2, 0x200008, 0x41043850]
    device.write(0xFFC, 4, 0)
    assert device.read(0xFFC, 4) == 0x41043850
    device.write(0xA8, 4, 0x80100001)
    assert (device.read(0xA0, 4), device.read(0xAC, 4)) == (24_576_000, 1)
    device.write(0xA4, 4, 123)
    device.write(0xA8, 4, 0xC0100001)
    device.write(0xA8, 4, 0x80100001)
    assert device.read(0xA0, 4) == 123
    device.write(0xA8, 4, 0x80100003)
    assert device.read(0xAC, 4) == 3
    assert device.read(0xA8, 4) == 0x00100003
