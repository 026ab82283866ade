"""A question answered by the machine of a timeline, or by its workers: interval by interval, as
rows are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import islice
from typing import Protocol

from ttd.history.branches import Branches
from ttd.history.place import Place
from ttd.history.trials import Trials
from ttd.machine import Machine
from ttd.search.interval import Interval
from ttd.search.kept import keep, recall
from ttd.search.others import Pool, Ticket, awaited, handed_out
from ttd.search.plan import intervals
from ttd.search.question import Question, QuestionError, Row
from ttd.search.scan import Interrupted, Scanned, scan
from ttd.snapshot import Snapshots
from ttd.stops import Stop, whole

Report = Callable[[float], None]
"""Is told which fraction of the steps has been searched."""


class Timeline(Protocol):
    """Whose machine it is: `ttd.timeline.Timeline`, as much of it as is asked for."""

    @property
    def machine(self) -> Machine: ...
    @property
    def snapshots(self) -> Snapshots: ...
    @property
    def branches(self) -> Branches: ...
    @property
    def place(self) -> Place: ...
    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def pool(self) -> Pool | None: ...
    @property
    def trials(self) -> Trials: ...

    def staying(self) -> AbstractContextManager[None]:
        """Be at the present position again afterwards."""
        ...

    def go_to(self, place: Place) -> Stop: ...


def answer(timeline: Timeline, question: Question, report: Report | None = None) -> Iterator[Row]:
    """The rows of an answer in order, the machine being where it was whenever one is handed out.

    `search.Interrupted` if the timeline is; `QuestionError` for one that says nothing, another
    `UserError` where a condition cannot be worked out, or what is replayed is not the recording.
    """
    question.check()
    return islice(_rows(timeline, question, report or _nobody), question.limit)


def _nobody(done: float) -> None:
    pass


def _rows(timeline: Timeline, question: Question, report: Report) -> Iterator[Row]:
    present = timeline.place.branch
    branch = present if question.branch is None else question.branch
    if branch not in {known.id for known in timeline.branches.all}:
        raise QuestionError(f"there is no branch {branch}")
    timeline.trials.keep()
    end = _end(timeline, branch)
    asked = replace(
        question,
        branch=branch,
        begin=max(question.begin, timeline.begin),
        end=end if question.end is None else min(question.end, end),
    )
    assert asked.end is not None
    length = max(1, asked.end - asked.begin)
    pool = timeline.pool
    if pool is not None and pool.can(branch):
        found = _by_others(timeline, pool, asked)
    else:
        found = _here(timeline, asked)
    for interval, rows in found:
        yield from rows
        done = asked.end - interval.low if question.backward else interval.high - asked.begin
        report(done / length)


_Answers = Iterator[tuple[Interval, Iterator[Row]]]
"""Of one interval after the other."""


def _here(timeline: Timeline, asked: Question) -> _Answers:
    left = intervals(timeline.snapshots, asked)
    if asked.branch == timeline.place.branch:
        for interval in left:
            yield interval, _in_order(timeline, interval, asked)
        return
    while True:
        # What there is of a branch is known on it only: the plan goes on there, too.
        with _elsewhere(timeline, asked):
            found = [(each, list(_in_order(timeline, each, asked))) for each in islice(left, 1)]
        if not found:
            return
        for interval, rows in found:
            yield interval, iter(rows)


def _by_others(timeline: Timeline, pool: Pool, asked: Question) -> _Answers:
    """The same, where others work on the next ones meanwhile."""
    branch = asked.branch
    assert branch is not None
    left = intervals(timeline.snapshots, asked)
    if branch == timeline.place.branch:
        for interval in islice(left, pool.alone):
            yield interval, _in_order(timeline, interval, asked)
    else:
        with _elsewhere(timeline, asked):
            left = iter(list(left))

    def is_known(interval: Interval) -> bool:
        return _is_known(timeline, interval, asked)

    for interval, tickets in handed_out(pool, branch, left, [asked], is_known):
        if tickets:
            yield interval, _of_others(timeline, pool, interval, tickets[0], asked)
        else:
            yield interval, _in_order(timeline, interval, asked)


def _is_known(timeline: Timeline, interval: Interval, asked: Question) -> bool:
    """Nothing has to be run for it."""
    return (
        asked.branch == timeline.place.branch
        and recall(timeline.snapshots, interval, asked) is not None
    )


def _of_others(
    timeline: Timeline, pool: Pool, interval: Interval, ticket: Ticket, asked: Question
) -> Iterator[Row]:
    while True:
        found = _awaited(timeline, ticket)
        if asked.condition is None and asked.branch == timeline.place.branch:
            keep(timeline.snapshots, Interval(found.low, found.high), asked, found.rows)
        yield from reversed(found.rows) if asked.backward else found.rows
        interval = found.rest(interval, asked.backward)
        if interval.low >= interval.high:
            return
        ticket = pool.scan(asked.branch or 0, interval, asked)


def _awaited(timeline: Timeline, ticket: Ticket) -> Scanned:
    interruption = timeline.machine.interruption
    try:
        return awaited(interruption, ticket)
    except Interrupted:
        interruption.answer()
        raise


@contextmanager
def _elsewhere(timeline: Timeline, asked: Question) -> Iterator[None]:
    """Be on the branch that is asked about meanwhile."""
    home = timeline.place
    try:
        whole(lambda: timeline.go_to(Place(asked.branch or 0, asked.begin)))
        yield
    finally:
        whole(lambda: timeline.go_to(home))


def _in_order(timeline: Timeline, interval: Interval, question: Question) -> Iterator[Row]:
    """All rows of an interval, as many at a time as one scan gives."""
    while interval.low < interval.high:
        found = _scanned(timeline, interval, question)
        yield from reversed(found.rows) if question.backward else found.rows
        interval = found.rest(interval, question.backward)


def _scanned(timeline: Timeline, interval: Interval, question: Question) -> Scanned:
    machine = timeline.machine
    if machine.interruption.asked:
        machine.interruption.answer()
        raise Interrupted
    if question.condition is None:
        known = recall(timeline.snapshots, interval, question)
        if known is not None:  # the machine need not move
            return Scanned(known, interval.low, interval.high)
    with timeline.staying():
        try:
            return scan(machine, timeline.snapshots, interval, question)
        except Interrupted:
            machine.interruption.answer()
            raise


def _end(timeline: Timeline, branch: int) -> int:
    if branch == timeline.place.branch:
        return timeline.end
    return next(known.status.steps for known in timeline.branches.all if known.id == branch)
