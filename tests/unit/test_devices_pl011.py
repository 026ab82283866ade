"""The PL011 UART."""

from __future__ import annotations

from tests.unit.device_doubles import HandClock, HandFront, Trace, advance
from ttd.devices.chars import RETRY_NS
from ttd.devices.pl011 import (
    CHARACTER_NS,
    CR,
    DR,
    FR,
    IBRD,
    ICR,
    IFLS,
    IMSC,
    INT_RX,
    INT_TX,
    LCR_H,
    MIS,
    RIS,
    Pl011,
)


def uart(room: int = 1000) -> tuple[Pl011, HandFront, HandClock, Trace]:
    clock, front = HandClock(), HandFront(room)
    trace = Trace(clock)
    return Pl011("uart", clock, front, trace.line("irq")), front, clock, trace


def test_reset_values() -> None:
    device, _, _, _ = uart()
    found = [device.read(offset, 4) for offset in (DR, FR, CR, IFLS, IMSC, RIS, MIS)]
    assert found == [0, 0x90, 0x300, 0x12, 0, 0, 0]
    identification = [device.read(offset, 4) for offset in range(0xFE0, 0x1000, 4)]
    assert bytes(identification) == bytes.fromhex("111014000df005b1")


def test_registers_keep_the_bits_they_have() -> None:
    device, _, _, _ = uart()
    device.write(IBRD, 4, 0x12345678)
    device.write(IMSC, 4, 0xFFFFFFFF)
    device.write(RIS, 4, 0xFFFFFFFF)
    assert [device.read(offset, 4) for offset in (IBRD, IMSC, RIS)] == [0x5678, 0x7FF, 0]
    device.reset()
    assert device.read(IBRD, 4) == 0


def test_what_is_written_leaves() -> None:
    device, front, _, trace = uart()
    device.write(IMSC, 4, INT_TX)
    for value in b"hello":
        device.write(DR, 4, value)
    assert front.taken == b"hello"
    assert device.read(FR, 4) == 0x90
    assert (device.read(RIS, 4), device.read(MIS, 4)) == (INT_TX, INT_TX)
    device.write(ICR, 4, INT_TX)
    assert device.read(RIS, 4) == 0
    assert [level for _, _, level in trace.events] == [True, False]


def test_what_is_refused_waits_in_the_fifo() -> None:
    device, front, clock, _ = uart(room=1)
    device.write(LCR_H, 4, 0x70)
    for value in b"abc":
        device.write(DR, 4, value)
    assert front.taken == b"a" and device.read(FR, 4) == 0x10
    for value in range(20):
        device.write(DR, 4, value)
    assert device.read(FR, 4) == 0x30
    front.left = 100
    advance(device, clock, clock.ns + RETRY_NS)
    assert front.taken == b"abc" + bytes(range(14)) and device.read(FR, 4) == 0x90


def test_characters_come_one_by_one() -> None:
    device, front, clock, trace = uart()
    device.write(IMSC, 4, INT_RX)
    assert front.can_receive() == 1
    front.receive(b"x")
    assert trace.events == [(0, "irq", True)]
    # Without a FIFO there is room for one.
    assert (front.can_receive(), device.read(FR, 4)) == (0, 0xC0)
    advance(device, clock, CHARACTER_NS)
    assert front.can_receive() == 0
    assert device.peek(DR, 4) == device.read(DR, 4) == ord("x")
    assert (device.read(FR, 4), device.read(DR, 4)) == (0x90, 0)
    assert trace.events[1:] == [(CHARACTER_NS, "irq", False)]
    # The reader makes room; then somebody has to ask the host side.
    assert device.deadline() == 2 * CHARACTER_NS
    advance(device, clock, 2 * CHARACTER_NS)
    assert front.can_receive() == 1


def test_the_fifo_holds_sixteen() -> None:
    device, front, clock, _ = uart()
    device.write(LCR_H, 4, 0x70)
    sent = 0
    while front.can_receive():
        front.receive(bytes((sent,)))
        sent += 1
        advance(device, clock, clock.ns + CHARACTER_NS)
    assert sent == 16 and device.read(FR, 4) == 0xC0
    assert [device.read(DR, 4) for _ in range(16)] == list(range(16))


def test_loopback_stays_inside() -> None:
    device, front, _, _ = uart()
    device.write(CR, 4, 0x381)
    device.write(DR, 4, 0x41)
    assert front.can_receive() == 0 and front.taken == b""
    front.receive(b"outside")
    assert device.read(DR, 4) == 0x41 and device.read(DR, 4) == 0
