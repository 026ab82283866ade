"""Whether a guest does nothing but take exceptions; noted natively, where they are taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ttd.engine._native import lib


class ExceptionLoop:
    """The exceptions of one engine's core of which each one follows at once from the one before,
    with interrupts in between or not."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._row = lib.stuck_of(native)

    def watch(self, calls: Iterable[int]) -> None:
        """From now on they are noted. `calls`: numbers of those that a program asks for."""
        self._row.calls = sum(1 << number for number in calls)
        self._row.on = True

    def note(self, number: int, asynchronous: bool) -> None:
        """As the native core does it: this one is about to be taken at PC."""
        lib.stuck_note(self._native, asynchronous, number)

    @property
    def count(self) -> int:
        """How many there have been in the loop that goes on."""
        return self._row.count  # type: ignore[no-any-return]

    @property
    def begin(self) -> int:
        """The step of the first."""
        return self._row.begin  # type: ignore[no-any-return]

    @property
    def last(self) -> int:
        """The step of the last."""
        return self._row.last  # type: ignore[no-any-return]

    def places(self) -> dict[tuple[int, int], int]:
        """Number and PC of those that differ, and how often they have come."""
        row = self._row
        found = (row.places[at] for at in range(row.nplaces))
        return {(place.number, place.pc): place.times for place in found}
