"""Which of some stops one is that was reached: by the place, and by their conditions, which are
worked out with the machine just before it."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.engine.types import Access, WatchHit
from ttd.machine import Machine
from ttd.search.here import Here, is_seen, overlaps
from ttd.search.question import Row, What
from ttd.stops import Breakpoint, Stops, Watchpoint


class Judge:
    """Knows some stops."""

    def __init__(self, machine: Machine, stops: Stops) -> None:
        self._machine = machine
        self._stops = stops

    def breakpoint(self, address: int) -> Breakpoint | None:
        """The first one there whose condition holds."""
        return next((stop for stop in self._at(address) if self._holds(stop)), None)

    def watchpoint(self, hit: WatchHit) -> Watchpoint | None:
        """The first one that sees an access, which has not happened yet, and whose condition
        holds."""
        return next((stop for stop in self._seeing(hit) if self._holds(stop, hit)), None)

    def stops_at(self, row: Row) -> bool:
        """Whether one is reached by a row of a search."""
        if row.kind is What.EXECUTED:
            return self.breakpoint(row.address) is not None
        return self.watchpoint(hit_of(row)) is not None

    def is_certain(self, row: Row) -> bool:
        """Whether one without a condition is reached: nobody has to be there to know."""
        if row.kind is What.EXECUTED:
            return any(stop.condition is None for stop in self._at(row.address))
        near = [stop for stop in self._stops.watchpoints if overlaps(stop, hit_of(row))]
        return any(stop.condition is None and not stop.changes_only for stop in near)

    def _at(self, address: int) -> Iterator[Breakpoint]:
        return (stop for stop in self._stops.breakpoints if stop.address == address)

    def _seeing(self, hit: WatchHit) -> list[Watchpoint]:
        if hit.seen_by is not None:
            return [self._stops.watchpoints[hit.seen_by]]
        near = [stop for stop in self._stops.watchpoints if overlaps(stop, hit)]
        if len(near) < 2:
            return near
        # What a device or an alias holds may look unchanged here: the engine knows better.
        return [stop for stop in near if is_seen(self._machine, stop, hit)] or near

    def _holds(self, stop: Breakpoint | Watchpoint, hit: WatchHit | None = None) -> bool:
        if stop.condition is None:
            return True
        asked = self._machine.interruption
        here = Here(self._machine, stop, hit, interrupted=lambda: asked.asked)
        return stop.condition.holds(here)


def hit_of(row: Row) -> WatchHit:
    """The access that a row tells of."""
    assert row.pc is not None
    kind = Access.READ if row.kind is What.READ else Access.WRITE
    return WatchHit(row.step, row.pc, row.address, row.size, kind, row.new or 0, row.by)
