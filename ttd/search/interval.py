"""A part of the past."""

from __future__ import annotations

from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Steps from `low` to before `high`, of which a snapshot is at or before the first."""

    low: int
    high: int
