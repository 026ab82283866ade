"""What people call the registers of a device, and the fields in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class FieldName(NamedTuple):
    """Bits of a register."""

    name: str
    mask: int

    def of(self, value: int) -> int:
        """What the field is in a register's value."""
        low = self.mask & -self.mask
        return (value & self.mask) // low if low else 0


class RegisterName(NamedTuple):
    """A register of a device."""

    name: str
    offset: int
    fields: tuple[FieldName, ...] = ()
    size: int = 0
    """In bytes; 0: as long as all of the device's."""

    def also(self, prefix: str, distance: int) -> RegisterName:
        """Another one like it, so many bytes behind it."""
        return RegisterName(prefix + self.name, self.offset + distance, self.fields, self.size)


def names(
    size: int = 0, /, **registers: int | tuple[int, Mapping[str, int]]
) -> tuple[RegisterName, ...]:
    """Registers of `size` bytes by name: the offset, or that and the fields' masks by name."""
    found = []
    for name, what in registers.items():
        offset, fields = (what, {}) if isinstance(what, int) else what
        listed = tuple(FieldName(field, mask) for field, mask in fields.items())
        found.append(RegisterName(name, offset, listed, size))
    return tuple(found)


def row(name: str, offset: int, count: int, step: int = 4) -> tuple[RegisterName, ...]:
    """`count` registers, `step` bytes apart, with their number behind the name."""
    return tuple(RegisterName(f"{name}{n}", offset + step * n) for n in range(count))
