"""Moving in time over a recorded, or still recording, machine. Knows nothing of GDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from ttd.cpu.base import Cpu
from ttd.history.bookmarks import Bookmarks
from ttd.history.branches import Branches
from ttd.history.place import Place
from ttd.history.trials import Trials
from ttd.machine import Machine
from ttd.moving.ahead import Ahead
from ttd.moving.backward import Backward
from ttd.moving.forward import Forward
from ttd.moving.legs import NO_STOPS, Legs
from ttd.moving.steps import Steps
from ttd.moving.tell import Teller
from ttd.output import Output
from ttd.printed import Interrupted
from ttd.probe import Probe
from ttd.probe_api import TimelineError
from ttd.recording.errors import RecordingError
from ttd.recording.index import Branch
from ttd.replay.again import Change
from ttd.replay.errors import Divergence
from ttd.snapshot import Snapshots
from ttd.stops import Breakpoint, Stop, Stops, Why
from ttd.timeline_api import OnProgress

if TYPE_CHECKING:
    from ttd.search.others import Pool

FAR = 1 << 20
"""Steps that are run before it is asked which parts of what is known can have a hit."""
_P = ParamSpec("_P")


def _movement(
    go: Callable[Concatenate[Timeline, _P], Stop],
) -> Callable[Concatenate[Timeline, _P], Stop]:
    """A movement that comes to where the recording does not tell what is right ends there."""

    @wraps(go)
    def move(timeline: Timeline, /, *args: _P.args, **kwargs: _P.kwargs) -> Stop:
        try:
            return go(timeline, *args, **kwargs)
        except (Divergence, RecordingError) as error:
            return timeline._diverged(error)
        finally:
            timeline.at_rest()

    return move


class Timeline:
    """One machine and its history: where it stands, and how it gets elsewhere.

    A *position* is a step. A *snapshot* is a way to get somewhere fast; positions are reached by
    restoring the nearest snapshot before them and running forward. What has been reached is
    remembered near the present, so that rows of backward steps do not run the same steps again.
    """

    def __init__(self, machine: Machine, snapshots: Snapshots, branches: Branches) -> None:
        self.machine = machine
        self.snapshots = snapshots
        self.branches = branches
        self.bookmarks = Bookmarks(branches)
        self.notes: list[str] = []
        """Sentences for people that nobody has been told yet."""
        for disk in machine.replay.disks:
            disk.say = self.notes.append
        self.pool: Pool | None = None
        """Others who answer questions about the past."""
        self.at_rest: Callable[[], None] = lambda: None
        """Called when a movement has ended."""
        self._legs = Legs(machine, snapshots)
        self._teller = Teller(self._legs, branches)
        self._forward = Forward(self._legs, self._teller)
        self._ahead = Ahead(self._legs, self._forward, self._teller)
        self._backward = Backward(self._legs, self._teller, self._helpers)
        self._steps = Steps(self._legs, self._teller, self._backward)
        self.trials = Trials(machine, snapshots, branches, self)
        self._legs.leaving = self.trials.ran
        self.probe = Probe(machine, self.trials)
        self.output = Output(self._legs)

    @property
    def progress(self) -> OnProgress | None:
        """Who is told how far something is."""
        return self._legs.progress

    @progress.setter
    def progress(self, told: OnProgress | None) -> None:
        self._legs.progress = told

    def _helpers(self) -> tuple[Pool, int] | None:
        """Who can search the present branch, and its number."""
        pool, branch = self.pool, self.branches.present.id
        return None if pool is None or not pool.can(branch) else (pool, branch)

    # -- where we are --------------------------------------------------------------------

    @property
    def position(self) -> int:
        return self.machine.engine.step

    @property
    def begin(self) -> int:
        return self._legs.begin

    @property
    def end(self) -> int:
        return self._legs.end

    @property
    def live(self) -> bool:
        return self.machine.replay.live and self.machine.ended is None

    @property
    def cpu(self) -> Cpu:
        return self.machine.cpu

    @property
    def virtual_ns(self) -> int:
        return self.machine.virtual_ns

    # -- moving to a position ------------------------------------------------------------

    @_movement
    def seek(self, step: int) -> Stop:
        """Go to `step`; beyond an end of history, to that end."""
        if self.live and step > self.end:
            return self._forward.run(step)
        return self._seek(step)

    def _seek(self, step: int) -> Stop:
        target = min(max(step, self.begin), self.end)
        if not self._legs.go(target):
            return self._teller.stop(Why.INTERRUPTED)
        if step < target:
            return self._teller.stop(Why.HISTORY_BEGIN)
        return self._teller.stop(Why.HISTORY_END if step > self.position else Why.STEPS)

    @_movement
    def step_forward(self, count: int = 1) -> Stop:
        """`count` steps forward."""
        return self._forward.run(self.position + count)

    @_movement
    def step_backward(self, count: int = 1) -> Stop:
        """`count` steps backward; in a row of them the positions before become quick to reach."""
        return self._steps.back(count)

    @_movement
    def step_backward_within(self, code: range, stops: Stops) -> Stop:
        """A step backward, and on for as long as PC stays in `code`, in which it is, and none of
        the watchpoints of `stops` hits; breakpoints in `code` do not count."""
        return self._steps.back_within(code, stops)

    @_movement
    def reset(self) -> Stop:
        return self._seek(self.begin)

    def be_unattended(self) -> None:
        """Nobody gives the machine input: a movement ends where it waits for that."""
        self._teller.be_unattended()

    def interrupt(self) -> None:
        self.machine.interrupt()

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Be at the present position again afterwards, whatever has happened."""
        home = self.snapshots.remember()
        try:
            yield
        finally:
            self._legs.arm(NO_STOPS)
            self.machine.replay.note_position()
            self.snapshots.restore(home)
            self._steps.forget()

    # -- running to a stop ---------------------------------------------------------------

    @_movement
    def run_forward(self, stops: Stops, until: int | None = None, *, here: bool = False) -> Stop:
        """Run until something in `stops` hits after the present position, `until` is reached or
        history ends. `here`: a hit at the present position counts, too.

        Where nothing can hit, what is known is not run again.
        """
        if until is None and stops == NO_STOPS and not self._legs.go(self.end):
            return self._teller.stop(Why.INTERRUPTED)
        if not here and (until is None or until > self.position):
            first = self._forward.run(self.position + 1, report=False)
            if first.why is not Why.STEPS:
                return first
        known = self.end if until is None else min(until, self.end)
        if known - self.position > FAR:
            with self._forward.stopping_at(stops):
                stop = self._forward.run(self.position + FAR, report=False)
            if stop.why is not Why.STEPS:
                return stop
            found = self._ahead.run(stops, known)
            if found is not None:
                return found
            if not self._legs.go(known):
                return self._teller.stop(Why.INTERRUPTED)
        with self._forward.stopping_at(stops):
            return self._forward.run(until)

    @_movement
    def range_step(self, start: int, end: int, stops: Stops) -> Stop:
        """Step forward while PC is in [start, end); at least one step."""
        with self._forward.stopping_at(stops):
            stop = self._forward.run(self.position + 1)
        if stop.why is not Why.STEPS or not start <= stop.pc < end:
            return stop
        with self._forward.stopping_at(replace(stops, within=(start, end))):
            return self._forward.run(None)

    @_movement
    def find_pc(self, address: int) -> Stop:
        """The next position of the known history at which PC is `address`."""
        if self.position < self.end and not self._legs.go(self.position + 1):
            return self._teller.stop(Why.INTERRUPTED)
        found = self._ahead.run(Stops((Breakpoint(address),)), self.end)
        return found or self._teller.stop(Why.HISTORY_END)

    @_movement
    def run_backward(self, stops: Stops, until: int | None = None) -> Stop:
        """Go back to the latest position before the present at which something hits.

        Without a hit: to `until`, or to the beginning. Interrupted, the present position is kept.
        """
        if until == self.position - 1 and stops.watchpoints and not stops.breakpoints:
            return self._steps.back_watching(stops)
        return self._backward.run(stops, until)

    @_movement
    def trace(self, until: int) -> Stop:
        """Run forward to `until`, with the blocks noted that ran: `Engine.traced`."""
        engine = self.machine.engine
        self._legs.arm(NO_STOPS)
        engine.trace(True)
        try:
            complete = self._legs.run_to(until)
        finally:
            engine.trace(False)
        return self._teller.stop(Why.STEPS if complete else Why.INTERRUPTED)

    def _forget(self) -> None:
        """What is known of the way back is of another history."""
        self._backward.forget()
        self._legs.forget_stairs()
        self._steps.forget()

    @_movement
    def back_to_printed(self, text: str) -> Stop:
        """Go to the step before the present that printed the last character of `text` last."""
        try:
            step = self.output.last(text)
        except Interrupted:
            return self._teller.stop(Why.INTERRUPTED)
        if step is None:
            note = f"'{text}' was not printed before step {self.position}."
            return replace(self._teller.stop(Why.STEPS), note=note)
        return self._seek(step)

    # -- stops ---------------------------------------------------------------------------

    def _diverged(self, error: Divergence | RecordingError) -> Stop:
        """The machine is not where the recording has been: go to the last place that is right."""
        self._forget()
        self._legs.arm(NO_STOPS)
        complaints = self.snapshots.complaints
        try:
            self.snapshots.retreat()
        except (Divergence, RecordingError) as worse:
            note = "; ".join(dict.fromkeys((str(error), str(worse))))
            return self._teller.stop(Why.DIVERGED, note=note)
        # A full disk is the reason of both.
        complaints[:] = [complaint for complaint in complaints if str(error) not in complaint]
        where = f"Step {self.position} is the last place before it that has been compared."
        return self._teller.stop(Why.DIVERGED, note=f"{error}. {where}")

    @property
    def end_note(self) -> str:
        """Why a history that is only read goes no further."""
        return self._teller.end_note

    # -- branches ------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        return Place(self.branches.present.id, self.position)

    @_movement
    def go_to(self, place: Place) -> Stop:
        """Go to a place, on whatever branch; beyond an end of its history, to that end."""
        there = self.branches.now(place)
        if there is None:
            raise TimelineError(f"The branch on which step {place.step} was is gone.")
        place = there
        if place.branch != self.branches.present.id and not self._turn_to(place.branch):
            return self._teller.stop(Why.INTERRUPTED)
        return self._seek(place.step)

    @_movement
    def go_to_end(self, branch: int) -> Stop:
        """Go to the end of the history of a branch."""
        if branch != self.branches.present.id and not self._turn_to(branch):
            return self._teller.stop(Why.INTERRUPTED)
        return self._seek(self.end)

    def _turn_to(self, branch: int) -> bool:
        """Be on another branch, before it parts from this one. False if interrupted."""
        if self.machine.interruption.asked:
            return False
        self.trials.keep()
        self.machine.replay.note_position()
        self._legs.arm(NO_STOPS)
        self.branches.turn_to(branch)
        self._forget()
        return True

    def branch_off(
        self, reason: str, name: str = "", changes: Mapping[int, Change] | None = None
    ) -> Branch:
        self.trials.keep()
        self.begin_branch(reason, name, changes)
        self.keep_branch(self.position)
        return self.branches.present

    def begin_branch(
        self, reason: str, name: str = "", changes: Mapping[int, Change] | None = None
    ) -> None:
        """Go on from here as a branch that is in no file until it is kept (`keep_branch`)."""
        if self.machine.ended is not None:
            raise TimelineError("The guest has ended here: a branch begins before its end.")
        self._legs.arm(NO_STOPS)
        self.branches.branch_off(reason, name, changes)
        self._forget()

    def keep_branch(self, step: int) -> None:
        """Put the present branch into the file, and say so; it began at `step`."""
        self.notes.append(self.branches.kept(step))

    def changed(self) -> None:
        """A snapshot in memory of this very position is now of another state."""
        self._forget()
        self.snapshots.forget_from(self.position)
