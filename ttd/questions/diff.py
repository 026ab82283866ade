"""`diff`: what is different at another place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ttd.engine.types import FRAME
from ttd.history.pages import PageTable
from ttd.history.place import Place as Position
from ttd.questions.frames import Frames
from ttd.questions.past import Past
from ttd.questions.row import Hex, Sum
from ttd.values import dataclass

_NUMBER = 8
"""Bytes of a variable that is shown as a number."""
_WORD = 4
"""Bytes that are shown together where nothing is known of them."""
_SHOWN = 16
"""Bytes that are shown of a longer part."""


@dataclass(frozen=True, slots=True)
class Difference(Sum):
    """A register, or a part of memory, that holds something else there."""

    kind: str
    """`register`, `memory` or `device`."""
    name: str
    address: Hex | None
    """Physical; None of a register of the processor."""
    size: int
    """Bytes that are different, as far as they are shown together."""
    old: Hex | str
    """A number, or bytes as hexadecimal digits: their first ones."""
    new: Hex | str

    @property
    def text(self) -> str:
        where = "" if self.address is None or self.name == str(self.address) else self.address
        more = "..." if self.kind == "memory" and self.size > _SHOWN else ""
        size = f", {self.size} bytes" if more else ""
        head = f"{self.name} ({where}{size})" if where else f"{self.name}{size}"
        return f"{head}: {self.old}{more} -> {self.new}{more}"


@dataclass(frozen=True, slots=True)
class _Moment:
    """A machine at a place."""

    table: PageTable
    registers: dict[str, int]
    devices: dict[str, tuple[int, int, int]]
    """Address, size and value of each register that has a name."""


def diff(past: Past, one: Position, other: Position) -> list[Difference]:
    """What is different at `other`: registers, memory by the names of variables, and registers of
    devices. Contents of disks and of flash memory are not looked at."""
    with past.staying():
        before, after = _look(past, one), _look(past, other)
    found = [
        Difference("register", name, None, past.timeline.cpu.word_size, Hex(old), Hex(new))
        for name, old in before.registers.items()
        if (new := after.registers[name]) != old
    ]
    found += _memory(past, before.table, after.table)
    for name, (address, size, old) in before.devices.items():
        new = after.devices.get(name, (0, 0, old))[2]
        if new != old:
            found.append(Difference("device", name, Hex(address), size, Hex(old), Hex(new)))
    return found


def _look(past: Past, where: Position) -> _Moment:
    past.go_to(where)
    machine = past.machine
    names = tuple(register.name for register in machine.cpu.registers)
    registers = dict(zip(names, machine.cpu.read_registers(names), strict=True))
    devices = {}
    for block in past.registers.blocks:
        for register in block.registers:
            size, address = register.size or block.unit, block.base + register.offset
            data = machine.bus.peek(address, size)
            name = f"{block.name}.{register.name}"
            devices[name] = address, size, int.from_bytes(data, "little")
    return _Moment(past.snapshots.capture().table, registers, devices)


def _memory(past: Past, before: PageTable, after: PageTable) -> Iterator[Difference]:
    """By physical address."""
    for address, old, new in _parts(past, before, after):
        variable = past.symbols.variable_at(address)
        if variable is None or variable.size > _NUMBER:
            shown = old[:_SHOWN].hex(), new[:_SHOWN].hex()
            yield Difference("memory", past.data(address), Hex(address), len(old), *shown)
        else:
            numbers = (Hex(int.from_bytes(data, "little")) for data in (old, new))
            yield Difference("memory", variable.name, Hex(address), len(old), *numbers)


def _parts(past: Past, before: PageTable, after: PageTable) -> Iterator[tuple[int, bytes, bytes]]:
    """Address and both contents of each part that differs: a small variable as a whole, of others
    what is together."""
    frames = Frames(past.machine.engine)
    pages = frames.differing(before, after)
    for _, row in groupby(enumerate(pages), lambda entry: entry[1][0] - FRAME * entry[0]):
        entries = [entry for _, entry in row]
        base = entries[0][0]
        old = b"".join(data for _, data, _ in entries)
        new = b"".join(data for _, _, data in entries)
        for low, high in _spans(past, base, old, new):
            yield base + low, old[low:high], new[low:high]


def _spans(past: Past, base: int, old: bytes, new: bytes) -> Iterator[tuple[int, int]]:
    """Offsets of those parts in pages one behind the other."""
    at, done, end = 0, 0, len(old)
    while at < end:
        if old[at : at + FRAME] == new[at : at + FRAME]:
            at += FRAME
            continue
        if old[at] == new[at]:
            at += 1
            continue
        variable = past.symbols.variable_at(base + at)
        if variable is not None and variable.size <= _NUMBER:
            low = max(0, variable.address - base)
            high = min(end, variable.address + variable.size - base)
        else:
            low = max(done, at - (base + at) % _WORD)
            if variable is not None:
                low = max(low, variable.address - base)
            last = end if variable is None else variable.address + variable.size - base
            high = _together(past, base, old, new, at, min(end, last))
        yield low, high
        at = done = high


def _together(past: Past, base: int, old: bytes, new: bytes, at: int, end: int) -> int:
    """Where words that differ, from the one of `at` on, are followed by one that does not, or by
    something that has a name."""
    named = past.symbols.variable_at(base + at)
    at = min(end, at - (base + at) % _WORD + _WORD)
    while at < end and old[at : at + _WORD] != new[at : at + _WORD]:
        if past.symbols.variable_at(base + at) != named:
            break
        at = min(end, at + _WORD)
    return at
