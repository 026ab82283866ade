"""Steps backward, of which each in a row makes the next ones quick."""

from __future__ import annotations

from dataclasses import replace

from ttd.moving.backward import Backward
from ttd.moving.legs import Legs
from ttd.moving.tell import Teller
from ttd.moving.within import run_within
from ttd.stops import Stop, Stops, Why

STAIRS = (0, 16, 64, 256, 1024)
"""Positions before the target that a step backward makes quick to reach, by going through them one
by one: the first of a row, and then each that goes beyond those. One of these waits for all of
them, at 0.01 to 0.02 ms each."""


class Steps:
    """Goes back step by step."""

    def __init__(self, legs: Legs, teller: Teller, backward: Backward) -> None:
        self._legs = legs
        self._teller = teller
        self._backward = backward
        self._stepped_to = -1
        """Where the last step backward has led to."""
        self._built = 0
        """How many steps of the present row have gone beyond what was quick to reach."""

    def forget(self) -> None:
        """A row ends here."""
        self._stepped_to = -1

    def back(self, count: int) -> Stop:
        """So many steps."""
        legs = self._legs
        before = legs.position
        if before == legs.begin:
            return self._teller.stop(Why.HISTORY_BEGIN)
        target = max(before - count, legs.begin)
        if not legs.step_back(target):
            length = self._stairs_wanted(before)
            there = legs.build_stairs(target, length) if length else legs.go(target)
            if not there:
                return self._teller.stop(Why.INTERRUPTED)
        self._stepped_to = legs.position
        return self._teller.stop(Why.STEPS if target == before - count else Why.HISTORY_BEGIN)

    def back_watching(self, stops: Stops) -> Stop:
        """One step, in which something may be accessed that is watched."""
        legs = self._legs
        before = legs.position
        if legs.touches_nothing(before - 1, stops.watchpoints) and legs.step_back(before - 1):
            self._stepped_to = legs.position
            return self._teller.stop(Why.STEPS)
        stop = self._backward.run(stops, before - 1)
        if stop.why is Why.STEPS and legs.position > legs.begin:
            length = self._stairs_wanted(before)
            if length and not legs.build_stairs(legs.position, length, stops.watchpoints):
                return self._teller.stop(Why.INTERRUPTED)
        if stop.why is not Why.INTERRUPTED:
            self._stepped_to = legs.position
        return stop

    def back_within(self, code: range, stops: Stops) -> Stop:
        """A step, and on for as long as PC stays in `code`, in which it is, and none of the
        watchpoints of `stops` hits; breakpoints in `code` do not count."""
        legs = self._legs
        if stops.watchpoints:
            stop = self.back_watching(replace(stops, breakpoints=()))
        else:
            stop = self.back(1)
        if stop.why is not Why.STEPS or stop.pc not in code or legs.position == legs.begin:
            return stop
        known = not stops.watchpoints and legs.back_within(code)
        if not known and not run_within(legs, code, stops.watchpoints):
            return self._teller.stop(Why.INTERRUPTED)
        self._stepped_to = legs.position
        return self._teller.stop(Why.STEPS)

    def _stairs_wanted(self, before: int) -> int:
        """How many positions are to be quick to reach, if a step backward from here goes beyond
        those that were."""
        self._built = self._built + 1 if before == self._stepped_to else 0
        return STAIRS[min(self._built, len(STAIRS) - 1)]
