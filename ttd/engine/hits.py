"""What a scan has noted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Hit = TypeVar("Hit")


class HitRow(Generic[Hit]):
    """Hits of one kind by ascending steps, one a step; made into objects when they are asked for.

    `complete_from`: of no step from there on one is missing, as far as the scan has gone.
    """

    def __init__(
        self, raw: Any, count: int, complete_from: int, make: Callable[[Any], Hit]
    ) -> None:
        self.complete_from = complete_from
        self._raw = raw
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> Hit:
        return self._make(self._raw[range(self._count)[at]])

    def _before(self, step: int) -> int:
        return bisect_left(range(self._count), step, key=lambda at: self._raw[at].step)

    def before(self, step: int) -> Hit | None:
        """The latest in a step before `step`."""
        at = self._before(step)
        return self[at - 1] if at else None

    def steps_before(self, step: int, most: int) -> list[int]:
        """The latest steps before `step` that have one, ascending."""
        at = self._before(step)
        return [self._raw[i].step for i in range(max(0, at - most), at)]
