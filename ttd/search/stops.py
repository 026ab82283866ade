"""What stops would have stopped at, as questions: so `reverse-continue` is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import merge
from operator import attrgetter

from ttd.engine.types import Access
from ttd.search.interval import Interval
from ttd.search.kept import keep, recall
from ttd.search.plan import may_contain
from ttd.search.question import Question, Range, Row, What
from ttd.search.scan import rows_of, wanted
from ttd.snapshot import Snapshots
from ttd.stops import Stops

MAX_ROWS = 16384
"""Rows of instructions, and as many of accesses, that are noted at once: the latest."""
_WHAT = {
    Access.READ: What.READ,
    Access.WRITE: What.WRITTEN,
    Access.READ | Access.WRITE: What.ACCESSED,
}


def without_conditions(stops: Stops) -> Stops:
    """The same places: what a search notes."""
    return Stops(
        tuple(replace(stop, condition=None) for stop in stops.breakpoints),
        tuple(replace(stop, condition=None) for stop in stops.watchpoints),
    )


def questions_of(stops: Stops) -> list[Question]:
    """One for each stop, without its condition."""
    code = [
        Question(What.EXECUTED, (Range(address, address + 1),))
        for address in sorted({b.address for b in stops.breakpoints})
    ]
    memory = [
        Question(
            _WHAT[watch.kind],
            (Range(watch.address, watch.address + watch.length),),
            changes=watch.changes_only,
        )
        for watch in stops.watchpoints
    ]
    return code + memory


def may_have_rows(snapshots: Snapshots, interval: Interval, questions: Sequence[Question]) -> bool:
    """False if what is known of an interval excludes rows of all of these questions."""
    return known_rows(snapshots, interval, questions) != [] and any(
        may_contain(snapshots, interval.low, question) for question in questions
    )


def known_rows(
    snapshots: Snapshots, interval: Interval, questions: Sequence[Question]
) -> list[Row] | None:
    """The rows of all questions by ascending steps; None if those of one are not known."""
    found = list[list[Row]]()
    for question in questions:
        rows = recall(snapshots, interval, question)
        if rows is None:
            return None
        found.append(rows)
    return list(merge(*found, key=attrgetter("step")))


def scanned_rows(
    snapshots: Snapshots,
    interval: Interval,
    questions: Sequence[Question],
    run: Callable[[], bool],
) -> tuple[list[Row], int] | None:
    """The same by running once: the latest rows, and the step from which on they are all. `run`
    leads from the begin of the interval to where there are no more; None if that says False."""
    engine = snapshots.machine.engine
    with engine.collecting(wanted(questions), MAX_ROWS):
        if not run():
            return None
    noted = engine.collected()
    rows = list(rows_of(noted))
    first = max(interval.low, noted.complete_from)
    if rows and first > rows[-1].step:
        return rows, rows[-1].step  # there are more of this step, and before
    for question in questions:
        keep(
            snapshots,
            Interval(first, interval.high),
            question,
            [row for row in rows if _answers(row, question) and first <= row.step],
        )
    return rows, first


def _answers(row: Row, question: Question) -> bool:
    if row.kind is not question.what and not (
        question.what is What.ACCESSED and row.kind in (What.READ, What.WRITTEN)
    ):
        return False
    if row.kind is What.EXECUTED:
        return any(r.begin <= row.address < r.end for r in question.ranges)
    return any(row.address < r.end and r.begin < row.address + row.size for r in question.ranges)
