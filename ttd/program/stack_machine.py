"""Expressions of debug information: where a variable is (DWARF 5, 2.5 and 2.6)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from ttd.program.errors import OptimizedOut, ProgramError

_MOST_STEPS = 10_000
_MOST_PIECE = 1 << 20
"""Bits of one piece."""


class Kind(Enum):
    """What a piece of a value is in."""

    MEMORY = "memory"
    REGISTER = "register"
    VALUE = "value"
    BYTES = "bytes"
    NOTHING = "nothing"


class Piece(NamedTuple):
    """Where a part of a value is, or all of it."""

    kind: Kind
    value: int = 0
    """An address, the number of a register, or the value."""
    data: bytes = b""
    bits: int | None = None
    """How many of the whole; None: all."""
    offset: int = 0
    """Bits in the place before them."""


class Base(NamedTuple):
    """The type of a value on the stack: an integer."""

    bits: int
    signed: bool

    def fitted(self, value: int) -> int:
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value


class Context(Protocol):
    """What expressions ask for."""

    word: int
    """Bytes of an address."""

    def numbered(self, number: int) -> int:
        """What a register holds, by its number."""
        ...

    def memory(self, address: int, size: int) -> bytes: ...
    def frame_base(self) -> int:
        """`DW_AT_frame_base` of the function."""
        ...

    def cfa(self) -> int:
        """The canonical frame address."""
        ...

    def entry_value(self, expression: Sequence[Any]) -> int:
        """What an expression was when the function was entered; `OptimizedOut` if nobody knows."""
        ...

    def parameter(self, offset: int) -> int:
        """What was given for a parameter, by the offset of its entry in the unit; `OptimizedOut` if
        nobody knows."""
        ...

    def indexed(self, index: int) -> int:
        """An address by its number (`.debug_addr`)."""
        ...

    def base_type(self, offset: int) -> Base:
        """The integer type at an offset in the unit."""
        ...


_BINARY: Mapping[str, Callable[[int, int], int]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "mul": operator.mul,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
}
_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def evaluate(expression: Sequence[Any], context: Context) -> list[Piece]:
    """Where a value is; of a location expression with one part a list of one."""
    return _Run(expression, context).pieces()


def value_of(expression: Sequence[Any], context: Context) -> int:
    """What an expression comes to that is no location."""
    run = _Run(expression, context)
    run.pieces()
    return run.top()


class _Run:
    """One evaluation."""

    def __init__(self, expression: Sequence[Any], context: Context) -> None:
        self._ops = expression
        self._context = context
        self._generic = Base(8 * context.word, False)
        self._with_sign = Base(8 * context.word, True)
        self._stack: list[tuple[int, Base]] = []
        self._last: Piece | None = None
        """What the next `piece` is of, if it is not memory."""
        self._found: list[Piece] = []

    def top(self) -> int:
        return self._pop()

    def _pop(self) -> int:
        return self._pop_typed()[0]

    def _pop_typed(self) -> tuple[int, Base]:
        if not self._stack:
            raise ProgramError("The debug information says where a variable is in no known way.")
        return self._stack.pop()

    def _pop_signed(self) -> tuple[int, Base]:
        """Where the standard says so, what has no type of its own has a sign."""
        value, base = self._pop_typed()
        return (self._with_sign.fitted(value) if base == self._generic else value), base

    def _push(self, value: int, base: Base | None = None) -> None:
        """Of the generic type, an address, unless another is said."""
        base = base or self._generic
        self._stack.append((base.fitted(value), base))

    def pieces(self) -> list[Piece]:
        if not self._ops:
            raise OptimizedOut("It has been optimized out.")
        at = steps = 0
        offsets = {op.offset: index for index, op in enumerate(self._ops)}
        while at < len(self._ops):
            steps += 1
            if steps > _MOST_STEPS:
                raise ProgramError("The debug information has an expression without an end.")
            op = self._ops[at]
            name = op.op_name.removeprefix("DW_OP_")
            at += 1
            if name in ("bra", "skip"):
                if name == "skip" or self._pop():
                    # Both have an opcode of one byte and an operand of two.
                    target = op.offset + 3 + op.args[0]
                    at = offsets.get(target, len(self._ops))
                continue
            self._one(name, op.args)
        if not self._found:
            self._found.append(self._place())
        return self._found

    def _place(self) -> Piece:
        if self._last is not None:
            found, self._last = self._last, None
            return found
        if not self._stack:
            return Piece(Kind.NOTHING)
        return Piece(Kind.MEMORY, self._stack[-1][0])

    def _one(self, name: str, args: Sequence[Any]) -> None:
        context = self._context
        if name.startswith("lit"):
            self._push(int(name[3:]))
        elif name.startswith("breg"):
            number, offset = (args[0], args[1]) if name == "bregx" else (int(name[4:]), args[0])
            self._push(context.numbered(number) + offset)
        elif name.startswith("reg") and name not in ("regval_type",):
            number = args[0] if name == "regx" else int(name[3:])
            self._last = Piece(Kind.REGISTER, number)
        elif name.startswith("const") and name not in ("constx", "const_type"):
            self._push(args[0])
        elif name in _BINARY:
            right = self._pop()
            left, base = self._pop_typed()
            self._push(_BINARY[name](left, right), base)
        elif name in _COMPARED:
            right = self._pop_signed()[0]
            self._push(int(_COMPARED[name](self._pop_signed()[0], right)))
        else:
            self._other(name, args)

    def _other(self, name: str, args: Sequence[Any]) -> None:
        context, stack = self._context, self._stack
        match name:
            case "addr":
                self._push(args[0])
            case "addrx" | "constx" | "GNU_addr_index" | "GNU_const_index":
                self._push(context.indexed(args[0]))
            case "fbreg":
                self._push(context.frame_base() + args[0])
            case "call_frame_cfa":
                self._push(context.cfa())
            case "plus_uconst":
                self._push(self._pop() + args[0])
            case "deref" | "deref_size":
                size = context.word if name == "deref" else args[0]
                self._push(self._load(self._pop(), size))
            case "deref_type" | "GNU_deref_type":
                self._push(self._load(self._pop(), args[0]), context.base_type(args[1]))
            case "regval_type" | "GNU_regval_type":
                self._push(context.numbered(args[0]), context.base_type(args[1]))
            case "const_type" | "GNU_const_type":
                value = int.from_bytes(bytes(args[1]), "little")
                self._push(value, context.base_type(args[0]))
            case "convert" | "GNU_convert" | "reinterpret":
                self._push(self._pop(), context.base_type(args[0]) if args[0] else None)
            case "nop" | "GNU_uninit":
                pass
            case "dup":
                stack.append(self._peek(0))
            case "drop":
                self._pop()
            case "over":
                stack.append(self._peek(1))
            case "pick":
                stack.append(self._peek(args[0]))
            case "swap":
                stack += [self._pop_typed(), self._pop_typed()]
            case "rot":
                first, second, third = self._pop_typed(), self._pop_typed(), self._pop_typed()
                stack += [first, third, second]
            case "abs":
                value, base = self._pop_signed()
                self._push(abs(value), base)
            case "neg" | "not":
                value, base = self._pop_typed()
                self._push(-value if name == "neg" else ~value, base)
            case "div" | "mod" | "shl" | "shr" | "shra":
                self._push(*self._divided(name))
            case "stack_value":
                self._last = Piece(Kind.VALUE, self._pop())
            case "implicit_value":
                data = bytes(args[0])
                self._last = Piece(Kind.BYTES, data=data)
            case "piece":
                self._piece(8 * args[0], 0)
            case "bit_piece":
                self._piece(args[0], args[1])
            case "entry_value" | "GNU_entry_value":
                self._push(context.entry_value(args[0]))
            case "GNU_parameter_ref":
                self._push(context.parameter(args[0]))
            case "implicit_pointer" | "GNU_implicit_pointer":
                raise OptimizedOut("It points to what has been optimized out.")
            case _:
                raise ProgramError(
                    f"The debug information says where a variable is by DW_OP_{name}, which is "
                    f"not known here."
                )

    def _peek(self, depth: int) -> tuple[int, Base]:
        if depth >= len(self._stack):
            raise ProgramError("The debug information says where a variable is in no known way.")
        return self._stack[-1 - depth]

    def _piece(self, bits: int, offset: int) -> None:
        if not 0 <= bits <= _MOST_PIECE:
            raise ProgramError("The debug information has a piece of a variable that is too large.")
        self._found.append(Piece(*self._place()[:3], bits, offset))
        self._stack.clear()

    def _load(self, address: int, size: int) -> int:
        data = self._context.memory(address, size)
        if len(data) < size:
            raise ProgramError(f"There is nothing at {address:#x}.")
        return int.from_bytes(data, "little")

    def _divided(self, name: str) -> tuple[int, Base]:
        """`div` and `shra` are of numbers with a sign, `mod` and `shr` of those without; of typed
        ones as the type has it."""
        with_sign = name in ("div", "shra")
        right = (self._pop_signed() if with_sign else self._pop_typed())[0]
        left, base = self._pop_signed() if with_sign else self._pop_typed()
        if name in ("div", "mod"):
            if right == 0:
                raise ProgramError("The debug information divides by zero.")
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            return (quotient if name == "div" else left - quotient * right), base
        by = min(max(right, 0), base.bits)
        if name == "shl":
            return left << by, base
        if name == "shr":
            return (left & ((1 << base.bits) - 1)) >> by, base
        return left >> by, base
