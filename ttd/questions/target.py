"""What a question is about, as people name it: a variable, a register, a place in memory."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.questions.past import Past
from ttd.questions.register_fields import fields_of
from ttd.search import Range
from ttd.text import number, shown
from ttd.values import dataclass

PHYSICAL = "phys:"
"""Before a physical address."""
_MOST = 1 << 20
"""Bytes that one question is about."""


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

    @property
    def range(self) -> Range:
        return Range(self.address, self.address + self.size)

    def value(self, whole: int) -> int:
        """Of what is meant, in the value of all of it."""
        if self.mask < 0:
            return whole
        return (whole & self.mask) >> ((self.mask & -self.mask).bit_length() - 1)


def target(past: Past, text: str, here: int) -> Target:
    """What is meant by `text`, at step `here`; a `UserError` if there is nothing of that name.

    `counter`, `*pointer`, `0x20000000` (a word), `0x20000000:16` (so many bytes),
    `phys:0x80001000`, `$r0` or `r0`, `xpsr.Z`, `UART0.STATE`, `UART0.STATE.RXFULL`.
    """
    if text.startswith("*"):
        return _pointed(past, text, target(past, text[1:], here), here)
    found = _register(past, text) or _variable(past, text) or _numbered(past, text)
    if found is not None:
        return found
    if "." in text and past.registers.blocks:
        named = past.registers.find(text)
        whole = (1 << 8 * named.size) - 1
        mask = -1 if named.mask == whole else named.mask
        return Target(named.name, address=named.address, size=named.size, physical=True, mask=mask)
    raise UserError(f"There is no variable, no register and no address {shown(text)}.")


def _register(past: Past, text: str) -> Target | None:
    word = text.removeprefix("$")
    name, _, field = word.partition(".")
    cpu = past.timeline.cpu
    known = {"sp": cpu.stack, "pc": next(r.name for r in cpu.registers if r.name in _COUNTERS)}
    for register in cpu.registers:
        if register.name == known.get(name, name):
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
    if text.startswith("$"):
        raise UserError(f"The processor has no register {shown(word)}.")
    return None


_COUNTERS = ("pc", "rip")


def _variable(past: Past, text: str) -> Target | None:
    found = past.symbols.by_name.get(text)
    if found is None or found.function:
        return None
    if not 0 < found.size <= _MOST:
        raise UserError(f"{text} has no size that is known: say {found.address:#x}:BYTES.")
    return Target(text, address=found.address, size=found.size)


def _numbered(past: Past, text: str) -> Target | None:
    """An address, with or without a size."""
    physical = text.startswith(PHYSICAL)
    word, colon, length = text.removeprefix(PHYSICAL).partition(":")
    try:
        address = number(word)
        size = number(length) if colon else past.timeline.cpu.word_size
    except ValueError:
        if physical:
            raise UserError(f"{PHYSICAL} is followed by an address, not {shown(word)}.") from None
        return None
    if not 0 < size <= _MOST:
        raise UserError(f"A question is about 1 to {_MOST} bytes, not {size}.")
    return Target(text, address=address, size=size, physical=physical)


def _pointed(past: Past, text: str, pointer: Target, here: int) -> Target:
    """A word where a pointer led to at step `here`."""
    word = past.timeline.cpu.word_size
    with past.staying():
        past.go(here)
        if pointer.register:
            address = pointer.value(past.timeline.cpu.read_register(pointer.register))
        elif pointer.size != word:
            raise UserError(f"{pointer.name} has {pointer.size} bytes and is no pointer.")
        elif pointer.physical:
            address = int.from_bytes(past.timeline.read_physical(pointer.address, word), "little")
        else:
            address = int.from_bytes(past.timeline.read_memory(pointer.address, word), "little")
    return Target(text, address=address, size=word)
