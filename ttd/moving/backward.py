"""Going back to the latest position at which something would have stopped the machine."""

from __future__ import annotations

from ttd.engine import Access
from ttd.engine.types import WatchHit
from ttd.moving.forward import Forward
from ttd.moving.known_hits import KnownHits
from ttd.moving.legs import NO_STOPS, SHORT, Legs
from ttd.moving.tell import Teller
from ttd.search.interval import Interval
from ttd.search.question import Row, What
from ttd.search.stops import known_rows, questions_of, scanned_rows
from ttd.stops import Stop, Stops, Why

SHORTEST_SEARCH = 20_000
"""Steps between snapshots in memory that make a search in between worth its restart."""
NEAR = 1000
"""Steps before the present that are searched first; then eight times as many, and so on."""
BATCH = 16
"""Hits that are made directly reachable when one after the other is asked for."""
PIECES = 64
"""Into which an interval with known hits is cut, for the way to one of them to be short."""

BreakHit = tuple[int, int]
"""(step, address)."""


def _hit(row: Row) -> BreakHit | WatchHit:
    """Where a stop would have been, of a row of a search."""
    assert row.pc is not None
    if row.kind is What.EXECUTED:
        return row.step, row.pc
    kind = Access.READ if row.kind is What.READ else Access.WRITE
    return WatchHit(row.step, row.pc, row.address, row.size, kind, row.new or 0, row.by)


