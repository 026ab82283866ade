"""The 16550A UART."""

from __future__ import annotations

import pytest

from tests.unit.device_doubles import HandClock, HandFront, Trace, advance
from ttd.devices.ns16550 import (
    DATA,
    DLL,
    DLM,
    IER,
    IIR,
    LCR,
    LSR,
    MCR,
    MSR,
    SCR,
    Ns16550,
)

HZ = 3_686_400
FIFO = 0xC0
CHARACTER = 86_805
"""8N1 at 115200 baud, in ns."""


def uart(room: int = 1000) -> tuple[Ns16550, HandFront, HandClock, Trace]:
    clock, front = HandClock(), HandFront(room)
    trace = Trace(clock)
    device = Ns16550("uart", clock, HZ, front, trace.line("irq"))
    device.write(LCR, 1, 0x03)
    return device, front, clock, trace


def type_in(device: Ns16550, clock: HandClock, data: bytes) -> None:
    """The line brings characters as fast as it may."""
    for value in data:
        while not device.can_receive():
            at = device.deadline()
            assert at is not None, "nobody would ask again"
            clock.ns = max(clock.ns, at)
            device.expire()
        device.receive(bytes((value,)))


def test_registers_are_bytes_and_repeat() -> None:
    device, _, _, _ = uart()
    device.write(SCR, 1, 0x5A)
    assert (device.read(SCR, 1), device.read(SCR + 8, 1), device.read(SCR, 4)) == (0x5A,) * 3
    device.write(LCR, 1, 0x83)
    device.write(DLL, 1, 0x34)
    device.write(DLM, 1, 0x12)
    assert (device.read(DLL, 1), device.read(DLM, 1), device.divisor) == (0x34, 0x12, 0x1234)
    device.write(LCR, 1, 0x03)
    assert (device.read(IER, 1), device.read(LCR, 1)) == (0, 0x03)
    assert (device.read(LSR, 1), device.read(MSR, 1), device.read(IIR, 1)) == (0x60, 0xB0, 0x01)


def test_transmits_at_once() -> None:
    device, front, _, trace = uart()
    for value in b"hello":
        assert device.read(LSR, 1) & 0x20
        device.write(DATA, 1, value)
    assert front.taken == b"hello"
    assert trace.events == []


def test_transmitter_empty_interrupt() -> None:
    device, _, _, trace = uart()
    device.write(IER, 1, 2)
    assert device.line.level, "it is empty when the interrupt is enabled"
    assert device.peek(IIR, 1) == 2 and device.line.level
    assert device.read(IIR, 1) == 2
    assert (device.read(IIR, 1), device.line.level) == (1, False)
    trace.events.clear()
    device.write(DATA, 1, 0x41)
    device.write(DATA, 1, 0x42)
    rises = [level for _, _, level in trace.events]
    assert rises == [True, False, True], "a rise for each character"
    device.write(IER, 1, 0)
    assert not device.line.level


def test_what_the_host_refuses_waits() -> None:
    device, front, clock, _ = uart(room=0)
    device.write(IIR, 1, 1)
    device.write(IER, 1, 2)
    device.read(IIR, 1)
    for value in b"0123456789abcdefg":
        device.write(DATA, 1, value)
        assert device.read(LSR, 1) == 0
    assert (device.read(IIR, 1), device.deadline()) == (FIFO | 1, 1_000_000)
    advance(device, clock, 1_000_000)
    assert (front.taken, device.deadline()) == (b"", 2_000_000)
    front.left = 100
    advance(device, clock, 2_000_000)
    assert front.taken == b"0123456789abcdeg", "there was no room for f"
    assert (device.deadline(), device.read(LSR, 1), device.line.level) == (None, 0x60, True)


def test_without_fifos_one_character_fits() -> None:
    device, _, clock, trace = uart()
    device.write(IER, 1, 1)
    assert device.can_receive() == 1
    device.receive(b"x")
    assert (device.can_receive(), device.line.level, device.read(IIR, 1)) == (0, True, 4)
    advance(device, clock, 10 * CHARACTER)
    assert (device.can_receive(), device.read(IIR, 1)) == (0, 4), "no character timeout"
    assert (device.peek(DATA, 1), device.read(LSR, 1)) == (0x78, 0x61)
    assert device.read(DATA, 1) == 0x78
    assert (device.line.level, device.read(IIR, 1), device.read(LSR, 1)) == (False, 1, 0x60)
    assert device.can_receive() == 0 and device.deadline() == 11 * CHARACTER
    type_in(device, clock, b"y")
    assert (clock.ns, device.read(DATA, 1)) == (11 * CHARACTER, 0x79)
    assert [level for _, _, level in trace.events] == [True, False, True, False]


