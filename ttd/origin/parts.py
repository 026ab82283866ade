"""Where a value can be: in some bytes of a register, or in memory."""

from __future__ import annotations

from typing import TypeAlias

from ttd.origin.rows import Kind
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Register:
    """`size` bytes of a register, from byte `low` on."""

    name: str
    low: int
    size: int


@dataclass(frozen=True, slots=True)
class Memory:
    """`size` bytes, at an address that the guest uses."""

    address: int
    size: int


Part: TypeAlias = Register | Memory


@dataclass(frozen=True, slots=True)
class End:
    """Where a value begins, behind a hop."""

    kind: Kind
    text: str
    step: int | None = None
    """None: that of the hop."""
    value: int | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """What made a value, and where what it is made of was at which step."""

    step: int
    kind: Kind
    text: str
    value: int | None = None
    pc: int | None = None
    sources: tuple[tuple[Part, int], ...] = ()
    ends: tuple[End, ...] = ()
    """What else it is made of, that goes no further."""
    event: int | None = None
