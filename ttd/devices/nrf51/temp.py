"""TEMP: nRF51 Reference Manual, chapter "Temperature sensor"."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.names import names
from ttd.devices.nrf51.peripheral import Peripheral, event_at

START, STOP = 0x000, 0x004
DATARDY = 0
TEMP = 0x508
MEASUREMENT_NS = 36_000
QUARTER_DEGREES = 21 * 4
"""It is always 21 degrees."""


class Temp(Peripheral):
    """A thermometer in a room of constant temperature."""

    NAMES = (
        *Peripheral.NAMES,
        *names(TASKS_START=START, TASKS_STOP=STOP, EVENTS_DATARDY=event_at(DATARDY), TEMP=TEMP),
    )

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "value")
    EVENTS: ClassVar[tuple[int, ...]] = (DATARDY,)

    def reset_registers(self) -> None:
        self.value = 0

    def task(self, offset: int) -> None:
        self.forget(DATARDY)
        if offset == START:
            self.later(MEASUREMENT_NS, DATARDY)

    def happens(self, number: int) -> None:
        self.value = QUARTER_DEGREES
        self.event(DATARDY)

    def peek_register(self, offset: int) -> int:
        return self.value if offset == TEMP else 0
