"""Which intervals of the past can contain an answer, in the order in which they are to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ttd.engine.types import Access
from ttd.search.interval import Interval
from ttd.search.question import Question, What
from ttd.snapshot import Snapshots

NEAR = 1000
"""Steps before the end of a question that are searched first, backward; then eight times as many,
and so on up to the next border: one answer is often near."""
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
        at, size = end, NEAR
        while end == high and at - begin > 4 * size:
            yield Interval(at - size, at)
            at -= size
            size *= 8
        yield Interval(begin, at)


def _growing(begin: int, end: int, question: Question) -> Iterator[Interval]:
    """An interval; in parts where each step takes long and the first rows may be enough."""
    at, size = begin, NEAR
    if question.limit is not None and question.what in (What.REGISTER, What.VALUES):
        while end - at > 4 * size:
            yield Interval(at, at + size)
            at += size
            size *= 8
    yield Interval(at, end)


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
