"""Values of expressions that are written nowhere, such as `queue.head - queue.tail`, over time.

What an expression has read is what its value depends on: only where some of that is written it is
worked out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import groupby

from ttd.errors import UserError
from ttd.program.location import Location
from ttd.questions.past import Past, Stretch
from ttd.questions.search import put, rows
from ttd.search import Range, Row, What
from ttd.text import shown

_MOST = 32
"""Places in memory that one value may depend on."""
_KNOWN = 1 << 14
"""States of that memory of which the value is kept."""
_NO_REGISTERS = "that is done of memory only, and a register is asked about alone"


class Outside(Exception):
    """The value depends on something that nobody has looked at so far."""


class Remembered:
    """A moment with registers of one time and memory of another (`program.location.Moment`).

    Registers say where a local variable is, and which of several that have one name is meant.
    """

    def __init__(self, past: Past, registers: dict[str, int]) -> None:
        self._past = past
        self._registers = registers
        self.held: dict[tuple[int, int, bool], bytearray] = {}
        """By address, size, and whether that is physical."""
        self.live = True
        """The machine is where the memory is of."""

    def register(self, name: str) -> int:
        return self._registers[name]

    def memory(self, address: int, size: int) -> bytes:
        return self._read(address, size, physical=False)

    def physical(self, address: int, size: int) -> bytes:
        return self._read(address, size, physical=True)

    def _read(self, address: int, size: int, *, physical: bool) -> bytes:
        key = address, size, physical
        if key not in self.held:
            if not self.live:
                raise Outside
            now = self._past.moment
            data = now.physical(address, size) if physical else now.memory(address, size)
            if len(data) < size:
                return data
            self.held[key] = bytearray(data)
        return bytes(self.held[key])


class Computed:
    """The values of one expression."""

    def __init__(self, past: Past, text: str, here: int) -> None:
        """`here`: where names mean what they mean."""
        self._past = past
        self._text = text
        if "$" in text:
            raise UserError(f"{shown(text)} is worked out: {_NO_REGISTERS}.")
        self._here = here

    @cached_property
    def _registers(self) -> dict[str, int]:
        past, names = self._past, [register.name for register in self._past.timeline.cpu.registers]
        with past.staying():
            past.go(self._here)
            return {name: past.timeline.cpu.read_register(name) for name in names}

    def over(self, stretch: Stretch) -> Iterator[tuple[int, int | None, int, str]]:
        """Step, the instruction that made it, the value and that for people: the first one, and
        each after something was written that it depends on."""
        low, pc = stretch.begin, None
        step = low
        while True:
            at = Remembered(self._past, self._registers)
            with self._past.staying():
                self._past.go(low)
                yield step, pc, *self._value(at)
            at.live = False
            if len(at.held) > _MOST:
                raise UserError(f"{shown(self._text)} depends on too much.")
            known: dict[tuple[bytes, ...], tuple[int, str]] = {}
            for step, pc in self._written(at, low, stretch.end):
                state = tuple(map(bytes, at.held.values()))
                try:
                    value = known.get(state) or self._value(at)
                except Outside:
                    low = step + 1
                    break
                if len(known) < _KNOWN:
                    known[state] = value
                yield step, pc, *value
            else:
                return

    def begin_of(self, stretch: Stretch, count: int) -> int:
        """Where, counted from the end, something was written for the `count`th time that the value
        depends on there; the beginning if that was not so often."""
        at = Remembered(self._past, self._registers)
        with self._past.staying():
            self._past.go(stretch.end)
            self._value(at)
        asked = self._rows(at, replace(stretch, backward=True), limit=count)
        steps = [row.step for row in asked]
        return steps[-1] if len(steps) == count else stretch.begin

    def _value(self, at: Remembered) -> tuple[int, str]:
        found: Location = self._past.program.locate(self._text, at)
        return found.number(at), self._past.program.show(found, at)

    def _written(self, at: Remembered, low: int, high: int) -> Iterator[tuple[int, int | None]]:
        """Steps that write something of what is held, which then holds what is there after them."""
        asked = self._rows(at, self._past.stretch(low, high))
        for step, group in groupby(asked, lambda row: row.step):
            pc = None
            for row in group:
                pc = row.pc
                for (address, _, _), data in at.held.items():
                    if address < row.address + row.size and row.address < address + len(data):
                        put(data, row.address - address, row)
            yield step, pc

    def _rows(self, at: Remembered, stretch: Stretch, limit: int | None = None) -> Iterator[Row]:
        """Writes of anything that is held."""
        kinds = {physical for _, _, physical in at.held}
        if not kinds:
            return iter(())
        if len(kinds) > 1:
            raise UserError(f"{shown(self._text)} is of memory and of devices.")
        ranges = tuple(Range(address, address + size) for address, size, _ in at.held)
        physical = kinds.pop()
        return rows(
            self._past, stretch, What.WRITTEN, ranges=ranges, physical=physical, limit=limit
        )
