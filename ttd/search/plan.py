"""Which intervals of the past can contain an answer, in the order in which they are to be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ttd.engine.types import Access
from ttd.search.interval import Interval
from ttd.search.question import Question, What
from ttd.snapshot import Snapshots

NEAR = 1000
"""Steps beside the end at which a search begins that are searched first; then `GROWTH` times as
many, and so on up to the next border: one answer is often near."""
GROWTH = 8
_KINDS = {
    What.EXECUTED: (Access.FETCH,),
    What.READ: (Access.READ,),
    What.WRITTEN: (Access.WRITE,),
    What.ACCESSED: (Access.READ, Access.WRITE),
}


def intervals(snapshots: Snapshots, question: Question) -> Iterator[Interval]:
    """Between stored snapshots, of the branch on which the machine is."""
    low, high = question.begin, question.end
    assert high is not None
    if low >= high:
        return
    stored = [s for s in snapshots.steps_between(low + 1, high) if snapshots.is_stored(s)]
    cuts = [low, *stored, high]
    if not question.backward:
        for begin, end in pairwise(cuts):
            if may_contain(snapshots, begin, question):
                yield from _growing(begin, end, question)
        return
    for begin, end in reversed(list(pairwise(cuts))):
        if not may_contain(snapshots, begin, question):
            continue
        at = end
        for away in near_first(end - begin) if end == high else ():
            yield Interval(end - away, at)
            at = end - away
        yield Interval(begin, at)


def _growing(begin: int, end: int, question: Question) -> Iterator[Interval]:
    """An interval; in parts where each step takes long and the first rows may be enough."""
    at = begin
    if question.limit is not None and question.what in (What.REGISTER, What.VALUES):
        for away in near_first(end - begin):
            yield Interval(at, begin + away)
            at = begin + away
    yield Interval(at, end)


def near_first(steps: int, first: int = NEAR) -> Iterator[int]:
    """How far from one end to cut so many steps, for what is near that end to be searched first:
    the part there has `first` of them, the next one more, and so on."""
    away = 0
    while steps - away > 4 * first:
        away += first
        yield away
        first *= GROWTH


def latest_part(
    snapshots: Snapshots, interval: Interval, questions: Sequence[Question], length: int
) -> Interval | None:
    """The last part of an interval that can have rows of these: behind it there are none. None: it
    has none at all.

    Where it is known when code ran it begins at least `length` steps before its end, as far as the
    interval goes; else it is all of it.
    """
    index = snapshots.index
    executed = index.executed(index.number_at(interval.low))
    low, high = interval.low, interval.low
    for question in questions:
        if not may_contain(snapshots, interval.low, question):
            continue
        if question.what is not What.EXECUTED or executed is None:
            return interval
        for r in question.ranges:
            found = executed.latest(r.begin, r.end, interval.low, interval.high)
            if found is not None and found[1] > high:
                low, high = found
    high = min(interval.high, high)
    low = max(interval.low, min(low, high - length))
    return Interval(low, high) if low < high else None


def may_contain(snapshots: Snapshots, low: int, question: Question) -> bool:
    """False if the pages touched in the interval of step `low` exclude a row."""
    kinds = _KINDS.get(question.what)
    if kinds is None:
        return True
    return any(
        snapshots.touched.may_touch(low, kind, r.begin, r.end - r.begin, physical=question.physical)
        for kind in kinds
        for r in question.ranges
    )
