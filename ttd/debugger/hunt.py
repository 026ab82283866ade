"""Finding where a stop is reached and its condition holds, in both directions.

A hit has one place, from wherever the machine comes to it: just before the instruction at a
breakpoint, or before the step that makes a watched access. Several accesses of one step are one
hit, of the first of them. What is found is strictly after the present, or strictly before it. If
there is nothing, the machine stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ttd.conditions import Expression, Hits, When, changed, evaluate, mentions
from ttd.engine.types import Access, WatchHit
from ttd.errors import UserError
from ttd.probe_api import TimelineError
from ttd.search.here import Here
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why, whole
from ttd.timeline_api import TimelineApi
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Quarry:
    """What is looked for."""

    stop: Breakpoint | Watchpoint
    condition: Expression | None = None
    """With numbers in place of names (`conditions.resolve`)."""
    every: int = 1
    """So many hits are one: the last of them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where it is: the machine is there."""

    step: int
    pc: int
    access: WatchHit | None = None
    old: int | None = None
    new: int | None = None
    """Of what is watched, before and after the access; None at a breakpoint."""


class Interrupted(Exception):
    """Somebody wanted an end before it was found; the machine is where it began."""


def find(
    timeline: TimelineApi, quarry: Quarry, *, backward: bool = False, until: int | None = None
) -> Hit | None:
    """The next hit, or the one before, with the machine there. None: there is none up to `until`,
    or in all of the history, which goes on where it is being recorded.

    `UserError` if the condition cannot be worked out, or what is replayed is not the recording;
    `Interrupted`.
    """
    origin = timeline.place
    try:
        found = _Hunt(timeline, quarry).run(backward, until)
    except (UserError, Interrupted):
        whole(lambda: timeline.go_to(origin))
        raise
    if found is None:
        whole(lambda: timeline.go_to(origin))
    return found


class _Hunt:
    """One search."""

    def __init__(self, timeline: TimelineApi, quarry: Quarry) -> None:
        self._timeline = timeline
        self._every = quarry.every
        self._counted: Expression | None = None
        """A condition that is worked out hit by hit: it counts them, or a step has to be made."""
        stop, condition = quarry.stop, quarry.condition
        self._wide = isinstance(stop, Watchpoint) and (
            stop.length > timeline.cpu.word_size or stop.kind == Access.READ | Access.WRITE
        )
        """One step may access it more than once: what is there then, is seen after the step."""
        if condition is not None and mentions(condition, Hits):
            self._counted = condition
        elif condition is changed and isinstance(stop, Watchpoint) and stop.kind == Access.WRITE:
            stop = replace(stop, changes_only=True)  # which costs nothing
        elif condition is not None and self._wide:
            self._counted = condition
        elif condition is not None:
            stop = replace(stop, condition=When(condition))
        self._stop = stop
        self._stops = (
            Stops(breakpoints=(stop,))
            if isinstance(stop, Breakpoint)
            else Stops(watchpoints=(stop,))
        )

    def run(self, backward: bool, until: int | None) -> Hit | None:
        reached = counted = 0
        move: Callable[[int | None], Stop | None] = self._back if backward else self._on
        while (stop := move(until)) is not None:
            reached += 1
            ahead = self._wide and stop.watch is not None
            moment = _Moment(self._timeline, self._stop, stop.watch, reached, ahead=ahead)
            if self._counted is not None and not evaluate(self._counted, moment):
                continue
            counted += 1
            if counted == self._every:
                return moment.hit(stop)
        return None

    def _on(self, until: int | None) -> Stop | None:
        """To the next stop after the present."""
        if until is not None and self._timeline.position >= until:
            return None
        return self._found(self._timeline.run_forward(self._stops, until))

    def _back(self, until: int | None) -> Stop | None:
        """To the latest stop before the present."""
        stop = self._found(self._timeline.run_backward(self._stops, until))
        if stop is not None and self._wide:
            # The latest access of the step was found: tell of the first.
            stop = self._found(self._timeline.run_forward(self._stops, stop.step + 1, here=True))
        return stop

    @staticmethod
    def _found(stop: Stop) -> Stop | None:
        match stop.why:
            case Why.BREAKPOINT | Why.WATCHPOINT:
                return stop
            case Why.DIVERGED:
                raise TimelineError(stop.note)
            case Why.INTERRUPTED:
                raise Interrupted
        return None


class _Moment(Here):
    """The machine where a stop is reached, which knows how often that was."""

    def __init__(
        self,
        timeline: TimelineApi,
        stop: Breakpoint | Watchpoint,
        access: WatchHit | None = None,
        hits: int = 1,
        *,
        ahead: bool = False,
    ) -> None:
        """`ahead`: to know what is new, a step is made, and taken back."""
        super().__init__(timeline.probe, stop, access, hits=hits)
        self._timeline = timeline
        self._ahead = ahead
        self._after: int | None = None

    def new(self, stop: Watchpoint, access: WatchHit) -> int:
        if not self._ahead:
            return super().new(stop, access)
        if self._after is None:
            self._after = self._look_ahead(stop)
        return self._after

    def _look_ahead(self, stop: Watchpoint) -> int:
        """What is there after this step."""
        here = self._timeline.place
        try:
            if self._timeline.step_forward().why is Why.INTERRUPTED:
                raise Interrupted
            return int.from_bytes(self.old(stop), "little")
        finally:
            whole(lambda: self._timeline.go_to(here))

    def hit(self, stop: Stop) -> Hit:
        """What has been found, with the machine there."""
        if self.access is None:
            return Hit(self._timeline.position, stop.pc)
        values = self.watched("old"), self.watched("new")
        return Hit(self._timeline.position, self.access.pc, self.access, *values)
