"""Going on to the next stop of the known history: what cannot have one is not run."""

from __future__ import annotations

from ttd.moving.forward import Forward
from ttd.moving.landing import Landing
from ttd.moving.legs import NO_STOPS, Legs
from ttd.moving.tell import Teller
from ttd.search.interval import Interval
from ttd.search.scan import Interrupted
from ttd.search.stops import known_rows, may_have_rows, questions_of
from ttd.stops import Stop, Stops, Why


class Ahead:
    """Goes forward in the known history of a machine."""

    def __init__(self, legs: Legs, forward: Forward, teller: Teller) -> None:
        self._legs = legs
        self._forward = forward
        self._teller = teller

    def run(self, stops: Stops, end: int) -> Stop | None:
        """To the first hit from the present position on and before `end`. None: there is none, and
        the machine is somewhere before."""
        legs = self._legs
        landing, questions = Landing(legs, self._teller, stops), questions_of(stops)
        begin = low = legs.position
        snapshots = legs.snapshots
        borders = [at for at in snapshots.steps_between(low + 1, end) if snapshots.is_stored(at)]
        for high in (*borders, end):
            interval = Interval(low, high)
            if low < high and may_have_rows(snapshots, interval, questions):
                try:
                    rows = known_rows(snapshots, interval, questions)
                    if rows is None:
                        landing.go(low)
                        with self._forward.stopping_at(stops):
                            found: Stop | None = self._forward.run(high, report=False)
                    else:
                        row = next((row for row in rows if landing.holds(row)), None)
                        found = None if row is None else landing.land(row)
                except Interrupted:
                    return self._teller.stop(Why.INTERRUPTED)
                finally:
                    legs.arm(NO_STOPS)
                if found is not None and found.why is not Why.STEPS:
                    return found
                legs.report((high - begin) / (end - begin), "running")
            low = high
        return None
