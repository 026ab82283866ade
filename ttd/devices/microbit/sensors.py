"""The accelerometer MMA8653FC and the magnetometer MAG3110 (NXP's data sheets of these names)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ttd.devices.base import Clock, Device

REGISTERS = 0x80
ACCELEROMETER, MAGNETOMETER = 0x1D, 0x0E
"""Addresses on the bus."""
LYING_FLAT = {0x00: 0x0F, 0x05: 0x40, 0x0D: 0x5A}
"""MMA8653: STATUS (data ready), OUT_Z_MSB (1 g of 2 g), WHO_AM_I."""
NO_FIELD = {0x00: 0x0F, 0x07: 0xC4}
"""MAG3110: DR_STATUS (data ready), WHO_AM_I."""


class Sensor(Device):
    """Registers behind a pointer, which the first byte of a write sets and each further byte, read
    or written, moves on. What is measured never changes."""

    STATE: ClassVar[tuple[str, ...]] = ("values", "pointer", "pointing")

    def __init__(self, name: str, clock: Clock, fixed: Mapping[int, int]) -> None:
        """`fixed`: registers that read as this, whatever is written."""
        super().__init__(name, clock)
        self._fixed = fixed
        self.reset()

    def reset(self) -> None:
        self.values = [0] * REGISTERS
        self.pointer = 0
        self.pointing = False
        """The next byte written is the pointer."""

    def addressed(self, read: bool) -> None:
        self.pointing = not read

    def give(self) -> int:
        value = self._fixed.get(self.pointer, self.values[self.pointer])
        self._advance()
        return value

    def take(self, byte: int) -> None:
        if self.pointing:
            self.pointer = byte % REGISTERS
            self.pointing = False
        else:
            self.values[self.pointer] = byte
            self._advance()

    def _advance(self) -> None:
        self.pointer = (self.pointer + 1) % REGISTERS
