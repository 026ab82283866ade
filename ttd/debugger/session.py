"""One debugger's session on a timeline, whatever its front end speaks: no protocol is known here.

It knows where its user is, which is not where the machine is while another time is looked at; what
is armed in place of the next movement; where the user has been; who has asked for an end of what
moves; and what was written only for a call. A front end says which way to go, and is told what was
found.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from ttd.debugger.calls import Calls
from ttd.debugger.deadline import Deadline
from ttd.debugger.failures import sentence
from ttd.debugger.hunt import Hit, Interrupted, Quarry, find
from ttd.debugger.interrupts import Interrupts
from ttd.debugger.marks import Marks
from ttd.debugger.threads import Threads
from ttd.edits import Edit
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.probe_api import PastIsReadOnly
from ttd.recording.index import Branch
from ttd.stops import Stop, Stops, Why, whole
from ttd.timeline_api import TimelineApi
from ttd.values import dataclass

log = logging.getLogger("ttd.debugger")

CALL_SECONDS = 10.0
"""How long a function that was called may take until its caller is asked whether to wait."""
_TOO_LONG = (
    "The function that was called has not returned for {:g} seconds; 'continue' goes on with it."
)


@dataclass(frozen=True, slots=True)
class Armed:
    """Where the next movement is to go, instead of where it would."""

    place: Place
    index: int | None = None
    """If that is a place on the trail, which one."""
    text: str | None = None
    """Instead: to where this was printed last."""
    edit: Edit | None = None
    """There a branch begins, on which this is otherwise."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a movement has found; the machine is there."""

    stop: Stop
    began: Place
    """Where the user was before."""
    armed: Armed | None = None
    """It went there, and not where the front end wanted to go."""
    in_call: bool = False
    """It has ended inside a function that was called, and nothing of that stays."""
    left_call: bool = False
    """It has ended where a function was to return to that never did."""


