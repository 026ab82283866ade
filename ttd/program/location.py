"""Where a value is, and what has to be known of a moment to read it."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ttd.program.errors import ProgramError
from ttd.program.types import Type
from ttd.values import dataclass


class Moment(Protocol):
    """A machine at one moment, as much of it as the program is about."""

    def register(self, name: str) -> int:
        """By the processor's name, as an unsigned number."""
        ...

    def memory(self, address: int, size: int) -> bytes:
        """As the processor addresses it, without side effects; shorter where something is not
        there."""
        ...

    def physical(self, address: int, size: int) -> bytes:
        """The same by physical addresses, registers of devices among it."""
        ...


class Where(Enum):
    """Kinds of places."""

    MEMORY = "memory"
    PHYSICAL = "physical"
    REGISTER = "register"
    DEVICE = "device"
    """A register of a device, by its physical address."""
    VALUE = "value"
    """It is nowhere: it was worked out, or is put together of pieces."""


@dataclass(frozen=True, slots=True)
class Location:
    """What an expression stands for at one moment; `read` gives what is there at another."""

    where: Where
    text: str
    """As it was typed."""
    size: int
    """In bytes."""
    type: Type | None = None
    """None: nobody knows; what is there counts as a number without a sign."""
    address: int = 0
    register: str = ""
    data: bytes = b""
    """Of a `VALUE`, little-endian."""
    bits: tuple[int, int] | None = None
    """Of a bit-field, or a field of a device's register: the lowest bit, and how many."""

    def read(self, at: Moment) -> bytes:
        """All of its bytes; `ProgramError` if some are not there."""
        match self.where:
            case Where.VALUE:
                return self.data
            case Where.REGISTER:
                value = at.register(self.register)
                return (value & ((1 << 8 * self.size) - 1)).to_bytes(self.size, "little")
            case Where.MEMORY:
                found = at.memory(self.address, self.size)
            case _:
                found = at.physical(self.address, self.size)
        if len(found) < self.size:
            raise ProgramError(f"There is nothing at {self.address + len(found):#x}.")
        return found

    def number(self, at: Moment) -> int:
        """As an integer, with a sign if its type has one."""
        value = int.from_bytes(self.read(at), "little")
        width = 8 * self.size
        if self.bits is not None:
            low, width = self.bits
            value = value >> low & ((1 << width) - 1)
        if self.type is not None and self.type.signed and width and value >> (width - 1):
            value -= 1 << width
        return value
