"""Of which bits results of x86-64's integer instructions are made: Intel's manual, volume 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from capstone import x86 as cs  # type: ignore[import-untyped]

from ttd.origin.bits import (
    MEMORY,
    Made,
    Needs,
    Operand,
    Value,
    below,
    chain,
    conjunction,
    constant,
    disjunction,
    every,
    extended,
    inserted,
    only,
    same,
    shifted,
    swapped,
    these,
    together,
)
from ttd.values import dataclass

FLAGS = "eflags"
_CARRY, _ALL_FLAGS = (FLAGS, these(1)), these(0x8D5)
_HIGH = ("ah", "bh", "ch", "dh")
_SUMS = ("add", "sub", "inc", "dec", "neg", "imul", "xadd")
_WITH_CARRY = ("adc", "sbb")
_SETS_ALL = (*_WITH_CARRY, "add", "sub", "cmp", "and", "or", "xor", "test", "neg", "imul", "xadd")
_MOVES = ("mov", "movabs", "movzx", "movsx", "movsxd", "movnti")
_SHIFTS = {"shl": "left", "sal": "left", "shr": "right", "sar": "sign", "ror": "rotated"}
_SHIFTS |= {"rol": "rotated"}
_WIDENED = {"cbw": (8, 2), "cwde": (16, 4), "cdqe": (32, 8)}
"""Bits of RAX that are extended, and to how many bytes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operand is: a register or `MEMORY`, from which bit on, and how wide it is."""

    name: str
    at: int
    bits: int

    @property
    def kept(self) -> int:
        """Bits of the register that stay when it is written: 32 bits put zeros above them."""
        if self.name == MEMORY or self.bits >= 32:
            return 0
        return ~(((1 << self.bits) - 1) << self.at)

    def operand(self) -> Operand:
        number: Callable[[Value], int] | None = None
        if self.name != MEMORY:
            number = self._number
        return Operand(self.name, number, lambda mask, value: mask << self.at)

    def _number(self, value: Value) -> int:
        return value(self.name) >> self.at & (1 << self.bits) - 1

    def word(self) -> Needs:
        """Of a result that goes there, as it is computed."""
        return inserted(self.at, self.bits)


def place(op: cs.X86Op, name: str, plain: str) -> Place | None:
    """`name`: of the whole register, and `plain` as it is written; None: it is a number."""
    if op.type == cs.X86_OP_IMM:
        return None
    if op.type == cs.X86_OP_MEM:
        return Place(MEMORY, 0, 8 * op.size)
    return Place(name, 8 if plain in _HIGH else 0, 8 * op.size)


def made(
    name: str, code: int, places: list[Place | None], numbers: list[int], bases: tuple[str, ...]
) -> dict[str, Made]:
    """Of the results of an instruction by its operands; of those that it does not tell of, all bits
    may depend on all. `code`: the low four bits of its opcode, a condition; `bases`: of an
    address that is worked out."""
    if name in _WIDENED:
        bits, size = _WIDENED[name]
        into = Place("rax", 0, 8 * size)
        source = Place("rax", 0, bits).operand()
        return _into(into, together((source,), into.word(), extended(bits, signed=True)))
    if not places or places[0] is None:
        return {}
    into = places[0]
    given = list(_operands(places, numbers))
    if name == "lea":
        registers = [Place(one, 0, 64).operand() for one in bases]
        return _into(into, together(registers, into.word(), below))
    if name == "xchg":
        other = places[1]
        if other is None:
            return {}
        if into.name == other.name:
            return {into.name: ((into.name, same if into == other else _halves),)}
        swapped_ = _into(into, together((other.operand(),), into.word()))
        return swapped_ | _into(other, together((into.operand(),), other.word()))
    if name == "imul" and len(places) == 1:
        return {}
    result = _result(name, code, into, places, given)
    found = {} if result is None else _into(into, result)
    second = places[-1]
    if name == "xadd" and second is not None and second.name != into.name:
        found |= _into(second, together(given[:1], second.word()))
    return found


def flags(name: str, given: list[Operand]) -> Made:
    """Some may stay as they were."""
    kept = () if name in _SETS_ALL else ((FLAGS, same),)
    carry = (_CARRY,) if name in _WITH_CARRY else ()
    return (*together(given, every), *carry, *kept)


def _operands(places: list[Place | None], numbers: list[int]) -> Iterator[Operand]:
    left_over = iter(numbers)
    for where in places:
        yield constant(next(left_over)) if where is None else where.operand()


def _into(into: Place, result: Made) -> dict[str, Made]:
    """With what stays of the register."""
    kept = ((into.name, only(into.kept)),) if into.kept else ()
    return {into.name: (*result, *kept)}


def _result(
    name: str, code: int, into: Place, places: list[Place | None], given: list[Operand]
) -> Made | None:
    word, first = into.word(), given[0]
    if name in _MOVES:
        source = places[1]
        signed = name.startswith("movsx")
        needs = same if source is None else extended(source.bits, signed=signed)
        return together(given[1:], word, needs)
    if name in _SUMS:
        return together(given if len(given) < 3 else given[1:], word, below)
    if name in _WITH_CARRY:
        return (*together(given, word, below), _CARRY)
    if name.startswith("set"):
        return ((FLAGS, chain(word, _ALL_FLAGS)),)
    if name in ("xor", "not"):
        return together(given, word)
    match name, given:
        case "and", [one, other]:
            return conjunction(one, other, word)
        case "or", [one, other]:
            return disjunction(one, other, word)
        case "bswap", _:
            return together((first,), word, swapped(into.bits))
        case "rcl" | "rcr", _:
            return (*together(given, word, every), _CARRY)
        case _, [one, amount] if name in _SHIFTS:
            return _shift(name, one, amount, into, word)
        case _, [one, other] if name.startswith("cmov"):
            return _chosen(code, one, other, word)
    return None


def _shift(name: str, one: Operand, amount: Operand, into: Place, word: Needs) -> Made | None:
    number = amount.number
    if number is None:
        return None
    most = 63 if into.bits == 64 else 31

    def by(value: Value) -> int:
        count = number(value) & most
        return -count % into.bits if name == "rol" else count

    return shifted(one, _SHIFTS[name], Operand(amount.name, by), into.bits, word)


def _chosen(code: int, one: Operand, other: Operand, word: Needs) -> Made:
    """The second one, if the condition of CMOVcc holds."""

    def if_so(mask: int, value: Value) -> int:
        return mask if holds(code, value(FLAGS)) else 0

    def if_not(mask: int, value: Value) -> int:
        return 0 if holds(code, value(FLAGS)) else mask

    return (*one.made(word, if_not), *other.made(word, if_so))


def holds(code: int, word: int) -> bool:
    """A condition by its four bits (volume 1, appendix B.1)."""
    carry, parity, zero, sign, overflow = (bool(word >> at & 1) for at in (0, 2, 6, 7, 11))
    less = sign != overflow
    so = (overflow, carry, zero, carry or zero, sign, parity, less, zero or less)[code >> 1]
    return so != bool(code & 1)


def _halves(mask: int, value: Value) -> int:
    """The lowest two bytes change places."""
    return mask & ~0xFFFF | mask >> 8 & 0xFF | (mask & 0xFF) << 8
