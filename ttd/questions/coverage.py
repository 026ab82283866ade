"""`coverage`: which lines were executed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ttd.errors import UserError
from ttd.index import Ranges
from ttd.questions.past import Interrupted, Past, Stretch
from ttd.questions.row import Sum
from ttd.recording.events import MARKS
from ttd.runs import RunEnd
from ttd.values import dataclass

_MARCH = 10_000_000
"""Steps run between two looks at what they have reached."""
_FEWEST = 1000
_ONE = 1
"""Bytes of an instruction that are enough to tell its line."""


class Called(NamedTuple):
    """A function of a file."""

    name: str
    line: int
    executed: bool


@dataclass(frozen=True, slots=True)
class Covered(Sum):
    """The lines of a source that have code, and which of them were executed: in part at least."""

    file: str
    """As the compiler was given it."""
    executed: tuple[int, ...]
    missed: tuple[int, ...]
    functions: tuple[Called, ...]

    @property
    def percent(self) -> float:
        return 100 * len(self.executed) / (len(self.executed) + len(self.missed))

    @property
    def text(self) -> str:
        lines = len(self.executed) + len(self.missed)
        missed = f"  not {_spans(self.missed)}" if self.missed else ""
        return f"{self.percent:5.1f} %  {len(self.executed)} of {lines} lines  {self.file}{missed}"


def coverage(past: Past, stretch: Stretch) -> list[Covered]:
    """Of each source, by name; `UserError` if no program says which lines its code is of.

    What whole intervals between snapshots have executed is in the recording; others are replayed.
    """
    reached = executed(past, stretch.begin, stretch.end)
    lines: dict[str, dict[int, bool]] = {}
    for line in past.program.all_lines():
        known = lines.setdefault(line.file, {})
        known[line.number] = known.get(line.number, False) or reached.meets(line.start, line.end)
    if not lines:
        raise UserError("No program here says which lines of a source its code is of.")
    functions: dict[str, set[Called]] = {}
    for function in past.program.all_functions():
        at = past.program.line_at(function.start)
        if at is not None:
            ran = reached.meets(function.start, function.start + 1)
            functions.setdefault(at.file, set()).add(Called(function.name, at.number, ran))
    return [
        Covered(
            file,
            tuple(sorted(line for line, ran in known.items() if ran)),
            tuple(sorted(line for line, ran in known.items() if not ran)),
            tuple(sorted(functions.get(file, ()), key=lambda each: (each.line, each.name))),
        )
        for file, known in sorted(lines.items())
    ][: stretch.limit]


def executed(past: Past, begin: int, end: int) -> Ranges:
    """The code that steps from `begin` to before `end` have reached."""
    index = past.snapshots.index
    cuts = [step for step in past.snapshots.recording.snapshots.steps if begin < step < end]
    found = set[tuple[int, int]]()
    with past.staying():
        for low, high in zip([begin, *cuts], [*cuts, end], strict=True):
            number = index.number_at(low)
            known = index.executed(number) if index.span(number) == (low, high) else None
            found.update(_replayed(past, low, high) if known is None else known.ranges)
            past.report((high - begin) / max(1, end - begin))
    return Ranges.of(found)


def _replayed(past: Past, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The same of a part in which there is no stored snapshot but at its ends."""
    past.go(low)
    march = _MARCH
    while (here := past.timeline.position) < high - 1:
        # Here what the engine has reached begins anew.
        past.snapshots.capture()
        # At a stored snapshot it does so by itself: the step before that is made alone.
        _run(past, min(high - 1, here + march))
        reached = past.machine.engine.code_reached()
        if reached is None and march > _FEWEST:
            march //= 8
            past.go(here)
            continue
        if reached is not None:
            yield from zip(reached.begins, reached.ends, strict=True)
    if low < high and not any(past.log.select(MARKS, high - 1, high - 1)):
        pc = past.machine.engine.pc
        yield pc, pc + _ONE


def _run(past: Past, limit: int) -> None:
    """Forward, over no snapshot that may be on the way."""
    stop = past.machine.run(limit)
    if stop.end is RunEnd.INTERRUPTED:
        past.machine.interruption.answer()
        raise Interrupted


def lcov(files: Sequence[Covered]) -> Iterator[str]:
    """Lines of a tracefile (geninfo(1)), for genhtml and IDEs; a line ran once or never."""
    for each in files:
        yield "TN:"
        yield f"SF:{each.file}"
        for function in each.functions:
            yield f"FN:{function.line},{function.name}"
        for function in each.functions:
            yield f"FNDA:{int(function.executed)},{function.name}"
        yield f"FNF:{len(each.functions)}"
        yield f"FNH:{sum(function.executed for function in each.functions)}"
        ran = set(each.executed)
        for line in sorted((*each.executed, *each.missed)):
            yield f"DA:{line},{int(line in ran)}"
        yield f"LF:{len(each.executed) + len(each.missed)}"
        yield f"LH:{len(each.executed)}"
        yield "end_of_record"


def _spans(lines: Sequence[int]) -> str:
    """`3-5, 9`"""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(f"{a}-{b}" if a != b else f"{a}" for a, b in found)
