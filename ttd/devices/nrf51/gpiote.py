"""GPIOTE: nRF51 Reference Manual, chapter "GPIO tasks and events"."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.base import Clock, Line
from ttd.devices.names import names, row
from ttd.devices.nrf51.gpio import Gpio, Levels
from ttd.devices.nrf51.peripheral import Peripheral, event_at

CHANNELS = 4
PORT = 31
CONFIG = 0x510
EVENT_MODE, TASK_MODE = 1, 3
LO_TO_HI, HI_TO_LO, TOGGLE = 1, 2, 3


class Gpiote(Peripheral):
    """Four channels that turn edges of pins into events, or tasks into edges; and PORT, the event
    of a pin that comes to the level its PIN_CNF.SENSE waits for."""

    NAMES = (
        *Peripheral.NAMES,
        *names(EVENTS_PORT=event_at(PORT)),
        *row("EVENTS_IN", event_at(0), CHANNELS),
        *row("CONFIG", CONFIG, CHANNELS),
    )

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "config", "detect")
    EVENTS: ClassVar[tuple[int, ...]] = (*range(CHANNELS), PORT)

    def __init__(self, name: str, clock: Clock, irq: Line, gpio: Gpio) -> None:
        self.gpio = gpio
        super().__init__(name, clock, irq)
        gpio.listeners.append(self)

    def reset_registers(self) -> None:
        self.config = [0] * CHANNELS
        self.detect = False
        # No channel drives a pin any more, whichever of the two is reset first.
        self.gpio.take(0)

    def _mode(self, channel: int) -> int:
        return self.config[channel] & 3

    def _pin(self, channel: int) -> int:
        return self.config[channel] >> 8 & 31

    def _polarity(self, channel: int) -> int:
        return self.config[channel] >> 16 & 3

    def levels_changed(self, was: Levels, now: Levels) -> None:
        rising, falling = now.high & ~was.high, was.high & ~now.high
        for channel in range(CHANNELS):
            polarity = self._polarity(channel)
            edges = (rising if polarity & LO_TO_HI else 0) | (falling if polarity & HI_TO_LO else 0)
            if self._mode(channel) == EVENT_MODE and edges >> self._pin(channel) & 1:
                self.event(channel)
        before, self.detect = self.detect, self._sensed(now.high)
        if self.detect and not before:
            self.event(PORT)

    def _sensed(self, high: int) -> bool:
        return bool(high & self.gpio.sensed_high | ~high & self.gpio.sensed_low)

    def minds(self, now: Levels) -> int:
        pins = self.gpio.sensed_high | self.gpio.sensed_low
        for channel in range(CHANNELS):
            if self._mode(channel) == EVENT_MODE:
                pins |= 1 << self._pin(channel)
        return pins

    def derive(self) -> None:
        super().derive()
        self.gpio.show()

    def task(self, offset: int) -> None:
        channel = offset // 4
        if channel < CHANNELS and self._mode(channel) == TASK_MODE:
            pin, polarity = self._pin(channel), self._polarity(channel)
            if polarity == TOGGLE:
                self.gpio.put(pin, self.gpio.level(pin) ^ 1)
            elif polarity:
                self.gpio.put(pin, int(polarity == LO_TO_HI))

    def peek_register(self, offset: int) -> int:
        channel = (offset - CONFIG) // 4
        return self.config[channel] if 0 <= channel < CHANNELS else 0

    def write_register(self, offset: int, value: int) -> None:
        channel = (offset - CONFIG) // 4
        if 0 <= channel < CHANNELS:
            self.config[channel] = value & 0x00131F03
            if self._mode(channel) == TASK_MODE:
                self.gpio.put(self._pin(channel), value >> 20 & 1)
            taken = [n for n in range(CHANNELS) if self._mode(n) == TASK_MODE]
            self.gpio.take(sum({1 << self._pin(n) for n in taken}))
