"""Of which bits results of Thumb's integer instructions are made: DDI0403E, chapter A7."""

from __future__ import annotations

from collections.abc import Callable

from capstone import arm as cs  # type: ignore[import-untyped]

from ttd.origin.bits import (
    Made,
    Needs,
    Operand,
    Value,
    below,
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

FLAGS = "xpsr"
_CARRY = FLAGS, these(1 << 29)
_WIDTH, _WORD = 32, 0xFFFFFFFF
_SUMS = (
    *(cs.ARM_INS_ADD, cs.ARM_INS_ADDW, cs.ARM_INS_SUB, cs.ARM_INS_SUBW, cs.ARM_INS_RSB),
    *(cs.ARM_INS_MUL, cs.ARM_INS_MLA, cs.ARM_INS_MLS, cs.ARM_INS_ADR),
)
_WITH_CARRY = (cs.ARM_INS_ADC, cs.ARM_INS_SBC)
_ALL_FLAGS = (
    *(cs.ARM_INS_ADD, cs.ARM_INS_SUB, cs.ARM_INS_RSB, cs.ARM_INS_CMP, cs.ARM_INS_CMN),
    *_WITH_CARRY,
)
"""Those that set each of N, Z, C and V."""
_SHIFTS = {
    cs.ARM_INS_LSL: "left",
    cs.ARM_INS_LSR: "right",
    cs.ARM_INS_ASR: "sign",
    cs.ARM_INS_ROR: "rotated",
}
_EXTENDS = {
    cs.ARM_INS_UXTB: (8, False),
    cs.ARM_INS_UXTH: (16, False),
    cs.ARM_INS_SXTB: (8, True),
    cs.ARM_INS_SXTH: (16, True),
}
_SWAPS = {
    cs.ARM_INS_REV: swapped(32),
    cs.ARM_INS_REV16: swapped(16),
    cs.ARM_INS_RBIT: swapped(32, 1),
}


FIELDS = (cs.ARM_INS_UBFX, cs.ARM_INS_SBFX, cs.ARM_INS_BFI, cs.ARM_INS_BFC)
_SHIFTED: dict[int, Callable[[int], Needs]] = {
    cs.ARM_SFT_LSL: left,
    cs.ARM_SFT_LSR: lambda by: right(by, _WIDTH, signed=False),
    cs.ARM_SFT_ASR: lambda by: right(by, _WIDTH, signed=True),
    cs.ARM_SFT_ROR: lambda by: rotated(by, _WIDTH),
}


def operands(found: list[cs.ArmOp], names: list[str]) -> list[Operand] | None:
    """Those of an instruction, registers by `names`; None if one is something else."""
    given = []
    for op, name in zip(found, names, strict=True):
        if op.type == cs.ARM_OP_IMM:
            given.append(constant(op.imm & _WORD))
        elif op.type == cs.ARM_OP_REG and op.shift.type == cs.ARM_SFT_INVALID:
            given.append(register(name))
        elif op.type == cs.ARM_OP_REG and op.shift.type in _SHIFTED:
            given.append(_shifted(name, op.shift.type, op.shift.value))
        else:
            return None
    return given


def _shifted(name: str, kind: int, by: int) -> Operand:
    """DDI0403E A7.4.2."""

    def number(value: Value) -> int:
        whole = value(name)
        match kind:
            case cs.ARM_SFT_LSL:
                return whole << by & _WORD
            case cs.ARM_SFT_LSR:
                return whole >> by
            case cs.ARM_SFT_ASR:
                return (whole - (whole >> 31 << 32)) >> by & _WORD
            case _:
                return (whole >> by | whole << _WIDTH - by) & _WORD

    return Operand(name, number, _SHIFTED[kind](by))


def made(kind: int, first: Operand, sources: list[Operand]) -> Made | None:
    """Of the result of what is made of `sources`; `first` is what is there before. None:
    all bits may depend on all."""
    word = only(_WORD)
    if kind in _SUMS:
        return together(sources, word, below)
    if kind in _WITH_CARRY:
        return (*together(sources, word, below), _CARRY)
    if kind in _SWAPS:
        return together(sources, word, _SWAPS[kind])
    match kind, sources:
        case cs.ARM_INS_MOV | cs.ARM_INS_MVN | cs.ARM_INS_MOVW | cs.ARM_INS_EOR, _:
            return together(sources, word)
        case cs.ARM_INS_MOVT, _:
            return together((first,), only(0xFFFF))
        case cs.ARM_INS_AND | cs.ARM_INS_BIC, [one, other]:
            return conjunction(one, other, word, inverted=kind == cs.ARM_INS_BIC)
        case cs.ARM_INS_ORR | cs.ARM_INS_ORN, [one, other]:
            return disjunction(one, other, word, inverted=kind == cs.ARM_INS_ORN)
        case _, [one, amount] if kind in _SHIFTS:
            return shifted(one, _SHIFTS[kind], amount, _WIDTH, word)
        case _, [one] if kind in _EXTENDS:
            width, signed = _EXTENDS[kind]
            return together((one,), word, extended(width, signed=signed))
    return None


def field(kind: int, first: Operand, source: Operand, at: int, width: int) -> Made:
    """UBFX, SBFX, BFI and BFC: A7.7.190, A7.7.125, A7.7.14 and A7.7.13."""
    if kind in (cs.ARM_INS_UBFX, cs.ARM_INS_SBFX):
        needs = extended(width, signed=kind == cs.ARM_INS_SBFX, at=at)
        return together((source,), only(_WORD), needs)
    kept = first.made(only(_WORD & ~(((1 << width) - 1) << at)))
    return (*source.made(only(_WORD), inserted(at, width)), *kept)


def flags(kind: int, sources: list[Operand]) -> Made:
    """Some may stay as they were."""
    found = together(sources, every)
    if kind in _WITH_CARRY:
        return (*found, _CARRY)
    return found if kind in _ALL_FLAGS else (*found, (FLAGS, same))
