"""Conditions that are expressions of C: `queue.head - queue.tail > 100`, `p->next == 0`.

What types and names mean is settled once; the tree that comes out is one like any other
(`ttd.conditions`), so it can be worked out anywhere. What has no fixed place, a local variable for
one, is not in it.
"""

from __future__ import annotations

import re

from ttd.conditions import (
    COMPARISONS,
    Binary,
    Cast,
    ConditionError,
    Constant,
    Expression,
    Memory,
    RegisterValue,
    Unary,
    resolve,
)
from ttd.debugger.condition_text import SPECIAL, parse
from ttd.debugger.names import MachineNames
from ttd.program import c_tree as c
from ttd.program.errors import ProgramError
from ttd.program.location import Moment, Where
from ttd.program.program import Program
from ttd.program.types import INTEGERS, Array, Kind, Number, Pointer, Type
from ttd.text import shown
from ttd.values import dataclass

_WORDS = {"and": "&&", "or": "||", "not": "!"}
_SIGNS = {"&&": "and", "||": "or"}
_SIZES = (1, 2, 4, 8)
_INT = Number(Kind.SIGNED, 4, "int")


def condition(text: str, names: MachineNames, program: Program, at: Moment) -> Expression:
    """The tree of a text, resolved: as `condition_text` reads it, or, where that does not
    understand it, as C. `ConditionError` if neither does; `at` is where it is asked."""
    first: ConditionError
    readable = False
    try:
        tree = parse(text)
        readable = True
        return resolve(tree, names)
    except ConditionError as error:
        first = error
    if not program.files:
        raise first
    try:
        return _Reader(program, names, at).value(program.tree(_in_c(text))).tree
    except (ProgramError, ConditionError) as error:
        if readable and not _is_c(text):
            raise first from None
        why = str(error).rstrip(".")
        raise ConditionError(f"the condition {shown(text)} cannot be read: {why}") from None


def _in_c(text: str) -> str:
    return re.sub(r"\b(and|or|not)\b", lambda found: _WORDS[found[0]], text)


def _is_c(text: str) -> bool:
    """It has something that only C has."""
    return bool(re.search(r"->|[A-Za-z_]\.|(?<![\w.])\*|\b(?![ui]\d+\[)\w+\[", text))


