"""`values`: what something has held, over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

from ttd.conditions import new, old
from ttd.questions.computed import Computed
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Row
from ttd.questions.search import put, rows
from ttd.questions.target import Target, WrittenNowhere, target
from ttd.search import QuestionError, What
from ttd.values import dataclass

_AHEAD = 4
"""Times as many writes are looked at as there may be changes, and then as many times more."""
_DEBUGGER = "debugger"
"""Who has changed something between two steps."""
_MOST = 64
"""Bytes of what has values."""


@dataclass(frozen=True, slots=True)
class Value(Row):
    """The step at `place` has given it this value; of the first one, it had it there."""

    value: Hex
    told: str
    """The same for people, by its type."""
    where: str
    """The instruction that has changed it, or `debugger`."""
    line: str
    """Of the source: `file.c:12`."""

    @property
    def text(self) -> str:
        line = f" ({self.line.rpartition('/')[2]})" if self.line else ""
        return f"{self.told}  {self.where}{line}".rstrip()


def values(past: Past, stretch: Stretch, text: str) -> list[Value]:
    """What it held at first, and every change. Of a device's register: what was written to it.

    An expression that is worked out, `head - tail`, is of memory, and names in it mean what they do
    where the question is asked.
    """
    try:
        about = target(past, text, stretch.here)
    except WrittenNowhere:
        return _computed(past, stretch, Computed(past, text, stretch.here))
    if about.size > _MOST:
        raise QuestionError(f"{text} has {about.size} bytes, and a value at most {_MOST}.")
    begin = _begin(past, stretch, about)
    limit = None if stretch.backward else stretch.limit
    ahead = replace(stretch, begin=begin, backward=False, limit=limit)

    def told() -> Iterator[Value]:
        now = None
        for low, high in past.unedited(begin, stretch.end):
            part = replace(ahead, begin=low, end=high)
            first = _at(past, about, low)
            then = about.value(first)
            if low == stretch.begin or (low > begin and then != now):
                by = "" if low == begin else _DEBUGGER
                yield Value(past.place(low), Hex(then), about.told(past, then), by, "")
            now = then
            changes = (_register if about.register else _memory)(past, part, about, first)
            for step, pc, whole in changes:
                then = about.value(whole)
                if then != now:
                    where, line = ("", "") if pc is None else (past.code(pc), past.line(pc))
                    yield Value(past.place(step), Hex(then), about.told(past, then), where, line)
                now = then

    if stretch.backward:
        return stretch.chosen(list(told()))
    return list(islice(told(), stretch.limit))


def _computed(past: Past, stretch: Stretch, expression: Computed) -> list[Value]:
    """Of an expression that is worked out."""
    if not stretch.backward or stretch.limit is None:
        return stretch.chosen(list(_worked_out(past, stretch, expression)))
    count = _AHEAD * stretch.limit
    while True:
        begin = expression.begin_of(stretch, count)
        found = list(_worked_out(past, replace(stretch, begin=begin), expression))
        if begin == stretch.begin:
            return stretch.chosen(found)
        if len(found) > stretch.limit:
            return stretch.chosen(found[1:])  # without what it held before
        count *= _AHEAD


def _worked_out(past: Past, stretch: Stretch, expression: Computed) -> Iterator[Value]:
    before: int | None = None
    for low, high in past.unedited(stretch.begin, stretch.end):
        by = "" if low == stretch.begin else _DEBUGGER
        for step, pc, value, told in expression.over(replace(stretch, begin=low, end=high)):
            if value != before:
                where, line = (by, "") if pc is None else (past.code(pc), past.line(pc))
                yield Value(past.place(step), Hex(value), told, where, line)
            before = value


def _begin(past: Past, stretch: Stretch, about: Target) -> int:
    """From where on as many changes are as are wanted of the latest."""
    if not stretch.backward or stretch.limit is None:
        return stretch.begin
    asked: dict[str, Any] = {"limit": stretch.limit * max(1, about.size)}
    if about.register:
        what = What.REGISTER
        asked |= {"name": about.register, "mask": about.mask}
    else:
        what = What.WRITTEN
        asked |= {"ranges": (about.range,), "physical": about.physical}
        asked["condition"] = (old & about.mask) != (new & about.mask)
    earliest = [row.step for row in rows(past, stretch, what, **asked)]
    return earliest[-1] if len(earliest) == asked["limit"] else stretch.begin


_Changes = Iterator[tuple[int, int | None, int]]
"""Step, instruction, and all of what is there then."""


def _at(past: Past, about: Target, step: int) -> int:
    with past.staying():
        past.go(step)
        timeline = past.timeline
        if about.register:
            return timeline.cpu.read_register(about.register)
        read = timeline.probe.read_physical if about.physical else timeline.probe.read_memory
        return int.from_bytes(read(about.address, about.size), "little")


def _register(past: Past, stretch: Stretch, about: Target, first: int) -> _Changes:
    asked: dict[str, Any] = {"name": about.register, "mask": about.mask, "limit": stretch.limit}
    for row in rows(past, stretch, What.REGISTER, **asked):
        yield row.step, row.pc, row.new or 0


def _memory(past: Past, stretch: Stretch, about: Target, first: int) -> _Changes:
    found = rows(past, stretch, What.WRITTEN, ranges=(about.range,), physical=about.physical)
    now = bytearray(first.to_bytes(about.size, "little"))
    for step, group in groupby(found, lambda row: row.step):
        pc = None
        for row in group:
            pc = row.pc
            put(now, row.address - about.address, row)
        yield step, pc, int.from_bytes(now, "little")
