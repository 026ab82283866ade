"""A question answered by the machine of a timeline: interval by interval, as rows are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from typing import Protocol

from ttd.history.branches import Branches
from ttd.history.place import Place
from ttd.machine import Machine
from ttd.search.plan import intervals
from ttd.search.question import Question, QuestionError, Row
from ttd.search.scan import Interrupted, Interval, Scanned, scan
from ttd.snapshot import Snapshots
from ttd.stops import Stop, whole


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
    def keep_trial(self) -> None:
        """What has been written is meant."""
        ...

    def staying(self) -> AbstractContextManager[None]:
        """Be at the present position again afterwards."""
        ...

    def go_to(self, place: Place) -> Stop: ...


def answer(timeline: Timeline, question: Question) -> Iterator[Row]:
    """The rows of an answer in order, the machine being where it was whenever one is handed out.

    `search.Interrupted` if the timeline is; `QuestionError` for one that says nothing, another
    `UserError` where a condition cannot be worked out, or what is replayed is not the recording.
    """
    question.check()
    return islice(_rows(timeline, question), question.limit)


def _rows(timeline: Timeline, question: Question) -> Iterator[Row]:
    present = timeline.place.branch
    branch = present if question.branch is None else question.branch
    if branch not in {known.id for known in timeline.branches.all}:
        raise QuestionError(f"there is no branch {branch}")
    timeline.keep_trial()
    end = _end(timeline, branch)
    asked = replace(
        question,
        branch=branch,
        begin=max(question.begin, timeline.begin),
        end=end if question.end is None else min(question.end, end),
    )
    for interval in intervals(timeline.snapshots, asked):
        if branch == present:
            yield from _in_order(timeline, interval, asked)
        else:
            yield from _elsewhere(timeline, interval, asked)


def _elsewhere(timeline: Timeline, interval: Interval, question: Question) -> list[Row]:
    """Rows of an interval of another branch."""
    assert question.branch is not None
    home = timeline.place
    try:
        whole(lambda: timeline.go_to(Place(question.branch or 0, interval.low)))
        return list(_in_order(timeline, interval, question))
    finally:
        whole(lambda: timeline.go_to(home))


def _in_order(timeline: Timeline, interval: Interval, question: Question) -> Iterator[Row]:
    """All rows of an interval, as many at a time as one scan gives."""
    while interval.low < interval.high:
        found = _scanned(timeline, interval, question)
        if question.backward:
            yield from reversed(found.rows)
            interval = Interval(interval.low, found.low)
        else:
            yield from found.rows
            interval = Interval(found.high, interval.high)


def _scanned(timeline: Timeline, interval: Interval, question: Question) -> Scanned:
    machine = timeline.machine
    with timeline.staying():
        if machine.interruption.asked:
            machine.interruption.answer()
            raise Interrupted
        try:
            return scan(machine, timeline.snapshots, interval, question)
        except Interrupted:
            machine.interruption.answer()
            raise


def _end(timeline: Timeline, branch: int) -> int:
    if branch == timeline.place.branch:
        return timeline.end
    return next(known.status.steps for known in timeline.branches.all if known.id == branch)
