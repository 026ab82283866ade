"""POWER and CLOCK, which share a window: nRF51 Reference Manual, chapters of these names."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.base import Clock, Line
from ttd.devices.names import names
from ttd.devices.nrf51.peripheral import Peripheral, event_at

HFCLKSTART, HFCLKSTOP, LFCLKSTART, LFCLKSTOP, CAL, CTSTART, CTSTOP = range(0, 0x1C, 4)
HFCLKSTARTED, LFCLKSTARTED, POFWARN, DONE, CTTO = range(5)
RESETREAS, RAMSTATUS, GPREGRET = 0x400, 0x428, 0x51C
HFCLKRUN, HFCLKSTAT, LFCLKRUN, LFCLKSTAT, LFCLKSRCCOPY = 0x408, 0x40C, 0x414, 0x418, 0x41C
LFCLKSRC, CTIV = 0x518, 0x538
DOG, SREQ = 1 << 1, 1 << 2
"""In RESETREAS: by the watchdog, by software."""
STATE_RUNNING = 1 << 16
BOTH_BLOCKS = 3
"""Of RAM, that are on."""
_START_NS = {HFCLKSTARTED: 400_000, LFCLKSTARTED: 300_000}
"""Crystals take about so long (Product Specification)."""
_CALIBRATION_NS = 16_000_000
_QUARTER_SECOND = 250_000_000


class ClockPower(Peripheral):
    """Clocks start after a while; they all run at their right speed whether started or not. The
    machine always has full power, and SYSTEMOFF does nothing."""

    NAMES = (
        *Peripheral.NAMES,
        *names(
            TASKS_HFCLKSTART=HFCLKSTART,
            TASKS_HFCLKSTOP=HFCLKSTOP,
            TASKS_LFCLKSTART=LFCLKSTART,
            TASKS_LFCLKSTOP=LFCLKSTOP,
            TASKS_CAL=CAL,
            TASKS_CTSTART=CTSTART,
            TASKS_CTSTOP=CTSTOP,
            EVENTS_HFCLKSTARTED=event_at(HFCLKSTARTED),
            EVENTS_LFCLKSTARTED=event_at(LFCLKSTARTED),
            EVENTS_POFWARN=event_at(POFWARN),
            EVENTS_DONE=event_at(DONE),
            EVENTS_CTTO=event_at(CTTO),
            RESETREAS=RESETREAS,
            RAMSTATUS=RAMSTATUS,
            HFCLKRUN=HFCLKRUN,
            HFCLKSTAT=HFCLKSTAT,
            LFCLKRUN=LFCLKRUN,
            LFCLKSTAT=LFCLKSTAT,
            LFCLKSRCCOPY=LFCLKSRCCOPY,
            LFCLKSRC=LFCLKSRC,
            GPREGRET=GPREGRET,
            CTIV=CTIV,
        ),
    )

    STATE: ClassVar[tuple[str, ...]] = (
        *Peripheral.STATE,
        "requested",
        "source",
        "resetreas",
        "gpregret",
        "cause",
    )
    EVENTS: ClassVar[tuple[int, ...]] = (HFCLKSTARTED, LFCLKSTARTED, POFWARN, DONE, CTTO)
    PLAIN = {
        0x510: 0,  # POFCON
        LFCLKSRC: 0,
        0x524: BOTH_BLOCKS,  # RAMON
        CTIV: 0,
        0x544: 0,  # RESET: pin reset in debug mode
        0x550: 0xFF,  # XTALFREQ: 16 MHz
        0x554: BOTH_BLOCKS,  # RAMONB
        0x578: 0,  # DCDCEN
    }

    def __init__(self, name: str, clock: Clock, irq: Line) -> None:
        self.resetreas = 0
        self.gpregret = 0
        self.cause = 0
        """The bit of RESETREAS that the next reset sets; none for the first."""
        super().__init__(name, clock, irq)

    def reset_registers(self) -> None:
        self.resetreas |= self.cause
        self.cause = SREQ
        self.requested = 0
        """Bit n: clock n (0: high frequency, 1: low frequency) was started."""
        self.source = 0
        """LFCLKSRC as it was when the low-frequency clock was started."""

    def watchdog_bites(self) -> None:
        """The next reset is the watchdog's."""
        self.cause = DOG

    def task(self, offset: int) -> None:
        if offset in (HFCLKSTART, LFCLKSTART):
            number = HFCLKSTARTED if offset == HFCLKSTART else LFCLKSTARTED
            self.requested |= 1 << number
            if number == LFCLKSTARTED:
                self.source = self.get(LFCLKSRC) & 3
            self.forget(number)
            self.later(_START_NS[number], number)
        elif offset in (HFCLKSTOP, LFCLKSTOP):
            number = HFCLKSTARTED if offset == HFCLKSTOP else LFCLKSTARTED
            self.requested &= ~(1 << number)
            self.forget(number)
        elif offset == CAL:
            self.later(_CALIBRATION_NS, DONE)
        elif offset == CTSTART:
            self.later((self.get(CTIV) & 0x7F) * _QUARTER_SECOND, CTTO)
        elif offset == CTSTOP:
            self.forget(CTTO)

    def _runs(self, number: int) -> bool:
        return bool(self.requested >> number & 1) and not self.awaits(number)

    def peek_register(self, offset: int) -> int:
        # The CPU always has a clock: the RC oscillator's, or the crystal's.
        high = STATE_RUNNING | int(self._runs(HFCLKSTARTED))
        low = STATE_RUNNING | self.source if self._runs(LFCLKSTARTED) else 0
        found = {
            RESETREAS: self.resetreas,
            GPREGRET: self.gpregret,
            RAMSTATUS: BOTH_BLOCKS,
            HFCLKRUN: self.requested & 1,
            HFCLKSTAT: high,
            LFCLKRUN: self.requested >> 1 & 1,
            LFCLKSTAT: low,
            LFCLKSRCCOPY: self.source,
        }
        return found.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        if offset == RESETREAS:
            self.resetreas &= ~value
        elif offset == GPREGRET:
            self.gpregret = value & 0xFF
