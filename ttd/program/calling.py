"""A function that is entered, or has returned: its arguments, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ttd.program.abi import NOTHING, Convention, Part, Passed, convention
from ttd.program.errors import ProgramError, readings
from ttd.program.functions import Function
from ttd.program.location import Location, Moment, Where
from ttd.program.registers import RegisterSet
from ttd.program.types import Type

_LINKS = {"arm": "lr", "riscv": "ra", "aarch64": "x30"}
"""The register with the address to return to; elsewhere it is on the stack."""


class Argument(NamedTuple):
    """What a function is given."""

    name: str
    """Empty if it has none."""
    location: Location | None
    """None: nobody knows where it is."""


class Back(NamedTuple):
    """By what one knows that a function has returned."""

    address: int
    sp: int
    """The stack pointer then."""


class Calling:
    """Calls of functions of one processor."""

    def __init__(self, registers: RegisterSet, flags: int) -> None:
        """`flags`: `e_flags` of the ELF file."""
        self._registers, self._flags = registers, flags

    def _convention(self) -> Convention | None:
        return convention(self._registers.family, self._registers.word, self._flags)

    @readings
    def arguments(self, function: Function, at: Moment) -> list[Argument]:
        """Before the first instruction of a function."""
        rules = self._convention()
        taken = function.parameters
        if rules is None:
            return [Argument(each.name, None) for each in taken]
        places = rules.arguments(function.returns, [each.type for each in taken])
        return [
            Argument(each.name, self._located(place, each.type, each.name, at))
            for each, place in zip(taken, places, strict=True)
        ]

    def back(self, at: Moment) -> Back | None:
        """From the moment before the first instruction of a function; None for what returns from
        an exception."""
        registers = self._registers
        sp = at.register(registers.sp)
        link = _LINKS.get(registers.family)
        if link is None:
            data = at.memory(sp, registers.word)
            return Back(int.from_bytes(data, "little"), sp + registers.word) if data else None
        target = at.register(link)
        if registers.family == "arm":
            if target >= 0xF0000000:
                return None  # EXC_RETURN; nothing can be run there (DDI0403E B3.1)
            target &= ~1
        return Back(target, sp)

    @readings
    def result_address(self, function: Function, at: Moment) -> int | None:
        """Where a function that is entered will leave what it returns; None if that is in
        registers, or nothing."""
        rules = self._convention()
        place = None if rules is None else rules.result(function.returns)
        if place is None or not place.by_reference:
            return None
        return at.register(place.parts[0].register)

    @readings
    def result(self, function: Function, address: int | None, at: Moment) -> Location | None:
        """What a function has returned; None if it returns nothing. `address`: of
        `result_address`."""
        kind, text = function.returns, function.name
        if address is not None:
            return Location(Where.MEMORY, text, kind.size, kind, address=address)
        rules = self._convention()
        place = None if rules is None else rules.result(kind)
        return None if place is None else self._located(place, kind, text, at)

    def _located(self, place: Passed, kind: Type, text: str, at: Moment) -> Location | None:
        try:
            if place.by_reference:
                address = int.from_bytes(self._content(place.parts, at), "little")
                return Location(Where.MEMORY, text, kind.size, kind, address=address)
            only = place.parts[0] if len(place.parts) == 1 else None
            if only is not None and only.register in self._registers.names:
                return Location(Where.REGISTER, text, kind.size, kind, register=only.register)
            if only is not None and not only.register:
                address = at.register(self._registers.sp) + only.stack
                return Location(Where.MEMORY, text, kind.size, kind, address=address)
            return Location(Where.VALUE, text, kind.size, kind, data=self._content(place.parts, at))
        except (ProgramError, LookupError):
            return None

    def _content(self, parts: Sequence[Part], at: Moment) -> bytes:
        found = b""
        for part in parts:
            if part.register == NOTHING:
                found += bytes(part.size)
            elif part.register:
                if part.register not in self._registers.names:
                    raise ProgramError(f"The processor has no register {part.register}.")
                value = at.register(part.register) & ((1 << 8 * part.size) - 1)
                found += value.to_bytes(part.size, "little")
            else:
                address = at.register(self._registers.sp) + part.stack
                data = at.memory(address, part.size)
                if len(data) < part.size:
                    raise ProgramError(f"There is nothing at {address:#x}.")
                found += data
        return found