@pytest.mark.parametrize(("bits", "trigger"), [(0, 1), (1, 4), (2, 8), (3, 14)])
def test_trigger_levels(bits: int, trigger: int) -> None:
    device, _, clock, _ = uart()
    device.write(IIR, 1, bits << 6 | 1)
    device.write(IER, 1, 1)
    type_in(device, clock, b"a" * (trigger - 1))
    assert not device.line.level
    type_in(device, clock, b"b")
    assert (device.line.level, device.read(IIR, 1)) == (True, FIFO | 4)
    device.read(DATA, 1)
    assert not device.line.level


def test_a_character_timeout() -> None:
    device, _, clock, trace = uart()
    device.write(IIR, 1, 0x81)
    device.write(IER, 1, 1)
    type_in(device, clock, b"abc")
    began = clock.ns
    assert began == 2 * CHARACTER
    advance(device, clock, began + 3 * CHARACTER)
    assert not device.line.level
    advance(device, clock, began + 9 * CHARACTER)
    assert [event[0] for event in trace.events] == [began + 4 * (86_805)]
    assert device.read(IIR, 1) == FIFO | 0xC
    assert device.read(DATA, 1) == ord("a")
    assert (device.line.level, device.read(IIR, 1)) == (False, FIFO | 1), "reading ends it"
    advance(device, clock, clock.ns + 4 * CHARACTER)
    assert device.read(IIR, 1) == FIFO | 0xC, "and it begins anew"
    assert [device.read(DATA, 1) for _ in range(3)] == [ord("b"), ord("c"), 0]
    advance(device, clock, clock.ns + 9 * CHARACTER)
    assert (device.line.level, device.deadline()) == (False, None)


def test_a_full_fifo_holds_the_line_up_and_loses_nothing() -> None:
    device, _, clock, trace = uart()
    device.write(IIR, 1, 1)
    device.write(IER, 1, 1)
    text = bytes(range(16))
    type_in(device, clock, text)
    advance(device, clock, clock.ns + 100 * CHARACTER)
    assert (device.can_receive(), device.deadline()) == (0, None)
    trace.events.clear()
    assert device.read(DATA, 1) == 0
    assert [level for _, _, level in trace.events] == [False, True], "heard again: there are more"
    type_in(device, clock, b"\x10")
    assert bytes(device.read(DATA, 1) for _ in range(16)) == bytes(range(1, 17))
    assert device.read(LSR, 1) == 0x60


def test_fcr_clears() -> None:
    device, _, clock, _ = uart()
    device.write(IIR, 1, 1)
    type_in(device, clock, b"abc")
    device.write(IIR, 1, 3)
    assert (device.read(LSR, 1), device.read(IIR, 1)) == (0x60, FIFO | 1)
    type_in(device, clock, b"abc")
    device.write(IIR, 1, 0)
    assert (device.read(LSR, 1), device.read(IIR, 1)) == (0x60, 1), "as changing the mode does"


def test_loopback_overrun_and_priorities() -> None:
    device, front, clock, _ = uart()
    device.write(MCR, 1, 0x10)
    assert (device.read(MSR, 1), device.can_receive()) == (0x0B, 0), "the line is cut off"
    device.receive(b"lost")
    device.write(IER, 1, 0xF)
    device.write(DATA, 1, 0x31)
    device.write(DATA, 1, 0x32)
    device.write(MCR, 1, 0x15)
    assert front.taken == b""
    assert device.read(IIR, 1) == 0x6
    assert device.read(LSR, 1) == 0x63
    assert (device.read(LSR, 1), device.read(IIR, 1)) == (0x61, 0x4)
    assert device.read(DATA, 1) == 0x32, "the first was overrun"
    assert [device.read(IIR, 1) for _ in range(2)] == [0x2, 0x0]
    assert device.read(MSR, 1) == 0x62, "RI and DSR; the edge of RI is not the trailing one"
    assert (device.read(IIR, 1), device.line.level) == (0x1, False)
    device.write(MCR, 1, 0x11)
    assert device.read(MSR, 1) == 0x24
    device.write(MCR, 1, 0)
    assert device.read(MSR, 1) == 0xB9
    type_in(device, clock, b"k")
    assert device.read(DATA, 1) == ord("k")
    assert clock.ns > 0
