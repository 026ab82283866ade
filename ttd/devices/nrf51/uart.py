"""UART: nRF51 Reference Manual, chapter "Universal Asynchronous Receiver/Transmitter"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.chars import CharFront, is_lost
from ttd.devices.declared import Bits, Register, Word, ask, send, set_bits
from ttd.devices.nrf51.peripheral import EVENTS, Peripheral

STARTRX, STOPRX, STARTTX, STOPTX, SUSPEND = 0x000, 0x004, 0x008, 0x00C, 0x01C
CTS, NCTS, RXDRDY, TXDRDY, ERROR, RXTO = 0, 1, 2, 7, 9, 17
ERRORSRC, ENABLE, RXD, TXD, BAUDRATE = 0x480, 0x500, 0x518, 0x51C, 0x524
ENABLED = 4
OVERRUN = 1
FIFO_BYTES = 6
RETRY_NS = 1_000_000
"""Virtual time after which a byte that the host side refused is offered again."""
BAUD_115200 = 0x01D7E000
_RETRY, _WIRE_FREE = 100, 101


class Uart(Peripheral):
    """A UART with six bytes of receive buffer and one of transmit buffer.

    Bytes leave at once, whatever BAUDRATE says, and arrive no closer together than it lets them.
    RXDRDY comes for each byte that moves into RXD: when it has arrived in an empty buffer, and
    when the one before it has been read.
    """

    STATE = (*Peripheral.STATE, "receiving", "sending", "fifo", "rxd", "txd", "errorsrc")
    EVENTS: ClassVar[tuple[int, ...]] = (CTS, NCTS, RXDRDY, TXDRDY, ERROR, RXTO)
    SHORTCUTS = {3: (CTS, STARTRX), 4: (NCTS, STOPRX)}
    PLAIN = {
        ENABLE: 0,
        **dict.fromkeys((0x508, 0x50C, 0x510, 0x514), 0xFFFFFFFF),  # PSEL
        BAUDRATE: 0x04000000,
        0x56C: 0,  # CONFIG: parity and flow control do nothing
    }

    sends = Word()
    """TXD is open for the next byte, and nobody but software hears of TXDRDY."""

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        left = set_bits("events", 1 << TXDRDY)
        return {TXD: Register((), (ask(unless=Bits("sends")), send(), left))}

    def __init__(self, name: str, clock: Clock, irq: Line, front: CharFront) -> None:
        self.front = front
        super().__init__(name, clock, irq)
        self.send_to(front)
        front.connect(self.receive, self.can_receive)

    def reset_registers(self) -> None:
        self.receiving = False
        self.sending = False
        self.fifo: list[int] = []
        """What has arrived; the first is in RXD once RXDRDY has told of it."""
        self.rxd = 0
        self.txd: int | None = None
        """A byte that the host side has not taken yet."""
        self.errorsrc = 0

    def derive(self) -> None:
        super().derive()
        is_open = self.sending and self._enabled and self.txd is None
        self.sends = is_open and not self.listened(EVENTS + 4 * TXDRDY)

    @property
    def _enabled(self) -> bool:
        return self.get(ENABLE) == ENABLED

    def task(self, offset: int) -> None:
        if offset == STARTRX:
            self.receiving = True
        elif offset == STARTTX:
            self.sending = True
        elif offset in (STOPRX, SUSPEND) and self.receiving:
            self.receiving = False
            self.event(RXTO)
        if offset in (STOPTX, SUSPEND):
            self.sending = False

    def peek_register(self, offset: int) -> int:
        if offset == RXD:
            return self.fifo[0] if self.fifo else self.rxd
        return self.errorsrc if offset == ERRORSRC else 0

    def read_word(self, offset: int) -> int:
        value = self.peek_word(offset)
        if offset == RXD and self.fifo:
            if len(self.fifo) == FIFO_BYTES and not self.awaits(_WIRE_FREE):
                self._pause_line()
            self.rxd = self.fifo.pop(0)
            if self.fifo:
                self.event(RXDRDY)
        return value

    def steady(self, offset: int) -> Steady | None:
        return None if offset == RXD else Steady()

    def write_register(self, offset: int, value: int) -> None:
        if offset == TXD and self.sending and self._enabled:
            self.txd = value & 0xFF
            self._send()
        elif offset == ERRORSRC:
            self.errorsrc &= ~value

    def _send(self) -> None:
        self.forget(_RETRY)
        assert self.txd is not None
        taken = self.front.write(bytes([self.txd]))
        if taken > 0 or is_lost(taken):
            self.txd = None
            self.event(TXDRDY)
        else:
            # A deadline in virtual time, not a signal from the host: every replay has it at the
            # same step, with only the result of `write` recorded.
            self.later(RETRY_NS, _RETRY)

    def happens(self, number: int) -> None:
        if number == _RETRY:
            self._send()
            self.derive()

    def can_receive(self) -> int:
        """Return how many bytes the receiver can take now without losing any."""
        ready = self.receiving and self._enabled and not self.awaits(_WIRE_FREE)
        return int(ready and len(self.fifo) < FIFO_BYTES)

    def receive(self, data: bytes) -> None:
        """Bytes from the line; more than `can_receive()` overrun, as on the real line."""
        if not (self.receiving and self._enabled):
            return
        for byte in data:
            if len(self.fifo) == FIFO_BYTES:
                self.errorsrc |= OVERRUN
                self.event(ERROR)
                continue
            self.fifo.append(byte)
            if len(self.fifo) == 1:
                self.event(RXDRDY)
        if data and not self.awaits(_WIRE_FREE):
            self._pause_line()

    def _pause_line(self) -> None:
        """One character's time, at whose end the host side is asked what it has: ten bits at
        BAUDRATE * 16 MHz / 2**32."""
        rate = self.get(BAUDRATE) or BAUD_115200
        self.later(10 * (1 << 32) * 1000 // (16 * rate), _WIRE_FREE)
