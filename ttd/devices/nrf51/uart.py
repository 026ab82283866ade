"""UART: nRF51 Reference Manual, chapter "Universal Asynchronous Receiver/Transmitter"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, TypeVar

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.chars import CharFront
from ttd.devices.declared import (
    Bits,
    Condition,
    Receiving,
    Register,
    Word,
    append,
    ask,
    drop,
    give,
    keep,
    pause,
    send,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.nrf51.peripheral import EVENTS, Peripheral, event_at
from ttd.devices.uart import Uart as SerialDevice
from ttd.engine.receiver import FULL, SOME
from ttd.state import State

STARTRX, STOPRX, STARTTX, STOPTX, SUSPEND = 0x000, 0x004, 0x008, 0x00C, 0x01C
CTS, NCTS, RXDRDY, TXDRDY, ERROR, RXTO = 0, 1, 2, 7, 9, 17
ERRORSRC, ENABLE, RXD, TXD, BAUDRATE = 0x480, 0x500, 0x518, 0x51C, 0x524
ENABLED = 4
OVERRUN = 1
FIFO_BYTES = 6
BAUD_115200 = 0x01D7E000
Answer = TypeVar("Answer")
_RETRY, _WIRE_FREE = 100, 101
"""What is to come, in the saved state."""


class Uart(SerialDevice, Peripheral):
    """A UART with six bytes of receive buffer and one of transmit buffer.

    Bytes leave at once, whatever BAUDRATE says, and arrive no closer together than it lets them.
    RXDRDY comes for each byte that moves into RXD: when it has arrived in an empty buffer, and
    when the one before it has been read.
    """

    NAMES = (
        *Peripheral.NAMES,
        *names(
            TASKS_STARTRX=STARTRX,
            TASKS_STOPRX=STOPRX,
            TASKS_STARTTX=STARTTX,
            TASKS_STOPTX=STOPTX,
            TASKS_SUSPEND=SUSPEND,
            EVENTS_CTS=event_at(CTS),
            EVENTS_NCTS=event_at(NCTS),
            EVENTS_RXDRDY=event_at(RXDRDY),
            EVENTS_TXDRDY=event_at(TXDRDY),
            EVENTS_ERROR=event_at(ERROR),
            EVENTS_RXTO=event_at(RXTO),
            ERRORSRC=ERRORSRC,
            ENABLE=ENABLE,
            RXD=RXD,
            TXD=TXD,
            BAUDRATE=BAUDRATE,
        ),
    )

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

    listens, told = Word(), Word()
    """The receiver is on; and somebody beside software hears of RXDRDY."""
    rxd = Word()
    """What was read last."""
    received, first = Word(), Word()
    """What the receive buffer holds; the first is in RXD once RXDRDY has told of it."""

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        something, full = Bits("received", SOME), Bits("received", FULL)
        ready = 1 << RXDRDY
        return {
            TXD: Register((), (ask(unless=Bits("sends")), send(), set_bits("events", 1 << TXDRDY))),
            RXD: Register(
                (
                    ask(when=Bits("told")),
                    give("first"),
                    give("rxd", unless=something),
                    pause(when=full),
                    keep("rxd", source="first", when=something),
                    drop(when=something),
                    set_bits("events", ready, when=something),
                )
            ),
        }

    @classmethod
    def receives(cls) -> Receiving:
        something, full = Bits("received", SOME), Bits("received", FULL)
        arrive = (
            ask(when=Bits("told")),
            ask(when=full),
            set_bits("events", 1 << RXDRDY, unless=something),
            append(),
        )
        off = Condition(Bits("listens"), unless=True)
        return Receiving((off, Condition(full)), arrive, state="received", first="first")

    def __init__(self, name: str, clock: Clock, irq: Line, front: CharFront) -> None:
        self.front = front
        super().__init__(name, clock, irq)
        self.plug(front)

    def reset_registers(self) -> None:
        self.receiving = False
        self.sending = False
        self.fifo = []
        self.rx_at = self.retry_at = None
        self.rxd = 0
        self.txd: int | None = None
        """A byte that the host side has not taken yet."""
        self.errorsrc = 0

    @property
    def fifo(self) -> list[int]:
        """What the receive buffer holds."""
        return list(self.rx)

    @fifo.setter
    def fifo(self, data: list[int]) -> None:
        self.rx = bytes(data)

    def save(self) -> State:
        state = super().save()
        times = ((self.retry_at, _RETRY), (self.rx_at, _WIRE_FREE))
        state["due"] = sorted([*self.due, *([at, what] for at, what in times if at is not None)])
        return state

    def load(self, state: State) -> None:
        times = {what: at for at, what in state["due"]}
        self.retry_at, self.rx_at = times.get(_RETRY), times.get(_WIRE_FREE)
        super().load({**state, "due": []})

    def derive(self) -> None:
        super().derive()
        is_open = self.sending and self._enabled and self.txd is None
        self.sends = is_open and not self.listened(EVENTS + 4 * TXDRDY)
        self.listens = self.receiving and self._enabled
        self.told = self.listened(EVENTS + 4 * RXDRDY)
        # Ten bits at BAUDRATE * 16 MHz / 2**32.
        rate = self.get(BAUDRATE) or BAUD_115200
        self.receiver.is_paced(10 * (1 << 32) * 1000 // (16 * rate), room=FIFO_BYTES)

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
            return self.first if self.received & SOME else self.rxd
        return self.errorsrc if offset == ERRORSRC else 0

    def read_word(self, offset: int) -> int:
        if offset != RXD:
            return self.peek_word(offset)
        value = self._as_declared(partial(self.read, RXD, 4))
        if self.received & SOME:
            self.event(RXDRDY)
        return value

    def _as_declared(self, do: Callable[[], Answer]) -> Answer:
        """What is asked because others hear of RXDRDY happens; then they have to."""
        self.told = 0
        answer = do()
        self.derive()
        return answer

    def steady(self, offset: int) -> Steady | None:
        return None if offset == RXD else Steady()

    def write_register(self, offset: int, value: int) -> None:
        if offset == TXD and self.sending and self._enabled:
            self._send(value & 0xFF)
        elif offset == ERRORSRC:
            self.errorsrc &= ~value

    def send_again(self) -> None:
        assert self.txd is not None
        self._send(self.txd)
        self.derive()

    def _send(self, byte: int) -> None:
        self.txd = byte if self.offer(bytes((byte,))) else None
        if self.txd is None:
            self.event(TXDRDY)

    def receive(self, data: bytes) -> None:
        """Bytes from the wire; more than `can_receive()` overrun, as on the real one."""
        if not self.listens:
            return
        for byte in data:
            if self.received & FULL:
                self.errorsrc |= OVERRUN
                self.event(ERROR)
            elif not self.receiver.arrive(byte):
                first = not self.received & SOME
                self._as_declared(partial(self.receiver.arrive, byte))
                if first:
                    self.event(RXDRDY)
