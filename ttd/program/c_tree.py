"""Expressions of C as trees; `c_text.parse` makes them."""

from __future__ import annotations

from typing import TypeAlias

from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """`kind`: the suffix, with `x` before it if it was written in hexadecimal."""

    value: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, a function or an enumerator; `scope`: the file or function it is static in."""

    name: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class RegisterName:
    name: str


@dataclass(frozen=True, slots=True)
class TypeName:
    """`struct point *[4]` has the words `struct`, `point`, one star and the length 4."""

    words: tuple[str, ...]
    stars: int = 0
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Unary:
    """`*`, `&`, `-`, `+`, `~`, `!` or `sizeof`."""

    sign: str
    operand: Tree


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Index:
    array: Tree
    index: Tree


@dataclass(frozen=True, slots=True)
class MemberOf:
    """`arrow`: of what `whole` points to."""

    whole: Tree
    name: str
    arrow: bool


@dataclass(frozen=True, slots=True)
class Cast:
    type: TypeName
    operand: Tree


@dataclass(frozen=True, slots=True)
class SizeOfType:
    type: TypeName


@dataclass(frozen=True, slots=True)
class Many:
    """`a@n`: so many of `a` in a row; of a plain address so many bytes."""

    first: Tree
    count: Tree


@dataclass(frozen=True, slots=True)
class Physical:
    """`phys:0x...`, a physical address."""

    address: int


Tree: TypeAlias = (
    "Number | Name | RegisterName | Unary | Binary | Index | MemberOf | Cast | SizeOfType | Many"
    " | Physical"
)
