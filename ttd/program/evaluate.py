"""What an expression of C stands for at a moment."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping
from typing import Protocol

from ttd.program.c_tree import (
    Binary,
    Cast,
    Index,
    Many,
    MemberOf,
    Name,
    Number,
    Physical,
    RegisterName,
    SizeOfType,
    Tree,
    TypeName,
    Unary,
)
from ttd.program.errors import ProgramError
from ttd.program.location import Location, Moment, Where
from ttd.program.types import INTEGERS, Array, Kind, Pointer, Type
from ttd.program.types import Number as NumberType

_MOST_ELEMENTS = 1 << 20
_INTEGRAL: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_POINTING = (Kind.POINTER, Kind.ARRAY, Kind.FUNCTION)


class Names(Protocol):
    """What names stand for where an expression is asked."""

    word: int
    """Bytes of an address."""

    def named(self, name: str, scope: str) -> Location:
        """A variable, a function or an enumerator; `ProgramError` if there is none."""
        ...

    def register(self, name: str) -> Location: ...
    def device(self, words: str) -> Location | None:
        """A register of a device, `UART0.STATE`; None if there is none of that name."""
        ...

    def type(self, words: tuple[str, ...]) -> Type:
        """By its words, without stars."""
        ...


class Evaluator:
    """Expressions at one moment."""

    def __init__(self, names: Names, at: Moment, text: str) -> None:
        self._names, self._at, self._text = names, at, text

    def whole(self, tree: Tree) -> Location:
        """As `locate`; a number by itself is an address."""
        if isinstance(tree, Number):
            self._check_address(tree.value)
            word = NumberType(Kind.UNSIGNED, self._names.word, "unsigned")
            return Location(Where.MEMORY, self._text, word.size, None, address=tree.value)
        return self.locate(tree)

    def locate(self, tree: Tree) -> Location:
        match tree:
            case Number(value, kind):
                return self._literal(value, kind)
            case Name(name, scope):
                return self._names.named(name, scope)
            case RegisterName(name):
                return self._names.register(name)
            case Physical(address):
                self._check_address(address)
                return Location(Where.PHYSICAL, self._text, self._names.word, address=address)
            case Unary("*", operand):
                return self._target(self.locate(operand), 0)
            case Unary("&", operand):
                return self._address_of(self.locate(operand))
            case Unary("sizeof", operand):
                return self._integer(self.locate(operand).size, self._size_type())
            case Unary(sign, operand):
                return self._unary(sign, self.locate(operand))
            case Index(array, index):
                return self._element(self.locate(array), self._number(self.locate(index)))
            case MemberOf(whole, name, arrow):
                return self._member(tree, whole, name, arrow)
            case Cast(kind, operand):
                return self._cast(self._type(kind), self.locate(operand))
            case SizeOfType(kind):
                return self._integer(self._type(kind).size, self._size_type())
            case Many(first, count):
                return self._many(first, self._number(self.locate(count)))
            case Binary(sign, left, right):
                return self._binary(sign, left, right)
        raise ProgramError(f"{tree!r} has no value.")

    # -- places -----------------------------------------------------------------------------------

    def _check_address(self, address: int) -> None:
        if not 0 <= address < 1 << 8 * self._names.word:
            raise ProgramError(f"{address:#x} is no address of this processor.")

    def _memory(self, kind: Type, address: int) -> Location:
        address &= (1 << 8 * self._names.word) - 1
        return Location(Where.MEMORY, self._text, kind.size, kind, address=address)

    def _target(self, location: Location, index: int) -> Location:
        """What a pointer, or an array, points to, and what is so many behind it."""
        kind = location.type
        if kind is None or kind.kind in INTEGERS:
            if index:
                raise ProgramError(f"{self._text} counts on from a number; cast it to a pointer.")
            return self._memory(self._int(), self._number(location))
        if kind.kind not in _POINTING:
            raise ProgramError(f"{kind} is not a pointer.")
        if kind.kind is Kind.FUNCTION:
            return location
        target = kind.target
        if target.kind is Kind.VOID:
            raise ProgramError("A pointer to void points to nothing that has a size; cast it.")
        return self._memory(target, self._number(location) + index * target.size)

    def _element(self, location: Location, index: int) -> Location:
        kind = location.type
        if kind is not None and kind.kind is Kind.ARRAY and location.where is not Where.MEMORY:
            size = kind.target.size
            begin = index * size
            if not 0 <= begin <= location.size - size:
                raise ProgramError(f"There is no element {index} in {kind}.")
            return self._part(location, begin, kind.target, None)
        return self._target(location, index)

    def _part(
        self, whole: Location, offset: int, kind: Type, bits: tuple[int, int] | None
    ) -> Location:
        """A part of what is at a place."""
        size = kind.size if bits is None else (bits[0] + bits[1] + 7) // 8
        if whole.where in (Where.MEMORY, Where.PHYSICAL):
            return Location(
                whole.where, self._text, size, kind, address=whole.address + offset, bits=bits
            )
        data = whole.read(self._at)[offset : offset + size]
        return Location(Where.VALUE, self._text, size, kind, data=data, bits=bits)

    def _member(self, tree: Tree, whole: Tree, name: str, arrow: bool) -> Location:
        words = "" if arrow else _dotted(tree)
        try:
            location = self.locate(whole)
        except ProgramError:
            if words and (found := self._names.device(words)):
                return found
            raise
        if location.where is Where.DEVICE and words and (found := self._names.device(words)):
            return found  # a field of it
        kind = location.type
        if kind is not None and kind.kind is Kind.POINTER:
            location = self._target(location, 0)
            kind = location.type
        elif arrow:
            raise ProgramError(f"{kind or self._text} is not a pointer to a structure.")
        if kind is None or kind.kind not in (Kind.STRUCT, Kind.UNION):
            raise ProgramError(f"{kind or self._text} is no structure: it has no {name}.")
        if name not in kind.members:
            there = ", ".join(kind.members) or "none"
            raise ProgramError(f"{kind} has no member {name}; it has {there}.")
        member = kind.member(name)
        return self._part(location, member.offset, member.type, member.bits)

    def _address_of(self, location: Location) -> Location:
        if location.where is not Where.MEMORY:
            raise ProgramError(f"{self._text} has no address: it is not in memory.")
        if location.bits is not None:
            raise ProgramError("A bit-field has no address.")
        kind = location.type
        target = NumberType(Kind.VOID, 1, "void") if kind is None else kind
        return self._integer(location.address, Pointer(target, self._names.word))

    def _many(self, first: Tree, count: int) -> Location:
        if not 0 < count <= _MOST_ELEMENTS:
            raise ProgramError(f"{count} is no number of bytes or elements.")
        if isinstance(first, Number | Physical):
            location = self.whole(first)
            return Location(location.where, self._text, count, address=location.address)
        location = self.locate(first)
        if location.where not in (Where.MEMORY, Where.PHYSICAL):
            raise ProgramError(f"{self._text}: only of what is in memory there are several.")
        kind = location.type
        if kind is None:
            return Location(location.where, self._text, count, address=location.address)
        whole = Array(kind, count)
        return Location(location.where, self._text, whole.size, whole, address=location.address)

    # -- values -----------------------------------------------------------------------------------

    def _int(self) -> Type:
        return NumberType(Kind.SIGNED, 4, "int")

    def _size_type(self) -> Type:
        return NumberType(Kind.UNSIGNED, self._names.word, "unsigned long")

    def _integer(self, value: int, kind: Type) -> Location:
        data = (value & ((1 << 8 * kind.size) - 1)).to_bytes(kind.size, "little")
        return Location(Where.VALUE, self._text, kind.size, kind, data=data)

    def _float(self, value: float, single: bool = False) -> Location:
        size, name, form = (4, "float", "<f") if single else (8, "double", "<d")
        try:
            data = struct.pack(form, value)
        except OverflowError:
            data = struct.pack(form, math.copysign(math.inf, value))
        return Location(
            Where.VALUE, self._text, size, NumberType(Kind.FLOAT, size, name), data=data
        )

    def _literal(self, value: int, kind: str) -> Location:
        if kind == "c":
            return self._integer(value, NumberType(Kind.CHAR, 1, "char"))
        if value >> 64:
            raise ProgramError(f"{self._text}: a number has at most 64 bits.")
        unsigned = "u" in kind
        size = 4 if "l" not in kind else max(4, self._names.word)
        for each in (size, 8):
            if not unsigned and value < 1 << (8 * each - 1):
                return self._integer(value, _ranked(each, True, self._names.word))
            if (unsigned or "x" in kind or each == 8) and value < 1 << 8 * each:
                return self._integer(value, _ranked(each, False, self._names.word))
        raise ProgramError(f"{self._text}: a number has at most 64 bits.")

    def _number(self, location: Location) -> int:
        """As a whole number; of an array or a function its address."""
        kind = location.type
        if kind is not None and kind.kind in (Kind.ARRAY, Kind.FUNCTION):
            if location.where is not Where.MEMORY:
                raise ProgramError(f"{kind} has no address: it is not in memory.")
            return location.address
        if kind is not None and kind.kind is Kind.FLOAT:
            return int(self._real(location))
        if kind is not None and kind.kind not in INTEGERS and kind.kind is not Kind.POINTER:
            raise ProgramError(f"{kind} is not a number.")
        if location.size > 16:
            raise ProgramError(f"{location.text} has {location.size} bytes: that is no number.")
        return location.number(self._at)

    def _real(self, location: Location) -> float:
        kind = location.type
        if kind is not None and kind.kind is Kind.FLOAT:
            return real(location.read(self._at))
        return float(self._number(location))

    def _unary(self, sign: str, location: Location) -> Location:
        kind = location.type
        if sign == "!":
            return self._integer(int(not self._truth(location)), self._int())
        if kind is not None and kind.kind is Kind.FLOAT and sign in ("-", "+"):
            value = self._real(location)
            return self._float(-value if sign == "-" else value, location.size == 4)
        number = self._number(location)
        result = _common(location, location, self._names.word)
        return self._integer({"-": -number, "+": number, "~": ~number}[sign], result)

    def _truth(self, location: Location) -> bool:
        kind = location.type
        if kind is not None and kind.kind is Kind.FLOAT:
            return self._real(location) != 0
        return self._number(location) != 0

    def _binary(self, sign: str, first: Tree, second: Tree) -> Location:
        left = self.locate(first)
        if sign in ("&&", "||"):
            value = self._truth(left)
            if value is (sign == "&&"):
                value = self._truth(self.locate(second))
            return self._integer(int(value), self._int())
        right = self.locate(second)
        if _is(left, Kind.FLOAT) or _is(right, Kind.FLOAT):
            single = not any(_is(each, Kind.FLOAT) and each.size != 4 for each in (left, right))
            return self._floating(sign, self._real(left), self._real(right), single)
        a, b = self._number(left), self._number(right)
        if sign in _COMPARED:
            if left.type is not None and right.type is not None:
                common = _common(left, right, self._names.word)
                if not common.signed:
                    mask = (1 << 8 * common.size) - 1
                    a, b = a & mask, b & mask
            return self._integer(int(_COMPARED[sign](a, b)), self._int())
        if sign in ("+", "-") and (_points(left) or _points(right)):
            return self._pointing(sign, left, right, a, b)
        result = _common(left, left if sign in ("<<", ">>") else right, self._names.word)
        return self._integer(self._whole(sign, a, b, result), result)

    def _whole(self, sign: str, a: int, b: int, result: Type) -> int:
        if sign in _INTEGRAL:
            return _INTEGRAL[sign](a, b)
        if sign in ("<<", ">>"):
            if not 0 <= b < 8 * result.size:
                raise ProgramError(f"{self._text} shifts by {b} bits.")
            return a << b if sign == "<<" else a >> b
        if not result.signed:
            mask = (1 << 8 * result.size) - 1
            a, b = a & mask, b & mask
        if b == 0:
            raise ProgramError(f"{self._text} divides by zero.")
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if sign == "/" else a - quotient * b

    def _floating(self, sign: str, a: float, b: float, single: bool) -> Location:
        """`single`: in `float` instead of `double`."""
        if sign in _COMPARED:
            return self._integer(int(_COMPARED[sign](a, b)), self._int())
        if sign == "/":
            quotient = math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
            return self._float(a / b if b else quotient, single)
        if sign not in ("+", "-", "*"):
            raise ProgramError(f"{self._text}: {sign} takes whole numbers.")
        return self._float({"+": a + b, "-": a - b, "*": a * b}[sign], single)

    def _pointing(self, sign: str, left: Location, right: Location, a: int, b: int) -> Location:
        if _points(left) and _points(right):
            if sign == "+":
                raise ProgramError(f"{self._text} adds two pointers.")
            size = max(1, _step(left))
            word = _ranked(self._names.word, True, self._names.word)
            return self._integer((a - b) // size, word)
        pointer, base, count = (left, a, b) if _points(left) else (right, b, a)
        if pointer is right and sign == "-":
            raise ProgramError(f"{self._text} takes a pointer from a number.")
        kind = pointer.type
        assert kind is not None
        moved = base + _step(pointer) * (count if sign == "+" else -count)
        result = kind if kind.kind is Kind.POINTER else Pointer(kind.target, self._names.word)
        return self._integer(moved, result)

    # -- types ------------------------------------------------------------------------------------

    def _type(self, name: TypeName) -> Type:
        kind = self._names.type(name.words)
        for _ in range(name.stars):
            kind = Pointer(kind, self._names.word)
        for length in reversed(name.lengths):
            kind = Array(kind, length)
        return kind

    def _cast(self, kind: Type, location: Location) -> Location:
        if kind.kind is Kind.FLOAT:
            value = self._real(location)
            try:
                data = struct.pack({4: "<f", 8: "<d"}[kind.size], value)
            except (KeyError, OverflowError):
                raise ProgramError(f"{self._text} does not fit into {kind}.") from None
            return Location(Where.VALUE, self._text, kind.size, kind, data=data)
        if kind.kind is Kind.BOOL:
            return self._integer(int(self._truth(location)), kind)
        if kind.kind in INTEGERS or kind.kind is Kind.POINTER:
            return self._integer(self._number(location), kind)
        if location.where in (Where.MEMORY, Where.PHYSICAL) and kind.kind is not Kind.VOID:
            # Seen as something else, where it is.
            return Location(location.where, self._text, kind.size, kind, address=location.address)
        raise ProgramError(f"{self._text}: a value cannot become {kind}.")


def real(data: bytes) -> float:
    """A floating-point number of IEEE 754, in 4 or 8 bytes."""
    form = {4: "<f", 8: "<d"}.get(len(data))
    if form is None:
        raise ProgramError(f"A floating-point number of {len(data)} bytes is not known here.")
    return float(struct.unpack(form, data)[0])


def _ranked(size: int, signed: bool, word: int) -> Type:
    """The integer type of that size that C comes to by itself."""
    name = "int" if size == 4 else "long" if word == 8 else "long long"
    kind = Kind.SIGNED if signed else Kind.UNSIGNED
    return NumberType(kind, size, name if signed else f"unsigned {name}")


def _common(left: Location, right: Location, word: int) -> Type:
    """The usual arithmetic conversions (C11 6.3.1.8)."""
    size = max(4, left.size, right.size)
    size = 8 if size > 4 else 4
    unsigned = any(
        max(4, each.size) == size
        and each.type is not None
        and not _fits_int(each)
        and not each.type.signed
        for each in (left, right)
    )
    return _ranked(size, not unsigned, word)


def _fits_int(location: Location) -> bool:
    """It is promoted to `int` (C11 6.3.1.1)."""
    return location.size < 4 or (location.bits is not None and location.bits[1] < 32)


def _is(location: Location, kind: Kind) -> bool:
    return location.type is not None and location.type.kind is kind


def _points(location: Location) -> bool:
    return location.type is not None and location.type.kind in (Kind.POINTER, Kind.ARRAY)


def _step(location: Location) -> int:
    """How far the next element is."""
    assert location.type is not None
    target = location.type.target
    return 1 if target.kind in (Kind.VOID, Kind.FUNCTION) else target.size


def _dotted(tree: Tree) -> str:
    """`UART0.STATE` as it was written; empty if there is something else in it."""
    match tree:
        case Name(name, ""):
            return name
        case MemberOf(whole, name, False):
            before = _dotted(whole)
            return f"{before}.{name}" if before else ""
    return ""
