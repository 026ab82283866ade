"""Arm PrimeCell UART PL011 (DDI0183 "PrimeCell UART (PL011) Technical Reference Manual").

Characters leave at once and arrive at 115200 baud, whatever the divisors say: what clock they
divide is not known. The receive interrupt is there as soon as there is a character, so that the
FIFO level (UARTIFLS) and the receive timeout make no difference. No modem, no DMA, no IrDA.
"""

from __future__ import annotations

from ttd.devices.base import Clock, Line
from ttd.devices.chars import RETRY_NS, CharFront, is_lost
from ttd.devices.declared import (
    Bits,
    Declaration,
    Flag,
    Register,
    Word,
    ask,
    clear_bits,
    constant,
    give,
    kept,
    send,
    set_bits,
)
from ttd.devices.registers import RegisterBlock

DR, RSR, FR, ILPR, IBRD, FBRD, LCR_H, CR = 0x00, 0x04, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30
IFLS, IMSC, RIS, MIS, ICR, DMACR = 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48
FR_RXFE, FR_TXFF, FR_RXFF, FR_TXFE = 1 << 4, 1 << 5, 1 << 6, 1 << 7
LCR_FEN = 1 << 4
CR_UARTEN, CR_LBE, CR_TXE, CR_RXE = 1 << 0, 1 << 7, 1 << 8, 1 << 9
INT_RX, INT_TX = 1 << 4, 1 << 5
FIFO_SIZE = 16
CHARACTER_NS = 86_805
"""8N1 at 115200 baud."""
RESET = {CR: CR_TXE | CR_RXE, IFLS: 0x12}
KEPT = {
    ILPR: ("ilpr", 0xFF),
    IBRD: ("ibrd", 0xFFFF),
    FBRD: ("fbrd", 0x3F),
    LCR_H: ("lcr_h", 0xFF),
    CR: ("cr", 0xFF87),
    IFLS: ("ifls", 0x3F),
    IMSC: ("imsc", 0x7FF),
    DMACR: ("dmacr", 0x7),
}
"""Registers that keep what is written, and the bits they have."""
IDENTIFICATION = (0x11, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1)
"""UARTPeriphID0 to 3 and UARTPCellID0 to 3, from offset 0xFE0."""


class Pl011(RegisterBlock):
    """A UART; `line` is UARTINTR, the OR of its interrupts."""

    alone = True
    STATE = ("kept", "rx", "tx", "tx_done", "rx_at", "retry_at")
    ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, dmacr = (Word() for _ in range(8))
    raw = Word()
    """UARTRIS."""
    flags = Word()
    """UARTFR."""
    tx_done = Flag(raw, INT_TX)
    """The transmit interrupt: cleared by UARTICR, set when a character has left."""

    @classmethod
    def declaration(cls) -> Declaration:
        nothing_there, nothing_waits = Bits("flags", FR_RXFE), Bits("flags", FR_TXFE)
        return Declaration(
            {
                **{offset: kept(name, mask) for offset, (name, mask) in KEPT.items()},
                # Without its FIFOs the UART is full earlier.
                LCR_H: Register((give("lcr_h"),)),
                DR: Register(
                    (ask(unless=nothing_there),),
                    (
                        *(ask(when=Bits("cr", CR_LBE)), ask(unless=nothing_waits)),
                        *(send(), set_bits("raw", INT_TX)),
                    ),
                ),
                FR: Register((give("flags"),), ()),
                RIS: Register((give("raw"),), ()),
                MIS: Register((give(Bits("raw", also="imsc")),), ()),
                ICR: Register((), (clear_bits("raw", INT_TX, source="value"),)),
                **{0xFE0 + 4 * n: constant(value) for n, value in enumerate(IDENTIFICATION)},
            },
            others=constant(0),
            lines={"line": [Bits("raw", also="imsc")]},
        )

    def __init__(self, name: str, clock: Clock, front: CharFront, line: Line) -> None:
        super().__init__(name, clock)
        self.front = front
        self.send_to(front)
        self.connect(line=line)
        self.reset()
        front.connect(self.receive, self.can_receive)

    def reset(self) -> None:
        self.kept = [RESET.get(offset, 0) for offset in KEPT]
        self.rx = b""
        self.tx = b""
        self.tx_done = False
        self.rx_at: int | None = None
        """When the line can bring the next character."""
        self.retry_at: int | None = None
        self.drive()

    @property
    def kept(self) -> list[int]:
        """The registers that keep what is written."""
        return [getattr(self, name) for name, _ in KEPT.values()]

    @kept.setter
    def kept(self, values: list[int]) -> None:
        for (name, _), value in zip(KEPT.values(), values, strict=True):
            setattr(self, name, value)

    def derive(self) -> None:
        room = self._room()
        flags = (FR_RXFF if len(self.rx) >= room else 0) if self.rx else FR_RXFE
        self.flags = flags | ((FR_TXFF if len(self.tx) >= room else 0) if self.tx else FR_TXFE)
        self.raw = (INT_RX if self.rx else 0) | (self.raw & INT_TX)

    def drive(self) -> None:
        self.derive()
        super().drive()

    def _room(self) -> int:
        return FIFO_SIZE if self.lcr_h & LCR_FEN else 1

    # -- registers -----------------------------------------------------------------------

    def peek_word(self, offset: int) -> int:
        return self.rx[0]

    def read_word(self, offset: int) -> int:
        """UARTDR, with a character in it."""
        value = self.rx[0]
        if len(self.rx) >= self._room() and self.rx_at is None:
            self._pause_line()
        self.rx = self.rx[1:]
        self.drive()
        return value

    def write_word(self, offset: int, value: int) -> None:
        """UARTDR and UARTLCR_H, as far as they are not declared."""
        if offset == LCR_H:
            self.lcr_h = value & KEPT[LCR_H][1]
        else:
            self._transmit(value & 0xFF)
        self.drive()

    # -- characters ----------------------------------------------------------------------

    def _transmit(self, value: int) -> None:
        if self.cr & CR_LBE:
            self.rx = (self.rx + bytes((value,)))[: self._room()]
            self.tx_done = True
        elif self.tx:
            self.tx = (self.tx + bytes((value,)))[: self._room()]
        else:
            self.tx = bytes((value,))
            self._send()

    def _send(self) -> None:
        """Offer what waits to the host side; what it refuses is offered again later."""
        taken = self.front.write(self.tx)
        self.tx = b"" if is_lost(taken) else self.tx[max(0, taken) :]
        self.tx_done |= not self.tx
        self.retry_at = self.clock.now() + RETRY_NS if self.tx else None
        self.clock.rearm()

    def can_receive(self) -> int:
        looped = self.cr & CR_LBE
        return int(not looped and self.rx_at is None and len(self.rx) < self._room())

    def receive(self, data: bytes) -> None:
        """Characters from the line; what does not fit is lost."""
        if data and not self.cr & CR_LBE:
            self.rx = (self.rx + data)[: self._room()]
            self._pause_line()
            self.drive()

    def _pause_line(self) -> None:
        """One character's time; at its end the host side is asked what it has."""
        self.rx_at = self.clock.now() + CHARACTER_NS
        self.clock.rearm()

    def deadline(self) -> int | None:
        return min((at for at in (self.rx_at, self.retry_at) if at is not None), default=None)

    def expire(self) -> None:
        now = self.clock.now()
        if self.rx_at is not None and now >= self.rx_at:
            self.rx_at = None
        if self.retry_at is not None and now >= self.retry_at:
            self._send()
            self.drive()
