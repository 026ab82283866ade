"""What a search backward has found, for the next one: GDB asks again after each hit whose condition
it evaluates itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

from ttd.search.question import Row
from ttd.search.stops import MAX_ROWS
from ttd.stops import Stops
from ttd.values import dataclass

FEW = MAX_ROWS // 8
"""Hits of an interval for which one eight times as long would have been no dearer to remember."""


@dataclass(frozen=True, slots=True)
class KnownHits:
    """All rows of `stops`, which have no conditions, in [low, high), ascending."""

    stops: Stops
    low: int
    high: int
    rows: Sequence[Row]

    def tells(self, stops: Stops, start: int) -> bool:
        """True if the latest hit before `start` is known, unless it is before `low`."""
        return stops == self.stops and self.low < start <= self.high

    def _before(self, step: int) -> int:
        return bisect_left(self.rows, step, key=attrgetter("step"))

    def between(self, low: int, start: int) -> Sequence[Row]:
        """The hits in [low, start). In one step a breakpoint comes before an access: the access is
        the latest."""
        return self.rows[self._before(max(low, self.low)) : self._before(start)]

    def steps_before(self, step: int, most: int) -> list[int]:
        """The latest steps before `step` that have a hit, ascending."""
        found: list[int] = []
        for at in range(self._before(step) - 1, -1, -1):
            there = self.rows[at].step
            if there < self.low or len(found) == most:
                break
            if not found or found[-1] != there:
                found.append(there)
        return found[::-1]

    @property
    def next_length(self) -> int:
        """How many steps before these to search at once."""
        length = self.high - self.low
        return 8 * length if len(self.rows) < FEW else length
