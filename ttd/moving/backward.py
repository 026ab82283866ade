"""Going back to the latest position at which something would have stopped the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from ttd.errors import UserError
from ttd.moving.known_hits import KnownHits
from ttd.moving.landing import Landing
from ttd.moving.legs import NO_STOPS, SHORT, Legs
from ttd.moving.tell import Teller
from ttd.search.holding import holding
from ttd.search.interval import Interval
from ttd.search.kept import keep
from ttd.search.others import Pool, awaited, handed_out
from ttd.search.plan import GROWTH, NEAR, latest_part, near_first
from ttd.search.question import Row, What
from ttd.search.scan import Interrupted
from ttd.search.stops import (
    known_rows,
    may_have_rows,
    questions_of,
    scanned_rows,
    without_conditions,
)
from ttd.stops import Stop, Stops, Why

SHORTEST_SEARCH = 20_000
"""Steps between snapshots in memory that make a search in between worth its restart."""
BATCH = 16
"""Hits that are made directly reachable when one after the other is asked for."""
PIECES = 64
"""Into which an interval with known hits is cut, for the way to one of them to be short."""
WORTH = 2
"""Times as many intervals as others take at once have to be left for them to be asked."""


class Backward:
    """Goes back in the history of a machine."""

    def __init__(
        self, legs: Legs, teller: Teller, helpers: Callable[[], tuple[Pool, int] | None]
    ) -> None:
        """`helpers`: others who can search the present branch, and its number."""
        self._legs = legs
        self._teller = teller
        self._helpers = helpers
        self._known: KnownHits | None = None
        """Of the latest interval that has been scanned."""

    def forget(self) -> None:
        """What has been found is of another history."""
        self._known = None

    def run(self, stops: Stops, until: int | None = None) -> Stop:
        """Go back to the latest position before the present at which something hits.

        Without a hit: to `until`, or to the beginning. Interrupted, the present position is kept.
        """
        legs, tell = self._legs, self._teller.stop
        low = legs.begin if until is None else max(until, legs.begin)
        if legs.position <= low:
            return tell(Why.HISTORY_BEGIN if low == legs.begin else Why.STEPS)
        landing = Landing(legs, self._teller, stops)
        search = _Search(landing, stops, low, legs.position)
        try:
            row = self._latest(search)
            if row is not None:
                return landing.land(row)
            landing.go(low)
        except Interrupted:
            landing.go_home()
            return tell(Why.INTERRUPTED)
        finally:
            legs.arm(NO_STOPS)
        return tell(Why.HISTORY_BEGIN if until is None else Why.STEPS)

    # -- searching -------------------------------------------------------------------------

    def _latest(self, search: _Search) -> Row | None:
        """The row to go to."""
        known, length = self._known, NEAR
        if known is not None and known.tells(search.sought, search.high):
            row = search.chosen(known.between(search.low, search.high))
            if row is not None:
                self._make_near(search, row, known)
                return row
            search.high, length = max(search.low, known.low), known.next_length
            search.length = length
        helpers = self._helpers()
        left = self._intervals(search, length)
        for interval in left if helpers is None else islice(left, helpers[0].alone):
            row = self._in(search, interval)
            if row is not None:
                return row
        if helpers is None:
            return None
        try:
            return self._by_others(search, left, *helpers)
        except UserError:  # their answers are not needed
            for interval in self._intervals(search, length):
                row = self._in(search, interval)
                if row is not None:
                    return row
        return None

    def _intervals(self, search: _Search, length: int) -> Iterator[Interval]:
        """Those that can have a hit, the latest first."""
        snapshots, high = self._legs.snapshots, search.high
        borders = self._borders(search.low, high, length)
        while borders:
            border = borders.pop()
            if self._legs.interruption.asked:
                raise Interrupted
            interval = Interval(border, high)
            if border < high and may_have_rows(snapshots, interval, search.questions):
                yield interval
            high = border

    def _borders(self, low: int, start: int, length: int) -> list[int]:
        """Where to cut [low, start) into intervals that are searched one by one, ascending; the
        last of them has about `length` steps."""
        snapshots = self._legs.snapshots
        borders: list[int] = []
        shortest = max(SHORTEST_SEARCH, length)
        for step in reversed(snapshots.steps_between(low + 1, start)):
            last = borders[-1] if borders else start
            if last - step >= shortest or snapshots.is_stored(step):
                borders.append(step)
        # One hit is often followed by the search for the one before: what is near comes first.
        # (Not beyond the next border: what an interval has touched is asked for where it begins.)
        steps = start - (borders[0] if borders else low)
        near = [start - away for away in near_first(steps, length)]
        return [low, *reversed(borders), *reversed(near)]

    def _in(self, search: _Search, interval: Interval) -> Row | None:
        """The latest hit in an interval."""
        low, high = interval.low, interval.high
        while low < high:
            rows, first = self._rows(search, Interval(low, high), interval.high - high)
            row = self._among(search, rows, Interval(first, high))
            if row is not None:
                return row
            high = first
        self._done(search, interval)
        return None

    def _rows(self, search: _Search, interval: Interval, searched: int) -> tuple[list[Row], int]:
        """The latest rows, and the step from which on they are all. `searched`: so many steps
        behind the interval had none."""
        legs, snapshots, questions = self._legs, self._legs.snapshots, search.questions
        rows = known_rows(snapshots, interval, questions)
        if rows is not None:
            return rows, interval.low
        length = max(search.length, GROWTH * searched)
        part = latest_part(snapshots, interval, questions, length)
        if part is None:
            return [], interval.low
        search.landing.go(part.low)
        legs.arm(NO_STOPS)
        known = Interval(part.low, interval.high)
        found = scanned_rows(snapshots, known, questions, lambda: legs.run_to(part.high))
        if found is None:
            raise Interrupted
        return found

    def _among(self, search: _Search, rows: list[Row], interval: Interval) -> Row | None:
        """The latest hit among all rows of an interval, which are kept for the next search."""
        known = KnownHits(search.sought, interval.low, interval.high, rows)
        self._known = known
        return search.chosen(known.between(search.low, interval.high))

    def _done(self, search: _Search, interval: Interval) -> None:
        """There is no hit from here on."""
        search.high = interval.low
        length = max(1, search.start - search.low)
        self._legs.report((search.start - search.high) / length, "searching backward")

    # -- with the help of others -------------------------------------------------------------

    def _by_others(
        self, search: _Search, left: Iterator[Interval], pool: Pool, branch: int
    ) -> Row | None:
        """The latest hit in what is left, if that is enough for others to be asked. `UserError` if
        they give no answer."""
        ahead = list(islice(left, WORTH * pool.ahead))
        if len(ahead) < WORTH * pool.ahead:
            rows = (self._in(search, interval) for interval in ahead)
            return next((row for row in rows if row is not None), None)
        snapshots = self._legs.snapshots
        backward = [replace(question, backward=True) for question in search.questions]

        def is_known(interval: Interval) -> bool:
            return known_rows(snapshots, interval, backward) is not None

        for interval, tickets in handed_out(pool, branch, chain(ahead, left), backward, is_known):
            for ticket, question in zip(tickets, backward, strict=False):
                found = awaited(self._legs.interruption, ticket)
                keep(snapshots, Interval(found.low, found.high), question, found.rows)
            row = self._in(search, interval)
            if row is not None:
                return row
        return None

    # -- what is likely to be asked for next -------------------------------------------------

    def _make_near(self, search: _Search, row: Row, known: KnownHits) -> None:
        """Make a hit, and those before it, directly reachable."""
        legs, snapshots = self._legs, self._legs.snapshots
        if snapshots.is_near(row.step, 0):
            return
        search.landing.remember_home()
        steps = known.steps_before(row.step + 1, BATCH)
        legs.arm(NO_STOPS)
        snapshots.go_back(steps[0])
        for at in (*self._stations(steps[0], known), *steps):
            if not legs.run_to(at):
                raise Interrupted
            snapshots.remember()

    def _stations(self, target: int, known: KnownHits) -> list[int]:
        """Places on the way to `target` where those hits begin that will be asked for later."""
        length = max(SHORT, (known.high - known.low) // PIECES)
        at, found = target, list[int]()
        while (steps := known.steps_before(at - length, BATCH)) and steps[0] > self._legs.position:
            at = steps[0]
            found.append(at)
        return found[::-1]


class _Search:
    """What one movement looks for."""

    def __init__(self, landing: Landing, stops: Stops, low: int, start: int) -> None:
        self.landing = landing
        self.sought = without_conditions(stops)
        self.questions = questions_of(stops)
        self.low = low
        self.start = start
        self.high = start
        """From here on there is no hit."""
        self.length = 0
        """Steps to search at once, or more."""
        self._all = self.sought == stops

    def chosen(self, rows: Sequence[Row]) -> Row | None:
        """The latest that is a stop; of several accesses of its step, with conditions, the first
        that is one."""
        if self._all:
            return rows[-1] if rows else None
        held, _ = holding(rows, self.landing.holds, backward=True, limit=1)
        if not held:
            return None
        last = (row for row in held if row.step == held[-1].step)
        return next((row for row in last if row.kind is not What.EXECUTED), held[-1])
