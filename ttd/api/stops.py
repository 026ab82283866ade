"""Where a run is to be stopped at, and going from one such place to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ttd.api.machine import Memory, SymbolTable
from ttd.debugger import hunt
from ttd.engine.types import Access
from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.stops import Watchpoint
from ttd.values import dataclass

_ACCESSES = {"w": Access.WRITE, "r": Access.READ, "rw": Access.READ | Access.WRITE}

Seek = Callable[[bool, "Place | int | str | None"], "Hit | None"]
"""Backward or not, and up to where: the next hit, with the machine there."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A stop that was reached. The machine is there: the instruction, or the access, comes next."""

    place: Place
    pc: int
    where: str
    """`function+offset` of `pc`, or its number."""
    address: int | None = None
    """Of the access that was watched; None at a breakpoint."""
    writes: bool = False
    """The access is a write."""
    old: int | None = None
    """The value of what is watched, before the access, and after it."""
    new: int | None = None
    by: str = ""
    """Who makes the access, if no instruction does."""

    def __str__(self) -> str:
        if self.address is None:
            return f"{self.place}  {self.where}"
        by = f" by {self.by}" if self.by else ""
        if not self.writes:
            return f"{self.place}  {self.where}: read at {self.address:#x}{by}"
        return f"{self.place}  {self.where}: {self.old:#x} -> {self.new:#x}{by}"


class StopPoint:
    """Hits of one breakpoint or watchpoint, from the present place on: `next` and `previous` move
    there, a loop takes all that come, and `reversed` all that were.

    A hit has the same place in both directions: just before it happens.
    """

    def __init__(self, told: str, seek: Seek) -> None:
        self._told = told
        self._seek = seek

    def next(self, until: Place | int | str | None = None) -> Hit | None:
        """Go to the next hit after the present place. None, and nowhere, if there is none before
        `until`, or before the end; a branch that is recorded goes on for it."""
        return self._seek(False, until)

    def previous(self, until: Place | int | str | None = None) -> Hit | None:
        """Go to the hit before the present place. None, and nowhere, if there is none."""
        return self._seek(True, until)

    def __iter__(self) -> Iterator[Hit]:
        while (hit := self.next()) is not None:
            yield hit

    def __reversed__(self) -> Iterator[Hit]:
        while (hit := self.previous()) is not None:
            yield hit

    def __repr__(self) -> str:
        return f"<stop at {self._told}>"


def watchpoint(memory: Memory, watch: int | str | slice, access: str) -> Watchpoint:
    """What is to be watched: a word, a variable or a range, for `access` "w", "r" or "rw"."""
    kind = _ACCESSES.get(access)
    if kind is None:
        raise UserError(f"access is 'w', 'r' or 'rw', not {access!r}")
    if isinstance(watch, int):
        return Watchpoint(watch, 4, kind)  # type: ignore[arg-type]
    begin, size = memory.extent(watch)
    if size < 1:
        raise UserError("there is nothing to be watched: the range is empty")
    return Watchpoint(begin, size, kind)  # type: ignore[arg-type]


def hit_of(hit: hunt.Hit, place: Place, symbols: SymbolTable) -> Hit:
    """As programs know it."""
    where = symbols.at(hit.pc) or f"{hit.pc:#x}"
    made = hit.access
    if made is None:
        return Hit(place, hit.pc, where)
    writes = made.kind is Access.WRITE
    return Hit(place, hit.pc, where, made.address, writes, hit.old, hit.new, made.by)
