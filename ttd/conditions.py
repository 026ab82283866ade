"""Conditions of stops, as data: a small tree of expressions, which `evaluate` works out.

A tree is made by operators or by `ttd.debugger.condition_text.parse` from text:

>>> (reg("r0") > 3) & (u32["counter"] == 5)
(r0 > 3) & (u32[counter] == 5)

All values are whole numbers, of any size; a comparison is 1 or 0. So `&` and `|` of comparisons are
"and" and "or", which Python has no operators for; `all_of`, `any_of` and `not_` are those that take
any number for true but 0.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from ttd.errors import UserError
from ttd.values import dataclass

Operand: TypeAlias = "Expression | int | str"
"""What operators take: in place of an expression a number, or the name of a symbol or register."""

_BITS_MOST = 4096
"""Of a value: beyond that nobody compares numbers any more."""


class ConditionError(UserError):
    """A condition that cannot be understood, or not be worked out where it was asked."""


class Expression:
    """A node of the tree. Its operators make larger trees, so it has no truth of its own."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError(
            "a condition is true or false only in a run: combine conditions by & and |, and "
            "'not_', and compare twice instead of a < b < c"
        )

    def __eq__(self, other: object) -> Binary:  # type: ignore[override]
        return _binary("==", self, other)

    def __ne__(self, other: object) -> Binary:  # type: ignore[override]
        return _binary("!=", self, other)

    def __lt__(self, other: Operand) -> Binary:
        return _binary("<", self, other)

    def __le__(self, other: Operand) -> Binary:
        return _binary("<=", self, other)

    def __gt__(self, other: Operand) -> Binary:
        return _binary(">", self, other)

    def __ge__(self, other: Operand) -> Binary:
        return _binary(">=", self, other)

    def __add__(self, other: Operand) -> Binary:
        return _binary("+", self, other)

    def __radd__(self, other: Operand) -> Binary:
        return _binary("+", other, self)

    def __sub__(self, other: Operand) -> Binary:
        return _binary("-", self, other)

    def __rsub__(self, other: Operand) -> Binary:
        return _binary("-", other, self)

    def __mul__(self, other: Operand) -> Binary:
        return _binary("*", self, other)

    def __rmul__(self, other: Operand) -> Binary:
        return _binary("*", other, self)

    def __floordiv__(self, other: Operand) -> Binary:
        return _binary("/", self, other)

    def __mod__(self, other: Operand) -> Binary:
        return _binary("%", self, other)

    def __and__(self, other: Operand) -> Binary:
        return _binary("&", self, other)

    def __rand__(self, other: Operand) -> Binary:
        return _binary("&", other, self)

    def __or__(self, other: Operand) -> Binary:
        return _binary("|", self, other)

    def __ror__(self, other: Operand) -> Binary:
        return _binary("|", other, self)

    def __xor__(self, other: Operand) -> Binary:
        return _binary("^", self, other)

    def __lshift__(self, other: Operand) -> Binary:
        return _binary("<<", self, other)

    def __rshift__(self, other: Operand) -> Binary:
        return _binary(">>", self, other)

    def __neg__(self) -> Unary:
        return Unary("-", self)

    def __invert__(self) -> Unary:
        return Unary("~", self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Constant(Expression):
    """A number."""

    value: int

    def __repr__(self) -> str:
        return f"{self.value:#x}" if self.value > 0xFFFF else str(self.value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegisterValue(Expression):
    """What a register holds, as an unsigned number; `pc` and `sp` are every processor's."""

    name: str

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(Expression):
    """A register, or else a variable: its address where it stands for one, its value elsewhere."""

    name: str

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AddressOf(Expression):
    """Where a symbol is."""

    name: str

    def __repr__(self) -> str:
        return f"&{self.name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Memory(Expression):
    """`size` bytes (1, 2, 4, 8) at an address, little-endian."""

    size: int
    signed: bool
    address: Expression

    def __repr__(self) -> str:
        return f"{'i' if self.signed else 'u'}{8 * self.size}[{self.address!r}]"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cast(Expression):
    """The low `size` bytes of a value, seen as a number with or without a sign."""

    size: int
    signed: bool
    value: Expression

    def __repr__(self) -> str:
        return f"{'i' if self.signed else 'u'}{8 * self.size}({self.value!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Watched(Expression):
    """Of the access that was watched: `old` and `new` are the value of what is watched, before and
    after it (the same after a read), `address` where it was."""

    what: str

    def __repr__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Hits(Expression):
    """How often the stop has been reached in this movement, this time included."""

    def __repr__(self) -> str:
        return "hits"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unary(Expression):
    """`-`, `~` or `not` of an operand."""

    operator: str
    operand: Expression

    def __repr__(self) -> str:
        if self.operator == "not":
            return f"not {_inside(self.operand, PRECEDENCE['=='])}"
        return f"{self.operator}{_inside(self.operand, UNARY)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binary(Expression):
    """Two operands, and one of `PRECEDENCE`'s operators between them."""

    operator: str
    left: Expression
    right: Expression

    def __repr__(self) -> str:
        level = PRECEDENCE[self.operator]
        # Of operators in a row the left ones come first; comparisons stand in no row.
        left = _inside(self.left, level + (self.operator in COMPARISONS))
        return f"{left} {self.operator} {_inside(self.right, level + 1)}"


COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "|": operator.or_,
    "^": operator.xor,
    "&": operator.and_,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
PRECEDENCE: Mapping[str, int] = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(COMPARISONS, 3),
    "|": 4,
    "^": 5,
    "&": 6,
    "<<": 7,
    ">>": 7,
    "+": 8,
    "-": 8,
    "*": 9,
    "/": 9,
    "%": 9,
}
"""How close operators bind: as in Python, so `r0 & 3 == 1` looks at two bits."""
UNARY = 10
_WIDTHS = {1: "8", 2: "16", 4: "32", 8: "64"}


def _inside(node: Expression, level: int) -> str:
    """An operand as text, in brackets if it needs them there."""
    own = UNARY + 1
    if isinstance(node, Binary):
        own = PRECEDENCE[node.operator]
    elif isinstance(node, Unary):
        own = UNARY if node.operator != "not" else PRECEDENCE["=="]
    return repr(node) if own >= level else f"({node!r})"


def expression(operand: object) -> Expression:
    """An operand as a node: a number, a name, or what is one already."""
    match operand:
        case Expression():
            return operand
        case int():
            return Constant(int(operand))
        case str():
            return Name(operand)
    raise ConditionError(f"{operand!r} is nothing that a condition can compare")


def _binary(sign: str, left: object, right: object) -> Binary:
    return Binary(sign, expression(left), expression(right))


# -- by operators -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """`u32[address]` is memory, `u32(value)` the low bits of a value."""

    size: int
    signed: bool = False

    def __getitem__(self, address: Operand) -> Memory:
        return Memory(self.size, self.signed, expression(address))

    def __call__(self, value: Operand) -> Cast:
        return Cast(self.size, self.signed, expression(value))


u8, u16, u32, u64 = (Word(size) for size in _WIDTHS)
i8, i16, i32, i64 = (Word(size, signed=True) for size in _WIDTHS)
WORDS = {"u8": u8, "u16": u16, "u32": u32, "u64": u64, "i8": i8, "i16": i16, "i32": i32, "i64": i64}
"""By their names, as text has them."""
old, new, address = Watched("old"), Watched("new"), Watched("address")
hits = Hits()
changed = Binary("!=", old, new)
"""The watched value is another one after the access: a write of the same value does not count."""


def reg(name: str) -> RegisterValue:
    """A register."""
    return RegisterValue(name)


def all_of(first: Operand, *others: Operand) -> Expression:
    """None of them is 0."""
    found = expression(first)
    for other in others:
        found = _binary("and", found, other)
    return found


def any_of(first: Operand, *others: Operand) -> Expression:
    """Not all of them are 0."""
    found = expression(first)
    for other in others:
        found = _binary("or", found, other)
    return found


def not_(operand: Operand) -> Unary:
    """1 if it is 0, else 0."""
    return Unary("not", expression(operand))


# -- what a tree is about ----------------------------------------------------------------------


def mentions(tree: Expression, kind: type[Expression]) -> bool:
    """Whether there is a node of that type in it."""
    return isinstance(tree, kind) or any(mentions(part, kind) for part in _parts(tree))


def _parts(tree: Expression) -> tuple[Expression, ...]:
    match tree:
        case Binary(_, left, right):
            return left, right
        case Unary(_, operand):
            return (operand,)
        case Memory(_, _, where):
            return (where,)
        case Cast(_, _, value):
            return (value,)
    return ()


class Names(Protocol):
    """Which names there are in a machine."""

    def register(self, name: str) -> str | None:
        """The register of this name, as the processor calls it; None if there is none."""
        ...

    def variable(self, name: str) -> tuple[int, int] | None:
        """Address and size of a symbol; None if there is none. The size is 0 if it is not known."""
        ...

    def is_signed(self, name: str) -> bool:
        """Whether the variable of this name is known to have a sign."""
        ...


def resolve(tree: Expression, names: Names, *, as_address: bool = False) -> Expression:
    """The same tree with numbers in place of symbols; `ConditionError` names what is not there.

    `as_address`: the tree stands for an address.
    """
    match tree:
        case Name(name):
            register = names.register(name)
            if register is not None:
                return RegisterValue(register)
            where, size = _variable(name, names)
            if as_address:
                return Constant(where)
            if size not in _WIDTHS:
                raise ConditionError(
                    f"{name} has no size that can be compared ({size} bytes): say u32[{name}], or "
                    f"&{name} for its address"
                )
            return Memory(size, names.is_signed(name), Constant(where))
        case AddressOf(name):
            return Constant(_variable(name, names)[0])
        case RegisterValue(name):
            register = names.register(name)
            if register is None:
                raise ConditionError(f"the processor has no register {name!r}")
            return RegisterValue(register)
        case Memory(size, signed, where):
            return Memory(size, signed, resolve(where, names, as_address=True))
        case Cast(size, signed, value):
            return Cast(size, signed, resolve(value, names, as_address=as_address))
        case Unary(sign, operand):
            return Unary(sign, resolve(operand, names, as_address=as_address))
        case Binary(sign, left, right):
            return Binary(
                sign,
                resolve(left, names, as_address=as_address),
                resolve(right, names, as_address=as_address),
            )
    return tree


def _variable(name: str, names: Names) -> tuple[int, int]:
    found = names.variable(name)
    if found is None:
        raise ConditionError(f"there is no symbol and no register {name!r}")
    return found


# -- working it out ----------------------------------------------------------------------------


class Moment(Protocol):
    """What a condition may ask where a stop is reached: before the instruction, or the access."""

    def register(self, name: str) -> int: ...
    def memory(self, address: int, size: int) -> bytes:
        """Without side effects; shorter where something is not there."""
        ...

    def watched(self, what: str) -> int:
        """`old`, `new` or `address`; `ConditionError` where no access is."""
        ...

    @property
    def hits(self) -> int: ...
    def interrupted(self) -> bool:
        """Nobody waits for the answer any more."""
        ...


def evaluate(tree: Expression, at: Moment) -> int:
    """The value of a tree that has been resolved; `ConditionError` if it has none there."""
    match tree:
        case Constant(value):
            return value
        case RegisterValue(name):
            return at.register(name)
        case Memory(size, signed, where):
            begin = evaluate(where, at)
            data = at.memory(begin, size) if begin >= 0 else b""
            if len(data) < size:
                raise ConditionError(f"the condition reads {begin:#x}, where there is nothing")
            return int.from_bytes(data, "little", signed=signed)
        case Cast(size, signed, value):
            low = evaluate(value, at) & ((1 << 8 * size) - 1)
            return int.from_bytes(low.to_bytes(size, "little"), "little", signed=signed)
        case Watched(what):
            return at.watched(what)
        case Hits():
            return at.hits
        case Unary(sign, operand):
            value = evaluate(operand, at)
            return {"-": -value, "~": ~value, "not": int(value == 0)}[sign]
        case Binary("and", left, right):
            return int(evaluate(left, at) != 0 and evaluate(right, at) != 0)
        case Binary("or", left, right):
            return int(evaluate(left, at) != 0 or evaluate(right, at) != 0)
        case Binary(sign, left, right):
            return _operate(sign, evaluate(left, at), evaluate(right, at))
    raise ConditionError(f"{tree!r} has no value: it has not been resolved")


def _operate(sign: str, left: int, right: int) -> int:
    if sign in COMPARISONS:
        return int(COMPARISONS[sign](left, right))
    if sign in ("/", "%"):
        if right == 0:
            raise ConditionError("the condition divides by zero")
        return left // right if sign == "/" else left % right
    if sign in ("<<", ">>"):
        if not 0 <= right <= _BITS_MOST:
            raise ConditionError(f"the condition shifts by {right} bits")
        value = left << right if sign == "<<" else left >> right
    else:
        value = _ARITHMETIC[sign](left, right)
    if value.bit_length() > _BITS_MOST:
        raise ConditionError("a value in the condition grows too large")
    return value


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """The condition of a stop: `tree`, which has been resolved, is not 0. A value like any other:
    equal if the trees are the same."""

    tree: Expression

    def holds(self, at: Moment) -> bool:
        """Whether a stop that was reached is one; `ConditionError` if it cannot be told."""
        return evaluate(self.tree, at) != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, When) and _shape(self.tree) == _shape(other.tree)

    def __hash__(self) -> int:
        return hash(_shape(self.tree))


def _shape(tree: Expression) -> tuple[object, ...]:
    """What tells trees apart, whose own `==` makes a larger one."""
    fields = [getattr(tree, name) for name in tree.__match_args__]  # type: ignore[attr-defined]
    parts = (_shape(each) if isinstance(each, Expression) else each for each in fields)
    return type(tree).__name__, *parts
