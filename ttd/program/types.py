"""Types of C, as far as values are to be found and shown by them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cached_property
from typing import NamedTuple


class Kind(Enum):
    """What a value is."""

    VOID = "void"
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    CHAR = "char"
    """An integer of one byte that stands for a character."""
    BOOL = "bool"
    FLOAT = "float"
    ENUM = "enum"
    POINTER = "pointer"
    STRUCT = "struct"
    UNION = "union"
    ARRAY = "array"
    FUNCTION = "function"
    OTHER = "other"


INTEGERS = frozenset((Kind.SIGNED, Kind.UNSIGNED, Kind.CHAR, Kind.BOOL, Kind.ENUM))
"""Those that count as numbers in expressions."""


class Member(NamedTuple):
    """Of a structure or a union."""

    name: str
    """Empty: an anonymous structure or union, whose members are those of the outer one, too."""
    offset: int
    """In bytes."""
    type: Type
    bits: tuple[int, int] | None = None
    """Of a bit-field: its lowest bit, from that of the byte at `offset`, and its width."""


class Type:
    """A type, without its typedefs and qualifiers, which are names of it only.

    What it has not is a `LookupError`.
    """

    kind = Kind.OTHER
    alias = ""
    """The typedef by which it was called."""
    qualifiers: tuple[str, ...] = ()
    """`const`, `volatile`, `restrict` of it, or of the typedef."""
    tag = ""
    """The name of what has one: `int`, `struct point`."""

    @property
    def size(self) -> int:
        """In bytes."""
        raise LookupError(f"{self} has no size")

    @property
    def target(self) -> Type:
        """What it points to, is an array of, or returns."""
        raise LookupError(f"{self} points to nothing")

    @property
    def length(self) -> int | None:
        """Elements of an array; None if nobody has said how many."""
        raise LookupError(f"{self} is no array")

    @property
    def parts(self) -> tuple[Member, ...]:
        """Members of a structure or a union, as they were declared."""
        return ()

    @property
    def names(self) -> Mapping[int, str]:
        """Of an enumeration: the first name of each value."""
        return {}

    @property
    def all_names(self) -> tuple[tuple[int, str], ...]:
        """Of an enumeration: each value and name."""
        return tuple(self.names.items())

    @property
    def parameters(self) -> tuple[Type, ...] | None:
        """Of a function; None if nobody has said what it takes."""
        return None

    @property
    def signed(self) -> bool:
        """Of an integer."""
        return self.kind is Kind.SIGNED

    @property
    def is_complete(self) -> bool:
        """Not just declared, nor is what it points to or is an array of."""
        return True

    @property
    def is_pointer(self) -> bool:
        return self.kind is Kind.POINTER

    @cached_property
    def count(self) -> int:
        """Elements of an array; of one of arrays all of them."""
        inner = self.target
        return (self.length or 0) * (inner.count if inner.kind is Kind.ARRAY else 1)

    @cached_property
    def element(self) -> Type:
        """What it points to, or is an array of; of one of arrays what these are arrays of."""
        inner = self.target
        return inner.element if self.kind is inner.kind is Kind.ARRAY else inner

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """By name, those of anonymous members among them, from the start of this one."""
        found: dict[str, Member] = {}
        for part in self.parts:
            if part.name:
                found[part.name] = part
                continue
            for inner in part.type.members.values():
                at = part.offset + inner.offset
                found[inner.name] = Member(inner.name, at, inner.type, inner.bits)
        return found

    def member(self, name: str) -> Member:
        return self.members[name]

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def __str__(self) -> str:
        return spelled(self)


class Number(Type):
    """A number, or `void`."""

    def __init__(self, kind: Kind, size: int, tag: str) -> None:
        self.kind, self.tag, self._size = kind, tag, size

    @property
    def size(self) -> int:
        return self._size


class Pointer(Type):
    kind = Kind.POINTER

    def __init__(self, target: Type, size: int) -> None:
        self._target, self._size = target, size

    @property
    def size(self) -> int:
        return self._size

    @property
    def target(self) -> Type:
        return self._target


class Array(Type):
    kind = Kind.ARRAY

    def __init__(self, target: Type, length: int) -> None:
        self._target, self._length = target, length

    @property
    def size(self) -> int:
        return self._length * self._target.size

    @property
    def target(self) -> Type:
        return self._target

    @property
    def length(self) -> int:
        return self._length


VOID = Number(Kind.VOID, 1, "void")


def spelled(kind: Type, inner: str = "") -> str:
    """As C writes a type; `inner`: the declarator inside, as in `char *[4]`."""
    if not kind.alias:
        if kind.kind is Kind.POINTER:
            star = " ".join(("*", *kind.qualifiers))
            between = " " if kind.qualifiers and inner else ""
            inner = star + between + inner
            outer = kind.target
            if outer.kind in (Kind.ARRAY, Kind.FUNCTION) and not outer.alias:
                inner = f"({inner})"
            return spelled(outer, inner)
        if kind.kind is Kind.ARRAY:
            length = kind.length
            return spelled(kind.target, f"{inner}[{'' if length is None else length}]")
        if kind.kind is Kind.FUNCTION:
            taken = kind.parameters
            words = "" if taken is None else ", ".join(map(spelled, taken)) or "void"
            return spelled(kind.target, f"{inner}({words})")
    base = " ".join((*kind.qualifiers, kind.alias or kind.tag))
    return f"{base} {inner}" if inner else base
