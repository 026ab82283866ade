"""`executed`: when code ran."""

from __future__ import annotations

from itertools import islice

from ttd.errors import UserError
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Row
from ttd.questions.search import rows
from ttd.search import Range, What
from ttd.text import number, shown
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Ran(Row):
    """An instruction that ran."""

    pc: Hex
    where: str
    line: str
    """Of the source: `file.c:12`; empty where nobody knows."""

    @property
    def text(self) -> str:
        line = f" ({self.line.rpartition('/')[2]})" if self.line else ""
        return f"{self.pc}  {self.where}{line}" if self.where != str(self.pc) else self.where


def executed(past: Past, stretch: Stretch, text: str) -> list[Ran]:
    """When an instruction ran: the first one of a function, or of a line (`file.c:12`), the one at
    an address or at `main+130`, or any of those in a range, `0x100-0x200`."""
    ranges = _code(past, text)
    entered = past.entered(stretch)
    limit = None if stretch.limit is None else stretch.limit + len(entered)
    found = rows(past, stretch, What.EXECUTED, ranges=ranges, limit=limit)
    ran = (row for row in found if row.step not in entered and row.pc is not None)
    return [
        Ran(past.place(row.step), Hex(row.pc or 0), past.code(row.pc or 0), past.line(row.pc or 0))
        for row in islice(ran, stretch.limit)
    ]


def _code(past: Past, text: str) -> tuple[Range, ...]:
    """Where that begins."""
    first, dash, last = text.partition("-")
    try:
        begin = number(first)
        end = number(last) if dash else begin + 1
    except ValueError:
        if ":" in text and "::" not in text:
            return tuple(Range(line.start, line.start + 1) for line in past.program.lines(text))
        begin = _in_function(past, text)
        end = begin + 1
    if end <= begin or end >= 1 << 64:
        raise UserError(f"{shown(text)} has no addresses in it.")
    return (Range(begin, end),)


def _in_function(past: Past, text: str) -> int:
    """Its first instruction, or the one that answers call `main+130`."""
    name, _, offset = text.rpartition("+")
    try:
        return past.program.entry(name) + number(offset) if name else past.program.entry(text)
    except ValueError:
        return past.program.entry(text)