class Session:
    """One user's, from when the front end comes until it goes.

    Everything runs on one thread, but for `interrupts.seen` and `interrupts.deliver`.
    """

    def __init__(
        self,
        timeline: TimelineApi,
        marks: Marks | None = None,
        *,
        stops: Callable[[], Stops] = Stops,
        stop: threading.Event | None = None,
        keep_calls: bool = False,
    ) -> None:
        """`stops`: what the front end has set. `stop`: ends all movements once it is set, if
        `timeline.interrupt` is called then. `keep_calls`: a function that is called in the past
        leaves a branch."""
        self.timeline = timeline
        self.marks = marks if marks is not None else Marks()
        self.threads = Threads(timeline)
        self.interrupts = Interrupts(timeline.interrupt, stop)
        self.armed: Armed | None = None
        self._calls = Calls(timeline, stops, kept=keep_calls)
        self._home: Place | None = None
        """While another time is looked at: where the user is."""
        self._run_from: Place | None = None
        """Where a run began whose last step the front end has still to make."""

    # -- where the user is ---------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """The user's place, which looking at another time leaves alone."""
        return self.timeline.place if self._home is None else self._home

    @property
    def visiting(self) -> bool:
        """The machine is at another time, which is only looked at."""
        return self._home is not None

    def visit(self, go: Callable[[], Stop], end: Why) -> bool:
        """Look at another time: where `go` leads. False, and nowhere, if it ends otherwise than by
        `end`; nowhere, too, with what it fails with."""
        self.settle()
        before, home = self.timeline.place, self.place
        try:
            stop = self._moved(go)
        except Exception:
            self._recover(before)
            raise
        if self.interrupts.pending:
            self.interrupts.answered()
        found = stop.why is end
        if found:
            self._home = home
        else:
            self._return_to(before)
        self.threads.keep()
        return found

    def leave(self) -> None:
        """Be where the user is."""
        if self._home is not None:
            home, self._home = self._home, None
            self._return_to(home)
            self.threads.keep()

    # -- moving --------------------------------------------------------------------------------

    def move(
        self,
        go: Callable[[], Stop],
        *,
        far: bool = False,
        arrive: Callable[[Stop], Stop] = lambda stop: stop,
        unfinished: bool = False,
    ) -> Found:
        """Go where `go` leads, or to what is armed; ended early by an interrupt that nobody has
        answered yet, and by nothing else.

        `far`: a run, which the trail is to have, and no step. `arrive`: what the front end makes
        of the place where it ended. `unfinished`: if that is an access, the front end makes its
        step as another movement, and only that is where the run has led.

        Whatever it fails with is raised, with the machine where it began.
        """
        armed, self.armed = self.armed, None
        if armed is not None:
            return self.jump(armed)
        return self._go(lambda: arrive(self._moved(go)), far=far, unfinished=unfinished)

    def jump(self, armed: Armed) -> Found:
        """Go there at once; as `move`."""
        return self._go(lambda: self._moved(lambda: self._reach(armed)), armed, far=True)

    def walk(self, index: int) -> Found:
        """Go at once to a place on the trail."""
        return self.jump(Armed(self.marks.trail.places[index], index))

    def hunt(
        self, quarry: Quarry, *, backward: bool = False, until: int | None = None
    ) -> Hit | None:
        """Run to the next hit, or to the one before, up to `until`; None, and nowhere, if there is
        none, or if it is interrupted. What `hunt.find` fails with is raised."""
        hit = None

        def go() -> Stop:
            nonlocal hit
            try:
                hit = find(self.timeline, quarry, backward=backward, until=until)
            except Interrupted:
                return Stop(Why.INTERRUPTED, self.timeline.position, pc=0)
            why = Why.HISTORY_BEGIN if backward else Why.HISTORY_END
            return Stop(why if hit is None else Why.STEPS, self.timeline.position, pc=0)

        self._go(lambda: self._moved(go), far=True)
        return hit

    def run_limit(self, *, forward: bool) -> int | None:
        """The step at which a run from here stops in any case."""
        step, here = self.marks.run_break, self.timeline.position
        ahead = step is not None and (step > here if forward else step < here)
        return step if ahead else None

    def restart(self) -> None:
        """Go to the beginning, whatever was to come."""
        self.settle()
        began = self.place
        self._home = self.armed = None
        whole(self.timeline.reset)
        self.marks.trail.moved(began, self.timeline.place)

    def _go(
        self,
        go: Callable[[], Stop],
        armed: Armed | None = None,
        *,
        far: bool,
        unfinished: bool = False,
    ) -> Found:
        self.settle()
        began = self.place
        try:
            self.leave()
            stop = go()
        except Exception:
            self._recover(began)
            raise
        self._enter(began, stop, armed, far, unfinished)
        if stop.why is Why.INTERRUPTED:
            self.interrupts.answered()
        calls = self._calls
        return Found(stop, began, armed, calls.is_inside(stop.pc), calls.is_left(stop.pc))

    def _moved(self, go: Callable[[], Stop]) -> Stop:
        seconds = CALL_SECONDS if self._calls.awaited else None
        with Deadline(seconds, self.timeline.interrupt) as deadline:
            while True:
                with self.interrupts.moving():
                    if self.interrupts.pending:
                        return Stop(Why.INTERRUPTED, self.timeline.position, pc=0)
                    stop = go()
                if stop.why is not Why.INTERRUPTED or self.interrupts.pending:
                    return stop
                if deadline.over:
                    self._calls.give_up()
                    return replace(stop, why=Why.ASLEEP, note=_TOO_LONG.format(seconds))

    def _reach(self, armed: Armed) -> Stop:
        if armed.text is not None:
            return self.timeline.back_to_printed(armed.text)
        stop = self.timeline.go_to(armed.place)
        if armed.edit is not None and stop.why is not Why.INTERRUPTED:
            self.timeline.branch_off(armed.edit.reason, changes=armed.edit.changes)
        return stop

    def _recover(self, began: Place) -> None:
        """A movement has failed on its way: go back to where it began, a place known to be good.

        Not from the end of what is being recorded, where the user wants to look at it.
        """
        timeline = self.timeline
        try:
            recording = timeline.live and timeline.position == timeline.end
            if timeline.place != began and not recording:
                self._return_to(began)
        except Exception as e:  # there is nothing left to try
            log.error("going back to step %d: %s", began.step, sentence(e))

    def _enter(
        self, began: Place, stop: Stop, armed: Armed | None, far: bool, unfinished: bool
    ) -> None:
        """Keep the trail: of runs and jumps, not of single steps."""
        trail = self.marks.trail
        origin, self._run_from = self._run_from, None
        came = Place(self.timeline.place.branch, stop.step)
        if armed is not None and armed.index is not None and came == armed.place:
            trail.walked(began, armed.index)
            return
        if origin is not None:
            trail.moved(origin, began if far else came)
        if far and stop.why is Why.WATCHPOINT and unfinished:
            self._run_from = began
        elif far:
            trail.moved(began, came)

    def _return_to(self, place: Place) -> None:
        """A seek that nothing ends early, not even what was meant for the movement before."""
        whole(lambda: self.timeline.go_to(place))

    # -- what is written -----------------------------------------------------------------------

    def write_register(self, name: str, value: int) -> None:
        """As `ProbeApi.write_register`; where nothing but a call was meant, the call is gone
        when the registers are what they were."""
        self._refuse_visiting()
        self.timeline.probe.write_register(name, value)
        self._calls.put_back()
        self.threads.written()

    def write_memory(self, address: int, data: bytes) -> None:
        """As `ProbeApi.write_memory`."""
        self._refuse_visiting()
        self.timeline.probe.write_memory(address, data)
        self.threads.written()

    def settle(self) -> None:
        """What has been written up to now is a change, unless it was for a call; `timeline.notes`
        say so."""
        self._calls.settle()

    def _refuse_visiting(self) -> None:
        if self.visiting:
            raise PastIsReadOnly("Another time is only looked at: nothing can be written there.")

    # -- branches ------------------------------------------------------------------------------

    def follow(self) -> None:
        """Branches may have got other numbers, or be gone: all that is marked goes with them."""
        branches = self.timeline.branches
        self.marks.follow(branches.now)
        if self.armed is not None and branches.now(self.armed.place) is None:
            self.armed = None

    def discard(self, name: str) -> Branch:
        """Forget a branch, and what is marked there. A `UserError` if it is the first one, or the
        user is on it, or others come from it."""
        branches = self.timeline.branches
        branch = branches.named(name)
        if branch.fork is None:
            raise UserError(f"{branch.name} is where all branches come from, and stays.")
        if branch.id in (branches.present.id, self.place.branch):
            raise UserError(f"The machine is on {branch.name}: go to another branch first.")
        branches.discard(branch.id)
        self.follow()
        return branch

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """The front end is gone: of a call that has not returned nothing stays."""
        self._calls.leave()
        self.leave()
