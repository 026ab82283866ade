"""Running forward until something stops the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ttd.moving.legs import MARCH, NO_STOPS, Legs
from ttd.moving.tell import Teller
from ttd.runs import RunEnd, RunStop
from ttd.search.judge import Judge
from ttd.stops import Stop, Stops, Why


class Forward:
    """Runs a machine to its next stop, whose condition is worked out where it stands."""

    def __init__(self, legs: Legs, teller: Teller) -> None:
        self._legs = legs
        self._teller = teller
        self._stops = NO_STOPS
        self._judge = Judge(legs.machine, NO_STOPS)

    @contextmanager
    def stopping_at(self, stops: Stops) -> Iterator[None]:
        """What stops the machine meanwhile."""
        self._stops, self._judge = stops, Judge(self._legs.machine, stops)
        try:
            yield
        finally:
            self._stops = NO_STOPS
            self._legs.arm(NO_STOPS)

    def run(self, until: int | None, *, report: bool = True) -> Stop:
        """To the next stop, a hit at the present position included, or to `until`."""
        legs, tell = self._legs, self._teller.stop
        engine = legs.machine.engine
        legs.arm(self._stops)
        begin, goal = legs.position, legs.end if until is None else until
        try:
            while True:
                if until is not None and legs.position >= until:
                    return tell(Why.STEPS)
                if legs.interruption.asked:
                    return tell(Why.INTERRUPTED)
                limit = legs.position + MARCH
                ended = legs.run(limit if until is None else min(limit, until))
                if ended.end is RunEnd.LIMIT:
                    if report and begin < legs.position <= goal:
                        legs.report((legs.position - begin) / (goal - begin), "running")
                    continue
                if ended.end is RunEnd.RANGE:
                    return tell(Why.STEPS)
                if ended.end in (RunEnd.BREAKPOINT, RunEnd.WATCH):
                    if not self._before(ended):
                        return tell(Why.INTERRUPTED)
                    stop = self._hit(ended)
                    if stop is not None:
                        return stop
                    # Accesses come after a breakpoint at their instruction, and may be several.
                    engine.skip_stops_at(legs.position, watchpoints=False)
                    if ended.watch is not None:
                        engine.pass_over(ended.watch)
                    continue
                if ended.end is RunEnd.INTERRUPTED:
                    return tell(Why.INTERRUPTED)
                return tell(Why.HISTORY_END)
        finally:
            engine.skip_stops_at(None)

    def _before(self, ended: RunStop) -> bool:
        """Be where an access that stops the run has not happened yet; False if interrupted.

        One that no instruction makes is known only when it has happened, so the machine goes back:
        about as far as it has come since the last such place, which is remembered.
        """
        legs = self._legs
        hit, step = ended.watch, legs.position
        if hit is None or not hit.late:
            return True
        legs.machine.replay.note_position()
        if not legs.go(min(hit.step, step), again=True):
            if legs.machine.beyond:
                legs.return_to_position()
            return False
        legs.snapshots.remember()
        legs.arm(self._stops)
        return True

    def _hit(self, ended: RunStop) -> Stop | None:
        """What stopped the run, if its condition holds."""
        legs, tell = self._legs, self._teller.stop
        if legs.machine.beyond:
            legs.return_to_position()
        # A condition looks at the machine, too.
        legs.machine.replay.note_position()
        if ended.watch is not None:
            watch = self._judge.watchpoint(ended.watch)
            if watch is None:
                return None
            return tell(Why.WATCHPOINT, watch=ended.watch, watchpoint=watch)
        found = self._judge.breakpoint(ended.pc)
        return None if found is None else tell(Why.BREAKPOINT, breakpoint_=found)
