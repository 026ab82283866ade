"""Where a variable is, for code at one address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ttd.program.debug import base_of
from ttd.program.errors import OptimizedOut, ProgramError, reading
from ttd.program.functions import Block, Variable
from ttd.program.location import Location, Where
from ttd.program.registers import RegisterSet
from ttd.program.stack_machine import Context, Kind, Piece, evaluate


class Seen(Context, Protocol):
    """A context that knows which registers are what they are in the processor."""

    def is_kept(self, name: str) -> bool: ...


def locate(
    registers: RegisterSet, context: Seen, address: int, variable: Variable, text: str
) -> Location:
    """Where a variable is for code at an address; `context` is asked for registers and memory."""
    kind, die = variable.type, variable.die
    with reading(variable.debug.path):
        constant = die.attributes.get("DW_AT_const_value")
        if constant is not None:
            value = constant.value
            if isinstance(value, int):
                value = (value & ((1 << 8 * kind.size) - 1)).to_bytes(kind.size, "little")
            return Location(Where.VALUE, text, kind.size, kind, data=bytes(value))
        place = die.attributes.get("DW_AT_location")
        if place is None:
            raise OptimizedOut(f"{text} has been optimized out.")
        ops = expression_at(variable, place, address)
        if not ops:
            raise OptimizedOut(f"{text} has been optimized out.")
        try:
            pieces = evaluate(ops, context)
        except OptimizedOut:
            raise OptimizedOut(f"{text} has been optimized out.") from None
        return _located(registers, context, pieces, variable, text)


def _located(
    registers: RegisterSet, context: Seen, pieces: list[Piece], variable: Variable, text: str
) -> Location:
    kind = variable.type
    size = kind.size
    only = pieces[0]
    if len(pieces) == 1 and only.bits in (None, 8 * size) and not only.offset:
        if only.kind is Kind.MEMORY:
            return Location(Where.MEMORY, text, size, kind, address=only.value)
        if only.kind is Kind.REGISTER:
            name = registers.numbered(only.value)
            if size <= registers.size(name) and context.is_kept(name):
                return Location(Where.REGISTER, text, size, kind, register=name)
    value = shift = 0
    for piece in pieces:
        bits = 8 * size if piece.bits is None else piece.bits
        part = _content(registers, context, piece, (piece.offset + bits + 7) // 8, text)
        value |= (part >> piece.offset & ((1 << bits) - 1)) << shift
        shift += bits
    data = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    return Location(Where.VALUE, text, size, kind, data=data)


def _content(registers: RegisterSet, context: Seen, piece: Piece, size: int, text: str) -> int:
    match piece.kind:
        case Kind.MEMORY:
            data = context.memory(piece.value, size)
            if len(data) < size:
                raise ProgramError(f"There is nothing at {piece.value + len(data):#x}.")
            return int.from_bytes(data, "little")
        case Kind.REGISTER:
            # What is longer than one goes on in the next.
            value = shift = 0
            number = piece.value
            while shift < 8 * size:
                value |= context.numbered(number) << shift
                shift += 8 * registers.size(registers.numbered(number))
                number += 1
            return value
        case Kind.BYTES:
            return int.from_bytes(piece.data, "little")
        case Kind.VALUE:
            return piece.value & ((1 << 8 * size) - 1)
    raise OptimizedOut(f"A part of {text} has been optimized out.")


def expression_at(of: Variable | Block, attribute: Any, address: int) -> Sequence[Any]:
    """The expression of an attribute that holds at an address; empty where none does."""
    from elftools.dwarf.locationlists import LocationExpr, LocationParser  # noqa: PLC0415

    die = of.die
    version = die.cu["version"]
    parser = LocationParser(of.debug.dwarf.location_lists())
    found: Any = parser.parse_from_attribute(attribute, version, die)
    if isinstance(found, LocationExpr):
        return parsed(die, found.loc_expr)
    base = base_of(die.cu)
    default: Any = ()
    for entry in found:
        if hasattr(entry, "base_address"):
            base = entry.base_address
        elif entry.begin_offset == entry.end_offset == -1:
            default = entry.loc_expr
        else:
            offset = 0 if entry.is_absolute else base
            if entry.begin_offset + offset <= address < entry.end_offset + offset:
                return parsed(die, entry.loc_expr)
    return parsed(die, default) if default else ()


def parsed(die: Any, code: Any) -> Sequence[Any]:
    from elftools.dwarf.dwarf_expr import DWARFExprParser  # noqa: PLC0415

    found: Sequence[Any] = DWARFExprParser(die.cu.structs).parse_expr(code)
    return found