@dataclass(frozen=True, slots=True)
class _Value:
    """A number; `type` None: nobody says which."""

    tree: Expression
    type: Type | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something is."""

    address: Expression
    type: Type | None
    size: int
    bits: tuple[int, int] | None = None


class _Reader:
    """Turns trees of C into those of conditions."""

    def __init__(self, program: Program, names: MachineNames, at: Moment) -> None:
        self._program, self._names, self._at = program, names, at
        self._word = program.registers.word

    # -- values -----------------------------------------------------------------------------------

    def value(self, tree: c.Tree) -> _Value:
        match tree:
            case c.Number(value):
                return _Value(Constant(value), _INT if value < 1 << 31 else None)
            case c.RegisterName(name):
                return self._register(name)
            case c.Unary("&", operand):
                place = self._place(operand)
                target = place.type or Number(Kind.VOID, 1, "void")
                return _Value(place.address, Pointer(target, self._word))
            case c.Unary("sizeof", operand):
                return _Value(Constant(self._place(operand).size), None)
            case c.SizeOfType(kind):
                return _Value(Constant(self._type(kind).size), None)
            case c.Unary("!", operand):
                return _Value(Unary("not", self.value(operand).tree), _INT)
            case c.Unary("-" | "~" as sign, operand):
                inner = self.value(operand)
                return self._wrapped(Unary(sign, inner.tree), _promoted(inner.type))
            case c.Unary("+", operand):
                return self.value(operand)
            case c.Cast(name, operand):
                return self._cast(self._type(name), operand)
            case c.Binary(sign, left, right):
                return self._binary(sign, self.value(left), self.value(right))
            case c.Name(name, ""):
                return self._named(name)
        return self._read(self._place(tree))

    def _register(self, name: str) -> _Value:
        known = self._names.register(name)
        if known is None:
            raise ConditionError(f"the processor has no register {shown(name)}")
        return _Value(RegisterValue(known), None)

    def _named(self, name: str) -> _Value:
        if name in SPECIAL:
            return _Value(SPECIAL[name], None)
        constant = self._program.enumerator(name)
        if constant is not None and name not in self._program.symbols.by_name:
            return _Value(Constant(constant.number(self._at)), _INT)
        if self._names.register(name) is not None and name not in self._program.symbols.by_name:
            return self._register(name)
        return self._read(self._place(c.Name(name)))

    def _read(self, place: _Place) -> _Value:
        kind = place.type
        if kind is not None and kind.kind in (Kind.ARRAY, Kind.FUNCTION):
            target = kind.target if kind.kind is Kind.ARRAY else kind
            return _Value(place.address, Pointer(target, self._word))
        if kind is not None and kind.kind not in INTEGERS and kind.kind is not Kind.POINTER:
            raise ConditionError(f"{kind} is no whole number")
        if place.size not in _SIZES:
            raise ConditionError(f"{place.size} bytes are no number")
        signed = kind is not None and kind.signed
        if place.bits is None:
            return _Value(Memory(place.size, signed, place.address), kind)
        low, width = place.bits
        mask, top = (1 << width) - 1, 1 << width - 1
        found = Memory(place.size, False, place.address) >> low & mask
        return _Value((found ^ top) - top if signed else found, kind)

    def _cast(self, kind: Type, operand: c.Tree) -> _Value:
        inner = self.value(operand)
        if kind.kind is Kind.BOOL:
            return _Value(inner.tree != 0, kind)
        if kind.kind not in INTEGERS and kind.kind is not Kind.POINTER:
            raise ConditionError(f"a value cannot become {kind}")
        return _Value(Cast(kind.size, kind.signed, inner.tree), kind)

    def _binary(self, sign: str, left: _Value, right: _Value) -> _Value:
        if sign in _SIGNS:
            return _Value(Binary(_SIGNS[sign], left.tree, right.tree), _INT)
        if sign in ("+", "-"):
            one, other = _is_pointer(left.type), _is_pointer(right.type)
            if one and other and left.type is not None:
                size = left.type.target.size
                return _Value(Binary("/", left.tree - right.tree, Constant(size)), None)
            if one or (other and sign == "+"):
                pointer, count = (left, right) if one else (right, left)
                assert pointer.type is not None
                moved = count.tree * pointer.type.target.size
                return self._wrapped(Binary(sign, pointer.tree, moved), pointer.type)
        common = _common(left.type, right.type)
        if sign in COMPARISONS:
            return _Value(Binary(sign, _as(left, common), _as(right, common)), _INT)
        if sign in ("<<", ">>"):
            common = _promoted(left.type)
        return self._wrapped(Binary(sign, _as(left, common), right.tree), common)

    @staticmethod
    def _wrapped(tree: Expression, kind: Type | None) -> _Value:
        """As much of it as its type has room for."""
        return _Value(tree if kind is None else Cast(kind.size, kind.signed, tree), kind)

    # -- places -----------------------------------------------------------------------------------

    def _place(self, tree: c.Tree) -> _Place:
        match tree:
            case c.Name(name, scope):
                return self._variable(name, scope)
            case c.Number(value):
                return _Place(Constant(value), None, self._word)
            case c.Unary("*", operand):
                return self._pointed(self.value(operand), Constant(0))
            case c.Index(array, index):
                return self._pointed(self.value(array), self.value(index).tree)
            case c.MemberOf(whole, name, arrow):
                return self._member(tree, whole, name, arrow)
            case c.Cast(kind, operand):
                place, wanted = self._place(operand), self._type(kind)
                return _Place(place.address, wanted, wanted.size)
        raise ConditionError("a part of it is in no fixed place")

    def _variable(self, name: str, scope: str) -> _Place:
        text = f"{shown(scope)}::{name}" if scope else name
        found = self._program.locate(text, self._at)
        kind = found.type
        static = kind is not None and kind.kind is Kind.FUNCTION
        if found.where is not Where.MEMORY or not (
            static or self._program.symbols.variable(found.address)
        ):
            raise ConditionError(f"{name} is local, so it is not always in the same place")
        return _Place(Constant(found.address), kind, found.size)

    def _pointed(self, pointer: _Value, index: Expression) -> _Place:
        kind = pointer.type
        if not _is_pointer(kind):
            return _Place(pointer.tree, None, self._word)
        assert kind is not None
        target = kind.target
        if target.kind is Kind.VOID:
            raise ConditionError("a pointer to void points to nothing that has a size; cast it")
        address = pointer.tree + index * target.size
        return _Place(Cast(self._word, False, address), target, target.size)

    def _member(self, tree: c.Tree, whole: c.Tree, name: str, arrow: bool) -> _Place:
        device = None if arrow else self._program.devices(_dotted(tree))
        if device is not None:
            return _Place(Constant(device.address), None, device.size, device.bits)
        if arrow:
            outer = self._pointed(self.value(whole), Constant(0))
        else:
            outer = self._place(whole)
            if outer.type is not None and outer.type.kind is Kind.POINTER:
                outer = self._pointed(self._read(outer), Constant(0))
        kind = outer.type
        if kind is None or kind.kind not in (Kind.STRUCT, Kind.UNION):
            raise ConditionError(f"{kind or 'this'} is no structure: it has no {name}")
        if name not in kind.members:
            raise ConditionError(f"{kind} has no member {name}")
        member = kind.member(name)
        size = member.type.size
        return _Place(outer.address + member.offset, member.type, size, member.bits)

    def _type(self, name: c.TypeName) -> Type:
        kind = self._program.type_of(name.words)
        for _ in range(name.stars):
            kind = Pointer(kind, self._word)
        for length in reversed(name.lengths):
            kind = Array(kind, length)
        return kind


def _dotted(tree: c.Tree) -> str:
    """`UART0.STATE`, if it is as simple as that; else nothing."""
    match tree:
        case c.Name(name, ""):
            return name
        case c.MemberOf(whole, name, False):
            before = _dotted(whole)
            return f"{before}.{name}" if before else ""
    return ""


def _is_pointer(kind: Type | None) -> bool:
    return kind is not None and kind.kind is Kind.POINTER


def _promoted(kind: Type | None) -> Type | None:
    """What arithmetic makes of it (C11 6.3.1.1)."""
    return _INT if kind is not None and kind.size < _INT.size else kind


def _common(left: Type | None, right: Type | None) -> Type | None:
    """The type in which both are worked out (6.3.1.8); None: a number without one takes part, which
    is as large as it has to be."""
    left, right = _promoted(left), _promoted(right)
    if left is None or right is None:
        return None
    if left.size != right.size:
        return left if left.size > right.size else right
    return right if left.signed else left


def _as(value: _Value, kind: Type | None) -> Expression:
    same = value.type is not None and kind is not None and value.type.signed == kind.signed
    return value.tree if kind is None or same else Cast(kind.size, kind.signed, value.tree)
