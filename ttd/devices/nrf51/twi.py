"""TWI: nRF51 Reference Manual, chapter "I2C compatible Two Wire Interface"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.names import names
from ttd.devices.nrf51.peripheral import Peripheral, event_at

STARTRX, STARTTX, STOP, SUSPEND, RESUME = 0x000, 0x008, 0x014, 0x01C, 0x020
STOPPED, RXDREADY, TXDSENT, ERROR, BB = 1, 2, 7, 9, 14
ERRORSRC, ENABLE, RXD, TXD, ADDRESS = 0x4C4, 0x500, 0x518, 0x51C, 0x588
ENABLED = 5
ANACK = 1 << 1
IDLE, RECEIVING, SENDING = 0, 1, 2


class Slave(Protocol):
    """A chip on the bus."""

    def addressed(self, read: bool) -> None:
        """A transfer begins."""

    def give(self) -> int:
        """The next byte that it sends."""

    def take(self, byte: int) -> None:
        """A byte that it gets."""


class Twi(Peripheral):
    """The master of a bus; every byte passes at once.

    BB (byte boundary) comes before each byte; with its shortcut to SUSPEND a driver fetches bytes
    one by one by RESUME, with that to STOP the transfer ends there.
    """

    NAMES = (
        *Peripheral.NAMES,
        *names(
            TASKS_STARTRX=STARTRX,
            TASKS_STARTTX=STARTTX,
            TASKS_STOP=STOP,
            TASKS_SUSPEND=SUSPEND,
            TASKS_RESUME=RESUME,
            EVENTS_STOPPED=event_at(STOPPED),
            EVENTS_RXDREADY=event_at(RXDREADY),
            EVENTS_TXDSENT=event_at(TXDSENT),
            EVENTS_ERROR=event_at(ERROR),
            EVENTS_BB=event_at(BB),
            ERRORSRC=ERRORSRC,
            ENABLE=ENABLE,
            RXD=RXD,
            TXD=TXD,
            ADDRESS=ADDRESS,
        ),
    )

    STATE: ClassVar[tuple[str, ...]] = (
        *Peripheral.STATE,
        "mode",
        "suspended",
        "rxd",
        "unread",
        "errorsrc",
    )
    EVENTS: ClassVar[tuple[int, ...]] = (STOPPED, RXDREADY, TXDSENT, ERROR, BB)
    SHORTCUTS = {0: (BB, SUSPEND), 1: (BB, STOP)}
    PLAIN = {
        ENABLE: 0,
        0x508: 0xFFFFFFFF,  # PSELSCL
        0x50C: 0xFFFFFFFF,  # PSELSDA
        0x524: 0x04000000,  # FREQUENCY
        ADDRESS: 0,
    }

    def __init__(self, name: str, clock: Clock, irq: Line, slaves: Mapping[int, Slave]) -> None:
        """`slaves`: by address, 7 bits."""
        self.slaves = slaves
        super().__init__(name, clock, irq)

    def reset_registers(self) -> None:
        self.mode = IDLE
        self.suspended = False
        self.rxd = 0
        self.unread = False
        """RXD holds a byte that has not been read."""
        self.errorsrc = 0

    def _slave(self) -> Slave | None:
        return self.slaves.get(self.get(ADDRESS) & 0x7F)

    def task(self, offset: int) -> None:
        if offset in (STARTRX, STARTTX):
            if self.get(ENABLE) == ENABLED:
                self._address(read=offset == STARTRX)
        elif offset == STOP:
            self.mode = IDLE
            self.suspended = False
            self.event(STOPPED)
        elif offset == SUSPEND:
            self.suspended = True
        elif offset == RESUME:
            self.suspended = False
            if self.mode == RECEIVING:
                self._receive()

    def _address(self, read: bool) -> None:
        slave = self._slave()
        self.unread = False
        if slave is None:
            self.mode = IDLE
            self.errorsrc |= ANACK
            self.event(ERROR)
            return
        slave.addressed(read)
        self.mode = RECEIVING if read else SENDING
        if read:
            self._boundary()

    def _boundary(self) -> None:
        """Between two bytes that come in: the next follows unless something holds it up."""
        self.event(BB)
        if self.mode == RECEIVING and not self.suspended:
            self._receive()

    def _receive(self) -> None:
        slave = self._slave()
        if self.unread or slave is None:
            return  # the clock is stretched until RXD has been read
        self.rxd = slave.give()
        self.unread = True
        self.event(RXDREADY)
        self._boundary()

    def peek_register(self, offset: int) -> int:
        return {RXD: self.rxd, ERRORSRC: self.errorsrc}.get(offset, 0)

    def read_word(self, offset: int) -> int:
        value = self.peek_word(offset)
        if offset == RXD and self.unread:
            self.unread = False
            if self.mode == RECEIVING and not self.suspended:
                self._receive()
        return value

    def steady(self, offset: int) -> Steady | None:
        return None if offset == RXD else Steady()

    def write_register(self, offset: int, value: int) -> None:
        if offset == TXD:
            slave = self._slave()
            if self.mode == SENDING and slave is not None:
                slave.take(value & 0xFF)
                self.event(TXDSENT)
        elif offset == ERRORSRC:
            self.errorsrc &= ~value
