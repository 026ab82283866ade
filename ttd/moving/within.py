"""Going back over code in which nobody wants to stop, such as a line with a loop: one search."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.engine.types import NEVER, Wanted
from ttd.moving.legs import Legs, accesses
from ttd.search.question import What
from ttd.search.scan import rows_of
from ttd.stops import Watchpoint

FIRST = 64_000
"""Steps before the present that are searched first; then eight times as many, and so on."""
ROWS = 64
"""The latest of what is wanted, of which returns from exceptions are not."""
FEW = 16
"""Positions before the place found from which single steps are likely to go on."""


def run_within(legs: Legs, code: range, watched: tuple[Watchpoint, ...] = ()) -> bool:
    """Go back to the first position from which on to the present PC has been in `code` and nothing
    was accessed that is watched. False if interrupted: the present position is kept then."""
    home = legs.snapshots.remember()
    wanted = Wanted(
        executed=[(0, code.start), (code.stop, NEVER)],
        accessed=accesses(watched),
        handlers=True,  # an entry is no instruction, wherever it has come from
    )
    found = legs.begin
    for low, high in _intervals(legs.begin, legs.position):
        last = _latest(legs, low, high, wanted)
        if legs.interruption.asked:
            break
        if last is not None:
            found = last + 1
            break
    if legs.interruption.asked or not legs.build_stairs(found, FEW):
        legs.snapshots.restore(home)
        return False
    return True


def _intervals(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """All steps in between, the latest first."""
    length = FIRST
    while end > begin:
        low = max(begin, end - length)
        yield low, end
        end, length = low, 8 * length


def _latest(legs: Legs, low: int, high: int, wanted: Wanted) -> int | None:
    """The last step in [low, high) of what is wanted; None if there is none, or interrupted."""
    if not legs.go(low):
        return None
    engine = legs.machine.engine
    with engine.collecting(wanted, ROWS):
        if not legs.run_to(high):
            return None
    noted = engine.collected()
    last = max((row.step for row in rows_of(noted) if row.kind is not What.LEFT), default=None)
    if last is None and noted.complete_from > low:
        return noted.complete_from - 1  # what was there is not known
    return last
