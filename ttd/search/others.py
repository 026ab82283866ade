"""Intervals that others work on, some ahead of the one that is wanted next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from ttd.runs import Interruption
from ttd.search.interval import Interval
from ttd.search.question import Question
from ttd.search.scan import Interrupted, Scanned

_LOOK = 0.05
"""Seconds between two looks whether somebody wants an end."""


class Ticket(Protocol):
    """Rows of an interval that somebody else works out."""

    def wait(self, seconds: float) -> Scanned | None:
        """None: not yet. `UserError` if there is no answer."""
        ...

    def cancel(self) -> None:
        """Nobody needs them any more."""
        ...


class Pool(Protocol):
    """Others who scan intervals: `ttd.workers`."""

    ahead: int
    """Intervals that they are given at the same time."""
    alone: int
    """So many come first that they are not needed for: most questions are answered by then."""

    def can(self, branch: int) -> bool:
        """Whether they know that branch as it is."""
        ...

    def scan(self, branch: int, interval: Interval, question: Question) -> Ticket: ...


def handed_out(
    pool: Pool,
    branch: int,
    intervals: Iterator[Interval],
    questions: Sequence[Question],
    is_known: Callable[[Interval], bool],
) -> Iterator[tuple[Interval, list[Ticket]]]:
    """Intervals in their order, with a ticket for each question; with none where nothing has to be
    run."""
    given: deque[tuple[Interval, list[Ticket]]] = deque()
    try:
        while True:
            for interval in islice(intervals, pool.ahead - len(given)):
                known = is_known(interval)
                asked = () if known else questions
                given.append((interval, [pool.scan(branch, interval, each) for each in asked]))
                if known and len(given) == 1:
                    break  # nobody may want more than what is known
            if not given:
                return
            yield given.popleft()
    finally:
        for _, tickets in given:
            for ticket in tickets:
                ticket.cancel()


def awaited(interruption: Interruption, ticket: Ticket) -> Scanned:
    """The rows, when they are there. `Interrupted`, which is not answered then."""
    while True:
        if interruption.asked:
            ticket.cancel()
            raise Interrupted
        found = ticket.wait(_LOOK)
        if found is not None:
            return found
