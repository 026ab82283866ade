"""What a question is about, as people name it: a variable, a register, a place in memory."""

from __future__ import annotations

import re
from dataclasses import replace

from ttd.cpu.models import CPUS
from ttd.errors import UserError
from ttd.program.errors import ProgramError
from ttd.program.location import Location, Where
from ttd.program.types import Type
from ttd.questions.past import Past
from ttd.questions.register_fields import fields_of
from ttd.questions.row import Hex
from ttd.search import Range
from ttd.text import number, shown
from ttd.values import dataclass

_BITS = re.compile(r"(?P<of>.+)\[(?P<high>\d{1,3}):(?P<low>\d{1,3})\]")
PHYSICAL = "phys:"
"""Before a physical address."""
_TOP = 1 << 64
_MOST = 1 << 20
"""Bytes that one question is about."""


class WrittenNowhere(UserError):
    """What is meant is worked out of other things."""


@dataclass(frozen=True, slots=True)
class Target:
    """A register of the processor (`register`), or bytes of memory or of a device."""

    name: str
    """As people are told of it."""
    register: str = ""
    address: int = 0
    size: int = 0
    """In bytes; of a register its own."""
    physical: bool = False
    mask: int = -1
    """The bits that are meant."""
    type: Type | None = None

    @property
    def range(self) -> Range:
        return Range(self.address, self.address + self.size)

    def value(self, whole: int) -> int:
        """Of what is meant, in the value of all of it."""
        if self.mask < 0:
            return whole
        return (whole & self.mask) >> ((self.mask & -self.mask).bit_length() - 1)

    def told(self, past: Past, value: int | None) -> str:
        """A value of it for people, by its type; numbers without a type are hexadecimal."""
        if value is None:
            return "?"
        kind = self.type
        if kind is None or self.mask >= 0:
            return str(Hex(value))
        data = (value & ((1 << 8 * self.size) - 1)).to_bytes(self.size, "little")
        location = Location(Where.VALUE, self.name, self.size, kind, data=data)
        try:
            return past.program.show(location, past.moment)
        except ProgramError:
            return str(Hex(value))


def target(past: Past, text: str, here: int) -> Target:
    """What is meant by `text`, at step `here`; a `UserError` if there is nothing of that name.

    `counter`, `p->next.count`, `*pointer`, `table[3]`, `0x20000000` (a word), `0x20000000:16` (so
    many bytes), `phys:0x80001000`, `$r0` or `r0`, `xpsr.Z`, `UART0.STATE`, `UART0.STATE.RXFULL`;
    behind any of these `[7:4]`: those bits.
    """
    found = _named(past, text, here)
    _check_there(past, found)
    return found


def _check_there(past: Past, about: Target) -> None:
    """`UserError` if no access can get there, ever."""
    machine = past.machine
    # With page tables something may be there at another time.
    if about.register or (CPUS[machine.board.cpu].paged and not about.physical):
        return
    ends = about.address, about.address + about.size - 1
    if not any(machine.bus.at(end) or machine.bus.peek(end, 1) for end in ends):
        raise UserError(f"There is no memory and no device at {about.address:#x}.")


def _named(past: Past, text: str, here: int) -> Target:
    bits = _BITS.fullmatch(text)
    if bits is not None:
        return _part(past, bits, here)
    found = _numbered(past, text) or (_register(past, text) if text.startswith("$") else None)
    if found is not None:
        return found
    if text.partition(".")[0] not in past.symbols.by_name:
        # A name of a device need not be one of C.
        device = past.device(text)
        if device is not None:
            return _located(device)
    try:
        return _expression(past, text, here)
    except ProgramError:
        # A register needs no $ where nothing else has its name.
        name = text.lstrip("*")
        found = _register(past, name)
        if found is None:
            raise
        return found if name == text else _expression(past, f"{text[: -len(name)]}${name}", here)


def _part(past: Past, bits: re.Match[str], here: int) -> Target:
    """Some bits of what has a number of 64 bits at most."""
    whole = target(past, bits["of"], here)
    high, low = int(bits["high"]), int(bits["low"])
    if whole.mask >= 0 or whole.size > 8:
        raise UserError(f"{whole.name} has no bits [{high}:{low}] of its own.")
    if not low <= high < 8 * whole.size:
        raise UserError(
            f"{whole.name} has bits [{8 * whole.size - 1}:0], the higher one said first,"
            f" not [{high}:{low}]."
        )
    mask = ((2 << high - low) - 1) << low
    return replace(whole, name=bits[0], mask=mask)


def _expression(past: Past, text: str, here: int) -> Target:
    """Of C."""
    with past.staying():
        past.go(here)
        return _located(past.program.locate(text, past.moment))


def _located(location: Location) -> Target:
    if location.where is Where.VALUE:
        raise WrittenNowhere(f"{shown(location.text)} is a value that is written nowhere.")
    if not 0 < location.size <= _MOST:
        raise UserError(f"{location.text} has {location.size} bytes: none to ask about.")
    mask = -1
    if location.bits is not None:
        low, width = location.bits
        mask = ((1 << width) - 1) << low
    return Target(
        location.text,
        location.register,
        location.address,
        location.size,
        location.where in (Where.PHYSICAL, Where.DEVICE),
        mask,
        location.type,
    )


def _register(past: Past, text: str) -> Target | None:
    word = text.removeprefix("$")
    name, _, field = word.partition(".")
    cpu = past.timeline.cpu
    known = past.program.registers.named(name)
    for register in cpu.registers:
        if register.name == known:
            size = -(-register.bits // 8)
            if not field:
                return Target(word, register.name, size=size)
            fields = fields_of(cpu, register)
            for flag, first, last in fields:
                if flag.lower() == field.lower():
                    mask = ((2 << last - first) - 1) << first
                    return Target(word, register.name, size=size, mask=mask)
            there = ", ".join(flag for flag, _, _ in fields) or "none"
            raise UserError(f"{register.name} has no field {shown(field)}; it has {there}.")
    if text.startswith("$") and name.isidentifier():
        raise UserError(f"The processor has no register {shown(word)}.")
    return None


def _numbered(past: Past, text: str) -> Target | None:
    """An address, with or without a size."""
    physical = text.startswith(PHYSICAL)
    word, colon, length = text.removeprefix(PHYSICAL).partition(":")
    try:
        address = number(word)
        size = number(length) if colon else past.timeline.cpu.word_size
    except ValueError:
        if physical and "@" not in text:
            raise UserError(f"{PHYSICAL} is followed by an address, not {shown(word)}.") from None
        return None
    if not 0 < size <= _MOST:
        raise UserError(f"A question is about 1 to {_MOST} bytes, not {size}.")
    if address + size >= _TOP:
        raise UserError(f"{text} ends beyond the last address.")
    return Target(text, address=address, size=size, physical=physical)
