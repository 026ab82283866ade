"""What outlives a front end: numbered places, the trail, and where a run stops in any case."""

from __future__ import annotations

from collections.abc import Callable

from ttd.debugger.trail import Trail
from ttd.errors import UserError
from ttd.history.place import Place

_MOST = 10_000


class Marks:
    """One for all front ends that come to a timeline one after the other. In no file: names that
    stay are bookmarks."""

    def __init__(self) -> None:
        self.checkpoints: dict[int, Place] = {}
        """GDB's word for a place with a number."""
        self.trail = Trail()
        self.run_break: int | None = None
        """Step at which a run stops, in both directions."""
        self._last_number = 0

    def add(self, place: Place) -> int:
        """Number a new checkpoint; numbers are never used again. A `UserError` if there are too
        many."""
        if len(self.checkpoints) >= _MOST:
            raise UserError(f"There are {_MOST} checkpoints; delete one first.")
        self._last_number += 1
        self.checkpoints[self._last_number] = place
        return self._last_number

    def follow(self, now: Callable[[Place], Place | None]) -> None:
        """As `Trail.follow`, of all that is a place."""
        self.trail.follow(now)
        marks = {number: now(place) for number, place in self.checkpoints.items()}
        self.checkpoints = {n: place for n, place in marks.items() if place is not None}
