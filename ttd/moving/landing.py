"""From rows of a search to the stop that one of them is."""

from __future__ import annotations

from ttd.history.kept import Snapshot
from ttd.moving.legs import Legs
from ttd.moving.tell import Teller
from ttd.search.judge import Judge, hit_of
from ttd.search.question import Row, What
from ttd.search.scan import Interrupted
from ttd.stops import Stop, Stops, Why


class Landing:
    """Takes a machine to rows, and back to where it began. Methods raise `Interrupted`, which is
    not answered then."""

    def __init__(self, legs: Legs, teller: Teller, stops: Stops) -> None:
        self._legs = legs
        self._teller = teller
        self._judge = Judge(legs.machine, stops)
        self._home: Snapshot | None = None

    def go(self, step: int) -> None:
        """Be at a step of the known history."""
        self.remember_home()
        if not self._legs.go(step):
            raise Interrupted

    def remember_home(self) -> None:
        """Where the machine is for the first time is where it began."""
        if self._home is None:
            self._home = self._legs.snapshots.remember()

    def go_home(self) -> None:
        """Be where it began."""
        if self._home is not None:
            self._legs.snapshots.restore(self._home)

    def holds(self, row: Row) -> bool:
        """Whether a row is a stop: its condition is worked out there."""
        if self._judge.is_certain(row):
            return True
        self.go(row.step)
        found = self._judge.stops_at(row)
        if self._legs.interruption.asked:
            raise Interrupted
        return found

    def land(self, row: Row) -> Stop:
        """Be at a row that is a stop, and say so."""
        self.go(row.step)
        tell, judge = self._teller.stop, self._judge
        if row.kind is What.EXECUTED:
            return tell(Why.BREAKPOINT, breakpoint_=judge.breakpoint(row.address))
        hit = hit_of(row)
        return tell(Why.WATCHPOINT, watch=hit, watchpoint=judge.watchpoint(hit))
