"""The buttons A and B, which connect their pins to ground; resistors pull these up."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.base import Clock, Device
from ttd.devices.nrf51.gpio import Gpio
from ttd.devices.virtio.input import InputFront
from ttd.keys import EV_KEY

PINS = {30: 17, 48: 26}
"""Key codes of `a` and `b` (linux/input-event-codes.h) -> pin."""


class Buttons(Device):
    """Keys `a` and `b` of the input front end press the buttons."""

    STATE: ClassVar[tuple[str, ...]] = ("group",)

    def __init__(self, name: str, clock: Clock, gpio: Gpio, front: InputFront) -> None:
        super().__init__(name, clock)
        self._gpio = gpio
        self.group: list[list[int]] = []
        """Keys that have moved since the last sync: code, and 1 for down."""
        for pin in PINS.values():
            gpio.drive_pin(pin, True)
        front.connect(self._event, self._sync)

    def reset(self) -> None:
        """Fingers stay where they are."""

    def _event(self, kind: int, code: int, value: int) -> None:
        if kind == EV_KEY and code in PINS:
            self.group.append([code, value])

    def _sync(self) -> None:
        group, self.group = self.group, []
        for code, value in group:
            self._gpio.drive_pin(PINS[code], not value)
