"""Getting a machine to a position of its known history, with nothing on the way that stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ttd.engine.types import Wanted
from ttd.history.stairs import Stairs
from ttd.machine import Machine
from ttd.runs import RunEnd, RunStop
from ttd.search.scan import rows_of
from ttd.snapshot import Snapshots
from ttd.stops import Stops, Watchpoint
from ttd.timeline_api import OnProgress

NO_STOPS = Stops()
SHORT = 4096
"""Steps that are run again sooner than a snapshot is made."""
MOST_TOUCHED = 4096
"""Accesses of what is watched that are noted: the latest."""
MARCH = 30_000_000
"""Steps run between two reports of progress."""


def accesses(watched: Sequence[Watchpoint]) -> list[tuple[int, int, int, bool]]:
    """As `Wanted` has them."""
    return [(w.address, w.address + w.length, int(w.kind), w.changes_only) for w in watched]


class Legs:
    """A machine that goes where it is told; what has been reached is remembered near the target."""

    def __init__(self, machine: Machine, snapshots: Snapshots) -> None:
        self.machine = machine
        self.snapshots = snapshots
        self.interruption = machine.interruption
        self.progress: OnProgress | None = None
        self.leaving: Callable[[], None] = lambda: None
        """Called when the machine goes on from where it is."""
        self._armed = NO_STOPS
        self._stairs = Stairs(machine)
        self._touched: tuple[tuple[Watchpoint, ...], int, frozenset[int]] | None = None
        """What was watched while they were built; from which step on; the steps that access it."""

    @property
    def position(self) -> int:
        return self.machine.engine.step

    @property
    def begin(self) -> int:
        """The first position of the history."""
        return self.snapshots.recording.file.begin.step

    @property
    def end(self) -> int:
        """The last position of the known history."""
        return max(self.machine.replay.end_step, self.position)

    def report(self, done: float, words: str) -> None:
        """Say how far something is, to whom it may concern."""
        if self.progress is not None:
            self.progress(done, words)

    # -- going -----------------------------------------------------------------------------

    def go(self, target: int, *, again: bool = False) -> bool:
        """Be at `target`, which is in the known history. False if interrupted on the way.

        `again`: the machine may be there, but in a sleep that has begun since.

        Snapshots are left on the way, closer and closer to the target, so that what comes next is
        near.
        """
        self.arm(NO_STOPS)
        here = self.position
        if target != here:
            self.leaving()
        nearest = self.snapshots.nearest_step(target)
        if self.interruption.asked:
            return False
        if target < here or again or (nearest is not None and nearest > here):
            if self.snapshots.is_near(target, SHORT):
                # Sooner there than the way back would be prepared, should it be interrupted.
                self.snapshots.go_back(target)
                self.machine.run(target, interruptible=False)
                return True
            home = self.snapshots.remember() if here != target else None
            self.snapshots.go_back(target)
            if not self._approach(target):
                if home is not None:
                    self.snapshots.restore(home)
                else:
                    self.machine.run(target, interruptible=False)
                return False
            return True
        return self.run_to(target)

    def build_stairs(self, target: int, length: int, watched: tuple[Watchpoint, ...] = ()) -> bool:
        """As `go`, back to `target`; up to `length` positions before it are then as quick to reach,
        one after the other, as `step_back` is. `watched`: for `touches_nothing`."""
        self.arm(NO_STOPS)
        self.leaving()
        if self.interruption.asked:
            return False
        home = self.snapshots.remember()
        first = max(self.begin, target - length)
        self.snapshots.go_back(first)
        if self._approach(first):
            with self._stairs.building(), self._noting(watched):
                if self.run_to(target):
                    return True
        self.snapshots.restore(home)
        return False

    @contextmanager
    def _noting(self, watched: tuple[Watchpoint, ...]) -> Iterator[None]:
        """Which steps access what is watched."""
        self._touched = None
        if not watched:
            yield
            return
        engine, first = self.machine.engine, self.position
        with engine.collecting(Wanted(accessed=accesses(watched)), MOST_TOUCHED):
            yield
        noted = engine.collected()
        steps = frozenset(row.step for row in rows_of(noted))
        self._touched = watched, max(first, noted.complete_from), steps

    def touches_nothing(self, step: int, watched: tuple[Watchpoint, ...]) -> bool:
        """The last stairs were built with this `watched`, and none of it is accessed in `step`."""
        if self._touched is None or self._touched[0] != watched:
            return False
        _, first, steps = self._touched
        return step >= first and step not in steps

    def step_back(self, target: int) -> bool:
        """Be at `target`, if the last stairs lead there and nothing has happened since but
        that. False, and nowhere, if not."""
        if self.interruption.asked or not self._stairs.back(target):
            return False
        self.leaving()
        return True

    def back_within(self, code: range) -> bool:
        """Down the last stairs to where PC came into `code`, in which it is. False, and nowhere, if
        that may be before them."""
        since = self.machine.engine.within_since(code)
        return since is not None and (since == self.position or self.step_back(since))

    def forget_stairs(self) -> None:
        """What there is now is another history."""
        self._stairs.forget()

    def _approach(self, target: int) -> bool:
        distance = target - self.position
        while distance > SHORT:
            # Half-way stations: the next target is likely to be a little before this one.
            station = target - distance // 4
            if not self.run_to(station):
                return False
            if self.position < target:
                self.snapshots.remember()
            distance = target - self.position
        return self.run_to(target)

    def run(self, limit: int) -> RunStop:
        """Run to `limit`, or to what is armed."""
        self.leaving()
        ended = self.machine.run(limit)
        if ended.end is RunEnd.INTERRUPTED:
            # The movement of which this run is a part has to end, and then says so.
            self.interruption.ask()
        return ended

    def run_to(self, target: int) -> bool:
        """Run forward to `target` without stopping; False if interrupted."""
        begin = self.position
        while True:
            if self.interruption.asked:
                return False
            ended = self.run(min(target, self.position + MARCH))
            if ended.end is RunEnd.INTERRUPTED:
                return False
            if ended.end is RunEnd.LIMIT and self.position < target:
                if target - begin > 4 * MARCH:
                    self.report((self.position - begin) / (target - begin), "replaying")
                continue
            return True

    def return_to_position(self) -> None:
        """Play: the machine has gone on from its position, but has not run yet. Show the position
        itself, which is the same place in the program."""
        here, armed = self.position, self._armed
        self.arm(NO_STOPS)
        self.snapshots.go_back(here)
        self.machine.run(here, interruptible=False)
        self.arm(armed)

    # -- what is noticed on the way ----------------------------------------------------------

    def arm(self, stops: Stops) -> None:
        """Make the engine notice `stops`, and nothing else."""
        if stops is self._armed:
            return
        engine = self.machine.engine
        if stops.breakpoints or self._armed.breakpoints:
            engine.set_breakpoints(sorted({b.address for b in stops.breakpoints}))
        if stops.watchpoints or self._armed.watchpoints:
            engine.set_watchpoints(
                [(w.address, w.length, w.kind, w.changes_only) for w in stops.watchpoints]
            )
        if stops.within != self._armed.within:
            engine.stay_within(stops.within)
        self._armed = stops
