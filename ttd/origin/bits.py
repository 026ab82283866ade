"""Which bits of its operands the bits of a result depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

from ttd.values import dataclass

Value = Callable[[str], int]
"""The value of a register, by GDB's name, before the instruction runs."""
Needs = Callable[[int, Value], int]
"""Of some bits of a result, as a mask, those of an operand."""
Made = tuple[tuple[str, Needs], ...]
"""All operands of a result: registers, and what is in memory, which is called `MEMORY`."""
MEMORY = ""


def same(mask: int, value: Value) -> int:
    """As they are: a move, `xor`."""
    return mask


def below(mask: int, value: Value) -> int:
    """Those, and all below them: sums, differences and products."""
    return (1 << mask.bit_length()) - 1


def these(bits: int) -> Needs:
    """Each of them depends on all of these."""
    return lambda mask, value: bits if mask else 0


every = these((1 << 64) - 1)
"""Each of them depends on all."""


def chain(*needs: Needs) -> Needs:
    """Of what is done in turns to one operand; what is done last comes first."""
    return lambda mask, value: reduce(lambda bits, one: one(bits, value), needs, mask)


def only(bits: int) -> Needs:
    """The others are constants: `and` with a constant has those of it, `or` all but those."""
    return lambda mask, value: mask & bits


def extended(width: int, *, signed: bool, at: int = 0) -> Needs:
    """A field of `width` bits from bit `at` on; above it are zeros, or its sign."""
    field, sign = (1 << width) - 1, 1 << width - 1

    def needs(mask: int, value: Value) -> int:
        above = sign if signed and mask >> width else 0
        return (mask & field | above) << at

    return needs


def inserted(at: int, width: int) -> Needs:
    """A field of the result is the operand's lowest bits."""
    return lambda mask, value: mask >> at & (1 << width) - 1


def left(by: int) -> Needs:
    return lambda mask, value: mask >> by


def right(by: int, width: int, *, signed: bool) -> Needs:
    return extended(width - by, signed=signed, at=by) if by < width else _sign(width, signed)


def _sign(width: int, signed: bool) -> Needs:
    return lambda mask, value: (1 << width - 1) if signed and mask else 0


def rotated(by: int, width: int) -> Needs:
    """To the right."""
    every_one = (1 << width) - 1
    return lambda mask, value: (mask << by | mask >> width - by) & every_one


def swapped(group: int, unit: int = 8) -> Needs:
    """The order of units of bits is turned round in each group of so many bits."""

    def needs(mask: int, value: Value) -> int:
        found = 0
        for at in range(0, 64, unit):
            to = at - at % group + group - unit - at % group
            found |= (mask >> at & (1 << unit) - 1) << to
        return found

    return needs


@dataclass(frozen=True, slots=True)
class Operand:
    """What an instruction computes with."""

    name: str | None
    """A register, or `MEMORY`; None: a constant."""
    number: Callable[[Value], int] | None = None
    """Its value; None: it is not looked at."""
    needs: Needs = same
    """Of the operand's bits those of the register: it may be shifted, or a part of it."""

    def made(self, *needs: Needs) -> Iterator[tuple[str, Needs]]:
        """As a part of a result that needs such bits of it."""
        if self.name is not None:
            yield self.name, chain(*needs, self.needs)


def register(name: str) -> Operand:
    """All of it."""
    return Operand(name, lambda value: value(name))


def constant(number: int) -> Operand:
    return Operand(None, lambda value: number)


def together(operands: Sequence[Operand], *needs: Needs) -> Made:
    """A result that needs such bits of each."""
    return tuple(made for one in operands for made in one.made(*needs))


def conjunction(one: Operand, other: Operand, *needs: Needs, inverted: bool = False) -> Made:
    """`one & other`, or `one & ~other`: where one of them is 0 the other one does not matter."""
    first, second = _numbers(one, other, inverted)
    if first is None or second is None:
        return together((one, other), *needs)

    def of_one(mask: int, value: Value) -> int:
        return mask & second(value)

    def of_other(mask: int, value: Value) -> int:
        return mask & (first(value) | ~second(value))

    return (*one.made(*needs, of_one), *other.made(*needs, of_other))


def disjunction(one: Operand, other: Operand, *needs: Needs, inverted: bool = False) -> Made:
    """`one | other`, or `one | ~other`: where one of them is 1 the other one does not matter."""
    first, second = _numbers(one, other, inverted)
    if first is None or second is None:
        return together((one, other), *needs)

    def of_one(mask: int, value: Value) -> int:
        return mask & ~second(value)

    def of_other(mask: int, value: Value) -> int:
        return mask & (~first(value) | second(value))

    return (*one.made(*needs, of_one), *other.made(*needs, of_other))


_Number = Callable[[Value], int] | None


def _numbers(one: Operand, other: Operand, inverted: bool) -> tuple[_Number, _Number]:
    """Their values, the second one inverted maybe."""
    number = other.number
    if not inverted or number is None:
        return one.number, number
    return one.number, lambda value: ~number(value)


def shifted(one: Operand, kind: str, amount: Operand, width: int, *needs: Needs) -> Made:
    """`one`, shifted `left`, `right`, right with its `sign`, or `rotated` to the right."""
    number = amount.number
    if number is None:
        return together((one, amount), *needs, every)

    def by(mask: int, value: Value) -> int:
        count = number(value) & 0xFF
        match kind:
            case "left":
                return mask >> count
            case "rotated":
                return rotated(count % width, width)(mask, value)
            case _:
                return right(count, width, signed=kind == "sign")(mask, value)

    low = (1 << width) - 1
    return (*one.made(*needs, only(low), by), *amount.made(*needs, every, only(0xFF)))
