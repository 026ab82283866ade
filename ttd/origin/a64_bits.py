"""Of which bits results of AArch64's integer instructions are made: DDI0487, chapter C6."""

from __future__ import annotations

from collections.abc import Callable

from capstone import arm64 as cs  # type: ignore[import-untyped]

from ttd.origin.bits import (
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
    left,
    only,
    register,
    right,
    rotated,
    same,
    shifted,
    swapped,
    these,
    together,
)

FLAGS = "cpsr"
_CARRY, _CONDITION = (FLAGS, these(1 << 29)), (FLAGS, these(0xF << 28))
_SUMS = ("add", "sub", "neg", "mul", "madd", "msub", "mneg", "adds", "subs", "negs")
_WITH_CARRY = ("adc", "adcs", "sbc", "sbcs", "ngc", "ngcs")
_SHIFTS = {"lsl": "left", "lsr": "right", "asr": "sign", "ror": "rotated"}
_PARTS = {
    "uxtb": (8, False),
    "uxth": (16, False),
    "sxtb": (8, True),
    "sxth": (16, True),
    "sxtw": (32, True),
}
_FIELDS = ("ubfx", "sbfx", "ubfiz", "sbfiz", "bfi", "bfxil")
_ON_FLAGS = ("cset", "csetm", "cinc", "cinv", "cneg")
_SELECTS = ("csel", "csinc", "csinv", "csneg")
EXTENDS = {
    cs.ARM64_EXT_UXTB: (8, False),
    cs.ARM64_EXT_UXTH: (16, False),
    cs.ARM64_EXT_UXTW: (32, False),
    cs.ARM64_EXT_SXTB: (8, True),
    cs.ARM64_EXT_SXTH: (16, True),
    cs.ARM64_EXT_SXTW: (32, True),
}
"""Bits of an operand that are extended, and whether by its sign: DDI0487, "Extended register"."""


def operand(op: cs.Arm64Op, name: str, width: int) -> Operand | None:
    """One of an instruction on `width` bits: a register, shifted or extended maybe, or a number."""
    low = (1 << width) - 1
    if op.type == cs.ARM64_OP_IMM:
        by = op.shift.value if op.shift.type == cs.ARM64_SFT_LSL else 0
        return constant(op.imm << by & low)
    if op.type != cs.ARM64_OP_REG:
        return None
    if name in ("xzr", "wzr"):
        return constant(0)
    if op.ext in EXTENDS:
        bits, signed = EXTENDS[op.ext]
        by = op.shift.value
        return Operand(name, needs=chain(left(by), extended(bits, signed=signed)))
    kind, by = op.shift.type, op.shift.value
    if kind == cs.ARM64_SFT_INVALID or not by:
        return register(name)
    makers: dict[int, Callable[[int], Needs]] = {
        cs.ARM64_SFT_LSL: left,
        cs.ARM64_SFT_LSR: lambda n: right(n, width, signed=False),
        cs.ARM64_SFT_ASR: lambda n: right(n, width, signed=True),
        cs.ARM64_SFT_ROR: lambda n: rotated(n, width),
    }
    return Operand(name, needs=makers[kind](by)) if kind in makers else None


def made(
    name: str, condition: int, width: int, given: list[Operand], numbers: list[int]
) -> Made | None:
    """Of the result of an instruction on `width` bits; the first operand is the result, or what is
    there before, and `numbers` are those that are none of registers. None: all bits may depend on
    all."""
    word = only((1 << width) - 1)
    first, *sources = given
    if name in _SUMS:
        return together(sources, word, below)
    if name in _WITH_CARRY:
        return (*together(sources, word, below), _CARRY)
    if name in _ON_FLAGS:
        return (*together(sources, word, below), _CONDITION)
    if name in _FIELDS:
        return _field(name, first, sources[0], numbers, word)
    if name in ("mov", "mvn", "eor", "eon"):
        return together(sources, word)
    match name, sources:
        case "movk", _:
            return together((first,), word, only(~(0xFFFF << numbers[1])))
        case "and" | "ands" | "bic" | "bics", [one, other]:
            return conjunction(one, other, word, inverted=name.startswith("bic"))
        case "orr" | "orn", [one, other]:
            return disjunction(one, other, word, inverted=name == "orn")
        case "extr", [one, other, _]:
            by = numbers[0]
            return (
                *together((other,), word, right(by, width, signed=False)),
                *together((one,), word, left(width - by)),
            )
        case _, [one, other] if name in _SELECTS:
            return _selected(name, condition, one, other, word)
        case _, [one, amount] if name in _SHIFTS:
            return _shift(_SHIFTS[name], one, amount, width, word)
        case _, [one] if name in _PARTS:
            size, signed = _PARTS[name]
            return together((one,), word, extended(size, signed=signed))
        case "rev" | "rev16" | "rev32" | "rbit", [one]:
            group = {"rev16": 16, "rev32": 32}.get(name, width)
            return together((one,), word, swapped(group, 1 if name == "rbit" else 8))
    return None


def flags(name: str, sources: list[Operand]) -> Made:
    """Of an instruction that sets all of them."""
    carry = (_CARRY,) if name in _WITH_CARRY else ()
    return (*together(sources, every), *carry)


def _field(name: str, first: Operand, source: Operand, numbers: list[int], word: Needs) -> Made:
    at, width = numbers[:2]
    signed, low = name[0] == "s", (1 << width) - 1
    if name in ("ubfx", "sbfx"):
        return together((source,), word, extended(width, signed=signed, at=at))
    if name in ("ubfiz", "sbfiz"):
        return together((source,), word, left(at), extended(width, signed=signed))
    if name == "bfi":
        kept = together((first,), word, only(~(low << at)))
        return (*together((source,), word, inserted(at, width)), *kept)
    kept = together((first,), word, only(~low))
    return (*together((source,), word, only(low), extended(width, signed=False, at=at)), *kept)


def _shift(kind: str, one: Operand, amount: Operand, width: int, word: Needs) -> Made:
    """What is in a register counts modulo the width."""
    number = amount.number
    assert number is not None
    by = Operand(amount.name, lambda value: number(value) & width - 1)
    return shifted(one, kind, by, width, word)


def _selected(name: str, condition: int, one: Operand, other: Operand, word: Needs) -> Made:
    """The one that the flags have chosen."""

    def if_so(mask: int, value: Value) -> int:
        return mask if holds(condition, value) else 0

    def if_not(mask: int, value: Value) -> int:
        return 0 if holds(condition, value) else mask

    changed = same if name in ("csel", "csinv") else below
    return (*one.made(word, if_so), *other.made(word, if_not, changed))


def holds(condition: int, value: Value) -> bool:
    """By the flags (C1.2.4)."""
    word = value(FLAGS)
    n, z, c, v = (bool(word >> at & 1) for at in (31, 30, 29, 28))
    plain = (z, c, n, v, c and not z, n == v, n == v and not z)
    order = (
        *((cs.ARM64_CC_EQ, cs.ARM64_CC_NE), (cs.ARM64_CC_HS, cs.ARM64_CC_LO)),
        *((cs.ARM64_CC_MI, cs.ARM64_CC_PL), (cs.ARM64_CC_VS, cs.ARM64_CC_VC)),
        *((cs.ARM64_CC_HI, cs.ARM64_CC_LS), (cs.ARM64_CC_GE, cs.ARM64_CC_LT)),
        (cs.ARM64_CC_GT, cs.ARM64_CC_LE),
    )
    for (yes, no), so in zip(order, plain, strict=True):
        if condition in (yes, no):
            return so == bool(condition == yes)
    return True
