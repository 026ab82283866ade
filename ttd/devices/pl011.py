"""Arm PrimeCell UART PL011 (DDI0183 "PrimeCell UART (PL011) Technical Reference Manual").

Characters leave at once and arrive at 115200 baud, whatever the divisors say: what clock they
divide is not known. The receive interrupt is there as soon as there is a character, so that the
FIFO level (UARTIFLS) and the receive timeout make no difference. No modem, no DMA, no IrDA.
"""

from __future__ import annotations

from collections.abc import Iterable

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.chars import RETRY_NS, CharFront, is_lost
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
MASKS = {ILPR: 0xFF, IBRD: 0xFFFF, FBRD: 0x3F, LCR_H: 0xFF, CR: 0xFF87, IFLS: 0x3F, IMSC: 0x7FF,
         DMACR: 0x7}  # fmt: skip
"""Registers that keep what is written, and the bits they have."""
IDENTIFICATION = (0x11, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1)
"""UARTPeriphID0 to 3 and UARTPCellID0 to 3, from offset 0xFE0."""


class Pl011(RegisterBlock):
    """A UART; `line` is UARTINTR, the OR of its interrupts."""

    alone = True
    STATE = ("kept", "rx", "tx", "tx_done", "rx_at", "retry_at")

    def __init__(self, name: str, clock: Clock, front: CharFront, line: Line) -> None:
        super().__init__(name, clock)
        self.front = front
        self.line = line
        self.reset()
        front.connect(self.receive, self.can_receive)

    def reset(self) -> None:
        self.kept = [RESET.get(offset, 0) for offset in MASKS]
        self.rx = b""
        self.tx = b""
        self.tx_done = False
        """The transmit interrupt: cleared by UARTICR, set when a character has left."""
        self.rx_at: int | None = None
        """When the line can bring the next character."""
        self.retry_at: int | None = None
        self.drive()

    def _register(self, offset: int) -> int:
        return self.kept[list(MASKS).index(offset)]

    def _raw(self) -> int:
        return (INT_RX if self.rx else 0) | (INT_TX if self.tx_done else 0)

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        yield self.line, self._raw() & self._register(IMSC) != 0

    def _room(self) -> int:
        return FIFO_SIZE if self._register(LCR_H) & LCR_FEN else 1

    # -- registers -----------------------------------------------------------------------

    def peek_word(self, offset: int) -> int:
        if offset in MASKS:
            return self._register(offset)
        if offset == DR:
            return self.rx[0] if self.rx else 0
        if offset == FR:
            room = self._room()
            flags = (FR_RXFF if len(self.rx) >= room else 0) if self.rx else FR_RXFE
            return flags | ((FR_TXFF if len(self.tx) >= room else 0) if self.tx else FR_TXFE)
        if offset in (RIS, MIS):
            return self._raw() & (self._register(IMSC) if offset == MIS else -1)
        if 0xFE0 <= offset <= 0xFFC:
            return IDENTIFICATION[(offset - 0xFE0) // 4]
        return 0

    def read_word(self, offset: int) -> int:
        value = self.peek_word(offset)
        if offset == DR and self.rx:
            if len(self.rx) >= self._room() and self.rx_at is None:
                self._pause_line()
            self.rx = self.rx[1:]
            self.drive()
        return value

    def write_word(self, offset: int, value: int) -> None:
        if offset in MASKS:
            self.kept[list(MASKS).index(offset)] = value & MASKS[offset]
        elif offset == DR:
            self._transmit(value & 0xFF)
        elif offset == ICR and value & INT_TX:
            self.tx_done = False
        self.drive()

    def steady(self, offset: int) -> Steady | None:
        return None if offset == DR else Steady(until_ns=self.deadline())

    # -- characters ----------------------------------------------------------------------

    def _transmit(self, value: int) -> None:
        if self._register(CR) & CR_LBE:
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
        looped = self._register(CR) & CR_LBE
        return int(not looped and self.rx_at is None and len(self.rx) < self._room())

    def receive(self, data: bytes) -> None:
        """Characters from the line; what does not fit is lost."""
        if data and not self._register(CR) & CR_LBE:
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
