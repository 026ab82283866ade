"""WDT: nRF51 Reference Manual, chapter "Watchdog timer"."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ttd.devices.base import NS_PER_SECOND, Clock, Line
from ttd.devices.names import names, row
from ttd.devices.nrf51.peripheral import LFCLK, Peripheral, event_at

START = 0x000
TIMEOUT = 0
RUNSTATUS, REQSTATUS, CRV, RREN, CONFIG, RR = 0x400, 0x404, 0x504, 0x508, 0x50C, 0x600
RELOAD = 0x6E524635
RELOADS = 8
_RESET = 100
_TICKS_TO_RESET = 2
"""Of the low-frequency clock, from TIMEOUT to the reset."""


class Wdt(Peripheral):
    """A watchdog: once started it resets the machine (CRV + 1) / 32 768 s after all enabled reload
    requests were last made. It does not stop while the CPU sleeps."""

    NAMES = (
        *Peripheral.NAMES,
        *names(
            TASKS_START=START,
            EVENTS_TIMEOUT=event_at(TIMEOUT),
            RUNSTATUS=RUNSTATUS,
            REQSTATUS=REQSTATUS,
            CRV=CRV,
            RREN=RREN,
            CONFIG=CONFIG,
        ),
        *row("RR", RR, RELOADS),
    )

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "running", "requested", "crv", "rren")
    EVENTS: ClassVar[tuple[int, ...]] = (TIMEOUT,)
    PLAIN = {CONFIG: 1}

    def __init__(
        self,
        name: str,
        clock: Clock,
        irq: Line,
        bites: Callable[[], None],
    ) -> None:
        """`bites` resets the machine."""
        self.bites = bites
        super().__init__(name, clock, irq)

    def reset_registers(self) -> None:
        self.running = False
        self.requested = 0
        """Reload registers that have been written since the last reload."""
        self.crv = 0xFFFFFFFF
        self.rren = 1

    def task(self, offset: int) -> None:
        if offset == START and not self.running:
            self.running = True
            self._reload()

    def _reload(self) -> None:
        self.requested = 0
        self.forget(TIMEOUT)
        self.later((self.crv + 1) * NS_PER_SECOND // LFCLK, TIMEOUT)

    def happens(self, number: int) -> None:
        if number == _RESET:
            self.bites()
        else:
            self.event(TIMEOUT)
            self.later(_TICKS_TO_RESET * NS_PER_SECOND // LFCLK, _RESET)

    def peek_register(self, offset: int) -> int:
        if offset == RUNSTATUS:
            return int(self.running)
        if offset == REQSTATUS:
            return self.rren & ~self.requested
        return {CRV: self.crv, RREN: self.rren}.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        at = (offset - RR) // 4
        if 0 <= at < RELOADS:
            if self.running and value == RELOAD:
                self.requested |= 1 << at & self.rren
                if self.requested == self.rren:
                    self._reload()
        elif not self.running:  # they are locked then
            if offset == CRV:
                self.crv = max(value, 0xF)
            elif offset == RREN:
                self.rren = value & (1 << RELOADS) - 1
