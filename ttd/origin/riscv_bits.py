"""Of which bits results of RISC-V's integer instructions are made: the unprivileged specification,
chapters 2, 4 ("RV64I") and 12 ("M")."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.origin.bits import (
    Made,
    Needs,
    Operand,
    below,
    conjunction,
    disjunction,
    extended,
    only,
    same,
    shifted,
    together,
)

_SHIFTS = {"sll": "left", "srl": "right", "sra": "sign"}
_SUMS = ("add", "sub", "neg", "mul", "addi4spn", "addi16sp")
_WORD = 32


def made(name: str, operands: Sequence[Operand], xlen: int) -> Made | None:
    """Of the instruction `name`, without "c."; None: all bits may depend on all."""
    plain = name.removesuffix("w") if name.endswith("w") and name != "sw" else name
    width = _WORD if plain != name else xlen
    first: tuple[Needs, ...] = (only((1 << xlen) - 1),)
    if width < xlen:
        first = (extended(_WORD, signed=True),)
    if name in ("mv", "sext.w"):
        needs = extended(_WORD, signed=True) if name == "sext.w" else same
        return together(operands, needs)
    if plain == "not":
        return together(operands, same)
    if plain.removesuffix("i") in _SUMS or plain in _SUMS:
        return together(operands, *first, below)
    kind = _SHIFTS.get(plain.removesuffix("i"))
    if kind is not None and len(operands) == 2:
        one, amount = operands
        number = amount.number
        assert number is not None
        count = Operand(amount.name, lambda value: number(value) & width - 1)
        return shifted(one, kind, count, width, *first)
    if len(operands) != 2:
        return None
    one, other = operands
    match plain.removesuffix("i"):
        case "and":
            return conjunction(one, other, *first)
        case "or":
            return disjunction(one, other, *first)
        case "xor":
            return together(operands, *first)
    return None
