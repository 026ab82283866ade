"""Places as people and programs have them: by the name of the branch."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A position of a branch: the state before that step runs.

    It is printed as something that `Run.goto` takes, and `monitor goto` in GDB, too. Places of one
    branch are in order:

    >>> Place("main", 7) < Place("main", 12)
    True
    >>> print(Place("b1", 12))
    b1:12
    >>> Place("main", 7) < Place("b1", 12)
    Traceback (most recent call last):
    ttd.errors.UserError: main:7 and b1:12 are on different branches: neither comes first
    """

    branch: str
    step: int

    def __str__(self) -> str:
        return f"{self.branch}:{self.step}"

    def __lt__(self, other: Place) -> bool:
        return self._beside(other) < other.step

    def __le__(self, other: Place) -> bool:
        return self._beside(other) <= other.step

    def __gt__(self, other: Place) -> bool:
        return self._beside(other) > other.step

    def __ge__(self, other: Place) -> bool:
        return self._beside(other) >= other.step

    def _beside(self, other: object) -> int:
        if not isinstance(other, Place):
            raise UserError(f"{self} is compared with a place, not with {other!r}")
        if self.branch != other.branch:
            raise UserError(f"{self} and {other} are on different branches: neither comes first")
        return self.step
