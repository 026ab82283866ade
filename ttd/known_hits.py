"""What a search backward has found, for the next one: GDB asks again after each hit whose condition
it evaluates itself."""

from __future__ import annotations

from ttd.engine.hits import HitRow
from ttd.engine.stops import MAX_HITS
from ttd.engine.types import WatchHit
from ttd.stops import Stops
from ttd.values import dataclass

BreakHit = tuple[int, int]
"""(step, address)."""
FEW = MAX_HITS // 8
"""Hits of an interval for which one eight times as long would have been no dearer to remember."""


@dataclass(frozen=True, slots=True)
class KnownHits:
    """All hits of `stops`, which have no conditions, in [low, high)."""

    stops: Stops
    low: int
    high: int
    breaks: HitRow[BreakHit]
    watches: HitRow[WatchHit]

    @staticmethod
    def scanned(
        stops: Stops, low: int, high: int, rows: tuple[HitRow[BreakHit], HitRow[WatchHit]]
    ) -> KnownHits:
        """After a scan of [low, high), of which the earliest hits may have been forgotten."""
        breaks, watches = rows
        first = max(low, breaks.complete_from, watches.complete_from)
        return KnownHits(stops, first, high, breaks, watches)

    def tells(self, stops: Stops, start: int) -> bool:
        """True if the latest hit before `start` is known, unless it is before `low`."""
        return stops == self.stops and self.low < start <= self.high

    def latest(self, low: int, start: int) -> BreakHit | WatchHit | None:
        """The latest hit in [low, start). In one step a breakpoint comes before an access."""
        hit, watch = self.breaks.before(start), self.watches.before(start)
        if hit is not None and hit[0] < low:
            hit = None
        if watch is not None and watch.step < low:
            watch = None
        if watch is not None and (hit is None or watch.step >= hit[0]):
            return watch
        return hit

    def steps_before(self, step: int, most: int) -> list[int]:
        """The latest steps before `step` that have a hit, ascending."""
        both = {*self.breaks.steps_before(step, most), *self.watches.steps_before(step, most)}
        return [at for at in sorted(both) if at >= self.low][-most:]

    @property
    def next_length(self) -> int:
        """How many steps before these to search at once."""
        length = self.high - self.low
        return 8 * length if len(self.breaks) + len(self.watches) < FEW else length