class Backward:
    """Searches the past of a machine, interval by interval, and takes it to what is found."""

    def __init__(self, legs: Legs, forward: Forward, teller: Teller) -> None:
        self._legs = legs
        self._snapshots = legs.snapshots
        self._forward = forward
        self._teller = teller
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
        start = legs.position
        if start <= low:
            return tell(Why.HISTORY_BEGIN if low == legs.begin else Why.STEPS)
        known, high, length = self._known, start, NEAR
        if known is not None and known.tells(stops, start):
            hit = known.latest(low, start)
            if hit is not None:
                with self._forward.stopping_at(stops):
                    found = self._land_among(_hit(hit), known, stops)
                    return found or tell(Why.INTERRUPTED)
            high, length = max(low, known.low), known.next_length
        home = self._snapshots.remember()
        borders = self._borders(low, high, length)
        try:
            with self._forward.stopping_at(stops):
                while borders:
                    border = borders.pop()
                    if border < high and self.may_contain(border, high, stops):
                        found = self._search(max(border, low), high, stops)
                        if found is not None:
                            return found
                    high = border
                    if legs.interruption.asked:
                        self._snapshots.restore(home)
                        return tell(Why.INTERRUPTED)
                    legs.report((start - border) / max(1, start - low), "searching backward")
            if not legs.go(low):
                self._snapshots.restore(home)
                return tell(Why.INTERRUPTED)
            return tell(Why.HISTORY_BEGIN if until is None else Why.STEPS)
        finally:
            legs.arm(NO_STOPS)

    # -- searching -------------------------------------------------------------------------

    def _borders(self, low: int, start: int, length: int) -> list[int]:
        """Where to cut [low, start) into intervals that are searched one by one, ascending; the
        last of them has about `length` steps."""
        borders: list[int] = []
        shortest = max(SHORTEST_SEARCH, length)
        for step in reversed(self._snapshots.steps_between(low + 1, start)):
            last = borders[-1] if borders else start
            if last - step >= shortest or self._snapshots.is_stored(step):
                borders.append(step)
        # One hit is often followed by the search for the one before: what is near comes first.
        # (Not beyond the next border: what an interval has touched is asked for where it begins.)
        last, at, size = borders[0] if borders else low, start, length
        near = []
        while at - last > 4 * size:
            at -= size
            near.append(at)
            size *= 8
        return [low, *reversed(borders), *reversed(near)]

    def may_contain(self, low: int, high: int, stops: Stops) -> bool:
        """False if the pages touched in the interval that begins at `low` exclude a hit."""
        if not stops.breakpoints and not stops.watchpoints:
            return False
        if known_rows(self._snapshots, Interval(low, high), questions_of(stops)) == []:
            return False
        wanted: list[tuple[Access, int, int]] = [
            (Access.FETCH, b.address, 1) for b in stops.breakpoints
        ]
        for watch in stops.watchpoints:
            wanted += [
                (kind, watch.address, watch.length)
                for kind in (Access.READ, Access.WRITE)
                if watch.kind & kind
            ]
        return any(self._snapshots.may_touch(low, *access) for access in wanted)

    def _search(self, low: int, high: int, stops: Stops) -> Stop | None:
        """The latest hit in [low, high), with the machine taken there."""
        if stops.conditional:
            return self._search_conditional(low, high, stops)
        legs = self._legs
        interval, questions = Interval(low, high), questions_of(stops)
        rows, first = known_rows(self._snapshots, interval, questions), low
        if rows is None:
            if not legs.go(low):
                return None
            legs.arm(NO_STOPS)
            found = scanned_rows(self._snapshots, interval, questions, lambda: legs.run_to(high))
            if found is None:
                return None
            rows, first = found
        self._known = KnownHits(stops, first, high, rows)
        hit = self._known.latest(low, high)
        return None if hit is None else self._land(_hit(hit), stops)

    def _search_conditional(self, low: int, high: int, stops: Stops) -> Stop | None:
        """As `_search`, stopping at every hit to evaluate its condition."""
        legs = self._legs
        if not legs.go(low):
            return None
        last: BreakHit | WatchHit | None = None
        past: int | None = None
        while True:
            stop = self._forward.run(high, report=False, past=past)
            if stop.breakpoint is not None:
                # Not PC: a position may be followed by a reset that leads to the breakpoint.
                last, past = (stop.step, stop.breakpoint.address), stop.step
                continue
            if stop.why is Why.WATCHPOINT:
                last = stop.watch
            elif stop.why is Why.INTERRUPTED:
                legs.interruption.ask()
                return None
            else:
                break
            # One step without stops.
            legs.arm(NO_STOPS)
            legs.run_to(legs.position + 1)
            if legs.position >= high:
                break
        return None if last is None else self._land(last, stops)

    # -- landing ---------------------------------------------------------------------------

    def _land(self, hit: BreakHit | WatchHit, stops: Stops) -> Stop | None:
        """Go to a hit. None if interrupted."""
        legs, forward = self._legs, self._forward
        if isinstance(hit, WatchHit):
            if not legs.go(hit.step):
                return None
            found = (w for w in forward.watchpoints_of(hit) if forward.holds(w, hit))
            return self._teller.stop(Why.WATCHPOINT, watch=hit, watchpoint=next(found, None))
        if not legs.go(hit[0]):
            return None
        breakpoint_ = next(b for b in stops.breakpoints if b.address == hit[1])
        return self._teller.stop(Why.BREAKPOINT, breakpoint_=breakpoint_)

    def _land_among(self, hit: BreakHit | WatchHit, known: KnownHits, stops: Stops) -> Stop | None:
        """As `_land`, when those before it are likely to be asked for next: make them near."""
        legs, snapshots = self._legs, self._snapshots
        step = hit.step if isinstance(hit, WatchHit) else hit[0]
        if not snapshots.is_near(step, 0):
            home = snapshots.remember()
            steps = known.steps_before(step + 1, BATCH)
            legs.arm(NO_STOPS)
            snapshots.go_back(steps[0])
            for at in (*self._stations(steps[0], known), *steps):
                if not legs.run_to(at):
                    snapshots.restore(home)
                    return None
                snapshots.remember()
        return self._land(hit, stops)

    def _stations(self, target: int, known: KnownHits) -> list[int]:
        """Places on the way to `target` where those hits begin that will be asked for later."""
        length = max(SHORT, (known.high - known.low) // PIECES)
        at, found = target, list[int]()
        while (steps := known.steps_before(at - length, BATCH)) and steps[0] > self._legs.position:
            at = steps[0]
            found.append(at)
        return found[::-1]
