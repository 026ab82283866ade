"""The trail: where runs and jumps have led, for going back and forward along it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ttd.errors import UserError
from ttd.history.place import Place

_MOST = 1000
"""Places; of more the last ones count."""


class Trail:
    """The places visited, and which of them was come to last. Single steps are not on it."""

    def __init__(self, places: Sequence[Place] = ()) -> None:
        """`places`: where somebody has been, the last one last."""
        self.places = list(places)
        self.here = len(self.places) - 1
        """Index of the place that was come to last; -1 while there is none."""

    def moved(self, start: Place, to: Place) -> None:
        """Enter a jump or a run; what was ahead is forgotten."""
        # GDB leaves a breakpoint with a step of its own before it runs: the trail has that place.
        before = Place(start.branch, start.step - 1)
        if not self.places or self.places[self.here] not in (before, start):
            self._append(start)
        if to != start:
            self._append(to)

    def walked(self, start: Place, index: int) -> None:
        """Somebody went from `start` to the place at `index`, along the trail."""
        if self.here == len(self.places) - 1 and self.places[self.here] != start:
            self.places.append(start)  # single steps had led away from the end of the trail
        self.here = index

    def back(self, present: Place) -> int:
        """Index of the place before `present`: the last one, if single steps have led away from it.
        A `UserError` if there is none."""
        if self.places and self.places[self.here] != present:
            return self.here
        if self.here < 1:
            raise UserError("There is no earlier position to go back to.")
        return self.here - 1

    def forward(self) -> int:
        """Index of the place from which somebody has gone back. A `UserError` if there is none."""
        if self.here + 1 >= len(self.places):
            raise UserError("There is no later position to go forward to.")
        return self.here + 1

    def last(self) -> int:
        """Index of where the last run or jump ended. A `UserError` if there was none."""
        if not self.places:
            raise UserError("Nothing has run yet.")
        return self.here

    def follow(self, now: Callable[[Place], Place | None]) -> None:
        """Branches have got other numbers, or are gone, and all that was there with them."""
        here = sum(now(place) is not None for place in self.places[: self.here + 1])
        self.places = [there for place in self.places if (there := now(place)) is not None]
        self.here = max(here - 1, 0) if self.places else -1

    def _append(self, place: Place) -> None:
        self.places[self.here + 1 :] = [place]
        del self.places[:-_MOST]
        self.here = len(self.places) - 1
