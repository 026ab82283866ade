"""Moving in time over a recorded, or still recording, machine. Knows nothing of GDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from ttd.cpu.base import Cpu
from ttd.cpu.models import CPUS
from ttd.devices.base import View
from ttd.engine import Access
from ttd.engine.types import WatchHit
from ttd.history.bookmarks import Bookmarks
from ttd.history.branches import Branches
from ttd.history.place import Place
from ttd.history.trials import Trial, Trials, Write
from ttd.history.unattended import Unattended
from ttd.images import Image
from ttd.keys import key_event
from ttd.known_hits import KnownHits
from ttd.machine import Machine
from ttd.moment import Here, is_seen, overlaps
from ttd.printed import Interrupted, Line, Printed
from ttd.recording.errors import RecordingError
from ttd.recording.index import Branch
from ttd.replay.again import Change
from ttd.replay.errors import Divergence
from ttd.replay.replay import Cause, Mode
from ttd.runs import RunEnd, RunStop
from ttd.search.interval import Interval
from ttd.search.question import Row, What
from ttd.search.stops import known_rows, questions_of, scanned_rows
from ttd.snapshot import Snapshots
from ttd.space import AddressSpace, Span
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why
from ttd.timeline_api import (
    OnProgress,
    PastIsReadOnly,
    SystemRequest,
    TimelineError,
)

if TYPE_CHECKING:
    from ttd.search.answer import Pool

WINDOWS = (0, 4, 7)
"""Positions before the present that a step backward makes directly reachable: the first of a row,
the second, and all after that. More at once would cost less in sum only where few steps are
between the snapshots behind them; one of these waits for all of them, at 0.16 ms each."""
SHORTEST_SEARCH = 20_000
"""Steps between snapshots in memory that make a search in between worth its restart."""
SHORT = 4096
"""Steps that are run again sooner than a snapshot is made."""
NEAR = 1000
"""Steps before the present that are searched first; then eight times as many, and so on."""
BATCH = 16
"""Hits that are made directly reachable when one after the other is asked for."""
PIECES = 64
"""Into which an interval with known hits is cut, for the way to one of them to be short."""
MARCH = 30_000_000
"""Steps run between two reports of progress."""

NO_STOPS = Stops()
_AT_REST = (Why.INTERRUPTED, Why.ASLEEP)
_WAITS = "The guest waits for input that nobody gives; 'monitor input DEVICE TEXT' gives it."

_P = ParamSpec("_P")


BreakHit = tuple[int, int]
"""(step, address)."""


def _hit(row: Row) -> BreakHit | WatchHit:
    """Where a stop would have been, of a row of a search."""
    assert row.pc is not None
    if row.kind is What.EXECUTED:
        return row.step, row.pc
    kind = Access.READ if row.kind is What.READ else Access.WRITE
    return WatchHit(row.step, row.pc, row.address, row.size, kind, row.new or 0, row.by)


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
        self.progress: OnProgress | None = None
        self.pool: Pool | None = None
        """Others who answer questions about the past."""
        self.at_rest: Callable[[], None] = lambda: None
        """Called when a movement has ended."""
        self._stops = NO_STOPS
        self._armed = NO_STOPS
        self._stepped_to = -1
        """Where the last step backward has led to, and how many it was preceded by."""
        self._row = 0
        self._trials = Trials(machine, snapshots, branches, self)
        self._known: KnownHits | None = None
        """Of the latest interval that a search backward has scanned."""
        self._unattended = Unattended(machine)
        self._interruption = machine.interruption
        self._space = AddressSpace(machine)
        self._printed = Printed(machine, snapshots)

    # -- where we are --------------------------------------------------------------------

    @property
    def position(self) -> int:
        return self.machine.engine.step

    @property
    def begin(self) -> int:
        return self.snapshots.recording.file.begin.step

    @property
    def end(self) -> int:
        return max(self.machine.replay.end_step, self.position)

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
            return self._forward(step)
        return self._seek(step, 0)

    def _seek(self, step: int, window: int) -> Stop:
        target = min(max(step, self.begin), self.end)
        if not self._go(target, window):
            return self._stop(Why.INTERRUPTED)
        if step < target:
            return self._stop(Why.HISTORY_BEGIN)
        return self._stop(Why.HISTORY_END if step > self.position else Why.STEPS)

    @_movement
    def step_forward(self, count: int = 1) -> Stop:
        """`count` steps forward."""
        return self._forward(self.position + count)

    @_movement
    def step_backward(self, count: int = 1) -> Stop:
        """`count` steps backward; in a row of them the positions before become quick to reach."""
        if self.position == self.begin:
            return self._stop(Why.HISTORY_BEGIN)
        self._row = self._row + 1 if self.position == self._stepped_to else 0
        stop = self._seek(self.position - count, WINDOWS[min(self._row, len(WINDOWS) - 1)])
        self._stepped_to = self.position
        return stop

    @_movement
    def reset(self) -> Stop:
        return self._seek(self.begin, 0)

    def be_unattended(self) -> None:
        """Nobody gives the machine input: a movement ends where it waits for that."""
        self.machine.onlooker = self._unattended

    def interrupt(self) -> None:
        self.machine.interrupt()

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Be at the present position again afterwards, whatever has happened."""
        home = self.snapshots.remember()
        try:
            yield
        finally:
            self._arm(NO_STOPS)
            self.machine.replay.note_position()
            self.snapshots.restore(home)
            self._row = 0

    # -- running to a stop ---------------------------------------------------------------

    @_movement
    def run_forward(self, stops: Stops, until: int | None = None, *, here: bool = False) -> Stop:
        """Run until something in `stops` hits after the present position, `until` is reached or
        history ends. `here`: a hit at the present position counts, too.

        Where nothing can hit, what is known is not run again.
        """
        if until is None and stops == NO_STOPS and not self._go(self.end):
            return self._stop(Why.INTERRUPTED)
        if not here and (until is None or until > self.position):
            first = self._forward(self.position + 1, report=False)
            if first.why is not Why.STEPS:
                return first
        with self._stopping_at(stops):
            return self._forward(until)

    @_movement
    def range_step(self, start: int, end: int, stops: Stops) -> Stop:
        """Step forward while PC is in [start, end); at least one step."""
        with self._stopping_at(stops):
            stop = self._forward(self.position + 1)
        if stop.why is not Why.STEPS or not start <= stop.pc < end:
            return stop
        with self._stopping_at(replace(stops, within=(start, end))):
            return self._forward(None)

    @_movement
    def find_pc(self, address: int) -> Stop:
        """The next position of the known history at which PC is `address`.

        An interval that cannot have one is not run.
        """
        stops, end, low = Stops((Breakpoint(address),)), self.end, self.position + 1
        snapshots = self.snapshots
        borders = (at for at in snapshots.steps_between(low + 1, end) if snapshots.is_stored(at))
        for high in (*borders, end):
            if low < high and self._may_contain(low, high, stops):
                if not self._go(low):
                    return self._stop(Why.INTERRUPTED)
                with self._stopping_at(stops):
                    stop = self._forward(high)
                if stop.why is not Why.STEPS:
                    return stop
            low = high
        return self._stop(Why.HISTORY_END)

    def _forward(self, until: int | None, *, report: bool = True, past: int | None = None) -> Stop:
        """`past`: a step whose breakpoints do not count."""
        machine = self.machine
        engine = machine.engine
        engine.skip_stops_at(past, watchpoints=False)
        self._arm(self._stops)
        begin, goal = self.position, self.end if until is None else until
        try:
            while True:
                if until is not None and self.position >= until:
                    return self._stop(Why.STEPS)
                if self._interruption.asked:
                    return self._stop(Why.INTERRUPTED)
                here = self.position
                limit = here + MARCH
                ended = self._run(limit if until is None else min(limit, until))
                if ended.end is RunEnd.LIMIT:
                    if report:
                        self._report(begin, goal)
                    continue
                if ended.end is RunEnd.RANGE:
                    return self._stop(Why.STEPS)
                if ended.end in (RunEnd.BREAKPOINT, RunEnd.WATCH):
                    if not self._before(ended):
                        return self._stop(Why.INTERRUPTED)
                    stop = self._hit_forward(ended)
                    if stop is not None:
                        return stop
                    # Accesses come after a breakpoint at their instruction, and may be several.
                    engine.skip_stops_at(self.position, watchpoints=False)
                    if ended.watch is not None:
                        engine.pass_over(ended.watch)
                    continue
                if ended.end is RunEnd.INTERRUPTED:
                    return self._stop(Why.INTERRUPTED)
                return self._stop(Why.HISTORY_END)
        finally:
            engine.skip_stops_at(None)

    def _before(self, ended: RunStop) -> bool:
        """Be where an access that stops the run has not happened yet; False if interrupted.

        One that no instruction makes is known only when it has happened, so the machine goes back:
        about as far as it has come since the last such place, which is remembered.
        """
        hit, step = ended.watch, self.position
        if hit is None or not hit.late:
            return True
        self.machine.replay.note_position()
        if not self._go(min(hit.step, step), again=True):
            if self.machine.beyond:
                self._return_to_position()
            return False
        self.snapshots.remember()
        self._arm(self._stops)
        return True

    def _hit_forward(self, ended: RunStop) -> Stop | None:
        """What stopped the run, if its condition holds."""
        if self.machine.beyond:
            self._return_to_position()
        # A condition looks at the machine, too.
        self.machine.replay.note_position()
        if ended.watch is not None:
            for watch in self._watchpoints_of(ended.watch):
                if self._holds(watch, ended.watch):
                    return self._stop(Why.WATCHPOINT, watch=ended.watch, watchpoint=watch)
            return None
        for breakpoint_ in self._stops.breakpoints:
            if breakpoint_.address == ended.pc and self._holds(breakpoint_):
                return self._stop(Why.BREAKPOINT, breakpoint_=breakpoint_)
        return None

    def _watchpoints_of(self, hit: WatchHit) -> list[Watchpoint]:
        """Those of the stops that an access is seen by, which has not happened here yet."""
        if hit.seen_by is not None:
            return [self._stops.watchpoints[hit.seen_by]]
        near = [watch for watch in self._stops.watchpoints if overlaps(watch, hit)]
        if len(near) < 2:
            return near
        # What a device or an alias holds may look unchanged here: the engine knows better.
        return [watch for watch in near if is_seen(self, watch, hit)] or near

    def _holds(self, stop: Breakpoint | Watchpoint, hit: WatchHit | None = None) -> bool:
        if stop.condition is None:
            return True
        asked = self._interruption
        return stop.condition.holds(Here(self, stop, hit, interrupted=lambda: asked.asked))

    @_movement
    def run_backward(self, stops: Stops, until: int | None = None) -> Stop:
        """Go back to the latest position before the present at which something hits.

        Without a hit: to `until`, or to the beginning. Interrupted, the present position is kept.
        """
        low = self.begin if until is None else max(until, self.begin)
        start = self.position
        if start <= low:
            return self._stop(Why.HISTORY_BEGIN if low == self.begin else Why.STEPS)
        known, high, length = self._known, start, NEAR
        if known is not None and known.tells(stops, start):
            hit = known.latest(low, start)
            if hit is not None:
                with self._stopping_at(stops):
                    return self._land_among(_hit(hit), known) or self._stop(Why.INTERRUPTED)
            high, length = max(low, known.low), known.next_length
        home = self.snapshots.remember()
        borders = self._borders(low, high, length)
        try:
            with self._stopping_at(stops):
                while borders:
                    border = borders.pop()
                    if border < high and self._may_contain(border, high, stops):
                        found = self._search(max(border, low), high, stops)
                        if found is not None:
                            return found
                    high = border
                    if self._interruption.asked:
                        self.snapshots.restore(home)
                        return self._stop(Why.INTERRUPTED)
                    if self.progress is not None:
                        self.progress((start - border) / max(1, start - low), "searching backward")
            if not self._go(low):
                self.snapshots.restore(home)
                return self._stop(Why.INTERRUPTED)
            return self._stop(Why.HISTORY_BEGIN if until is None else Why.STEPS)
        finally:
            self._arm(NO_STOPS)

    @_movement
    def trace(self, until: int) -> Stop:
        """Run forward to `until`, with the blocks noted that ran: `Engine.traced`."""
        engine = self.machine.engine
        self._arm(NO_STOPS)
        engine.trace(True)
        try:
            complete = self._run_to(until)
        finally:
            engine.trace(False)
        return self._stop(Why.STEPS if complete else Why.INTERRUPTED)

    def _borders(self, low: int, start: int, length: int) -> list[int]:
        """Where to cut [low, start) into intervals that are searched one by one, ascending; the
        last of them has about `length` steps."""
        borders: list[int] = []
        shortest = max(SHORTEST_SEARCH, length)
        for step in reversed(self.snapshots.steps_between(low + 1, start)):
            last = borders[-1] if borders else start
            if last - step >= shortest or self.snapshots.is_stored(step):
                borders.append(step)
        # One hit is often followed by the search for the one before: what is near comes first.
        # (Not beyond the next border: what an interval has touched is asked for where it begins.)
        last, at, size = borders[0] if borders else low, start, length
        near = []
        while at - last > 4 * size:
            at -= size
            near.append(at)
            size *= 8
        return [low, *reversed(borders), *reversed(near)]

    def _may_contain(self, low: int, high: int, stops: Stops) -> bool:
        """False if the pages touched in the interval that begins at `low` exclude a hit."""
        if not stops.breakpoints and not stops.watchpoints:
            return False
        if known_rows(self.snapshots, Interval(low, high), questions_of(stops)) == []:
            return False
        wanted: list[tuple[Access, int, int]] = [
            (Access.FETCH, b.address, 1) for b in stops.breakpoints
        ]
        for watch in stops.watchpoints:
            wanted += [
                (kind, watch.address, watch.length)
                for kind in (Access.READ, Access.WRITE)
                if watch.kind & kind
            ]
        return any(self.snapshots.may_touch(low, *access) for access in wanted)

    def _search(self, low: int, high: int, stops: Stops) -> Stop | None:
        """The latest hit in [low, high), with the machine taken there."""
        if stops.conditional:
            return self._search_conditional(low, high, stops)
        interval, questions = Interval(low, high), questions_of(stops)
        rows, first = known_rows(self.snapshots, interval, questions), low
        if rows is None:
            if not self._go(low):
                return None
            self._arm(NO_STOPS)
            found = scanned_rows(self.snapshots, interval, questions, lambda: self._run_to(high))
            if found is None:
                return None
            rows, first = found
        self._known = KnownHits(stops, first, high, rows)
        hit = self._known.latest(low, high)
        return None if hit is None else self._land(_hit(hit))

    def _search_conditional(self, low: int, high: int, stops: Stops) -> Stop | None:
        """As `_search`, stopping at every hit to evaluate its condition."""
        if not self._go(low):
            return None
        last: BreakHit | WatchHit | None = None
        past: int | None = None
        while True:
            stop = self._forward(high, report=False, past=past)
            if stop.breakpoint is not None:
                # Not PC: a position may be followed by a reset that leads to the breakpoint.
                last, past = (stop.step, stop.breakpoint.address), stop.step
                continue
            if stop.why is Why.WATCHPOINT:
                last = stop.watch
            elif stop.why is Why.INTERRUPTED:
                self._interruption.ask()
                return None
            else:
                break
            self._skip_here()
            if self.position >= high:
                break
        return None if last is None else self._land(last)

    def _skip_here(self) -> None:
        """One step without stops."""
        self._arm(NO_STOPS)
        self._run_to(self.position + 1)

    def _land(self, hit: BreakHit | WatchHit) -> Stop | None:
        """Go to a hit. None if interrupted."""
        if isinstance(hit, WatchHit):
            if not self._go(hit.step):
                return None
            watch = next((w for w in self._watchpoints_of(hit) if self._holds(w, hit)), None)
            return self._stop(Why.WATCHPOINT, watch=hit, watchpoint=watch)
        if not self._go(hit[0]):
            return None
        found = next(b for b in self._stops.breakpoints if b.address == hit[1])
        return self._stop(Why.BREAKPOINT, breakpoint_=found)

    def _land_among(self, hit: BreakHit | WatchHit, known: KnownHits) -> Stop | None:
        """As `_land`, when those before it are likely to be asked for next: make them near."""
        step = hit.step if isinstance(hit, WatchHit) else hit[0]
        if not self.snapshots.is_near(step, 0):
            home = self.snapshots.remember()
            steps = known.steps_before(step + 1, BATCH)
            self._arm(NO_STOPS)
            self.snapshots.go_back(steps[0])
            for at in (*self._stations(steps[0], known), *steps):
                if not self._run_to(at):
                    self.snapshots.restore(home)
                    return None
                self.snapshots.remember()
        return self._land(hit)

    def _stations(self, target: int, known: KnownHits) -> list[int]:
        """Places on the way to `target` where those hits begin that will be asked for later."""
        length = max(SHORT, (known.high - known.low) // PIECES)
        at, found = target, list[int]()
        while (steps := known.steps_before(at - length, BATCH)) and steps[0] > self.position:
            at = steps[0]
            found.append(at)
        return found[::-1]

    # -- what the guest has printed ------------------------------------------------------

    def printed(self, text: str, count: int) -> list[Line]:
        try:
            found = self._lines(text, self.position + 1, None, count)
            if not found and text:
                found = self._lines(text, self.end + 1, self.end, count)
                found = [line for line in found if line.found >= self.position]
        except Interrupted:
            self._interruption.answer()
            raise TimelineError("The search for what was printed was interrupted.") from None
        return found

    @_movement
    def back_to_printed(self, text: str) -> Stop:
        try:
            found = self._lines(text, self.position, None, 1)
        except Interrupted:
            return self._stop(Why.INTERRUPTED)
        if not found:
            note = f"'{text}' was not printed before step {self.position}."
            return replace(self._stop(Why.STEPS), note=note)
        return self._seek(found[0].found, 0)

    def _lines(self, text: str, until: int, end: int | None, count: int) -> list[Line]:
        def report(done: float) -> None:
            if self.progress is not None:
                self.progress(done, "searching what was printed")

        self._arm(NO_STOPS)
        printed = self._printed
        with printed.staying():
            return list(islice(printed.lines(text.encode(), until, end, report), count))

    # -- getting there -------------------------------------------------------------------

    def _go(self, target: int, window: int = 0, *, again: bool = False) -> bool:
        """Be at `target`, which is in the known history. False if interrupted on the way.

        `again`: the machine may be there, but in a sleep that has begun since.

        Snapshots are left on the way, closer and closer to the target, and at each of the last
        `window` positions, so that what comes next is near.
        """
        self._arm(NO_STOPS)
        here = self.position
        if target != here:
            self._trials.ran()
        nearest = self.snapshots.nearest_step(target)
        if self._interruption.asked:
            return False
        if target < here or again or (nearest is not None and nearest > here):
            if self.snapshots.is_near(target, 0 if window else SHORT):
                # Sooner there than the way back would be prepared, should it be interrupted.
                self.snapshots.go_back(target)
                self.machine.run(target, interruptible=False)
                return True
            home = self.snapshots.remember() if here != target else None
            self.snapshots.go_back(target)
            if not self._approach(target, window):
                if home is not None:
                    self.snapshots.restore(home)
                else:
                    self.machine.run(target, interruptible=False)
                return False
            return True
        return self._run_to(target)

    def _approach(self, target: int, window: int) -> bool:
        distance = target - self.position
        while distance > (window or SHORT):
            # Half-way stations: the next target is likely to be a little before this one.
            station = target - max(window, distance // 4)
            if not self._run_to(station):
                return False
            if self.position < target:
                self.snapshots.remember()
            distance = target - self.position
        if window:
            while self.position < target:
                before = self.position
                if not self._run_to(before + 1):
                    return False
                self.snapshots.remember()
        return self._run_to(target)

    def _run(self, limit: int) -> RunStop:
        self._trials.ran()
        ended = self.machine.run(limit)
        if ended.end is RunEnd.INTERRUPTED:
            # The movement of which this run is a part has to end, and then says so.
            self._interruption.ask()
        return ended

    def _run_to(self, target: int) -> bool:
        """Run forward to `target` without stopping; False if interrupted."""
        begin = self.position
        while True:
            if self._interruption.asked:
                return False
            ended = self._run(min(target, self.position + MARCH))
            if ended.end is RunEnd.INTERRUPTED:
                return False
            if ended.end is RunEnd.LIMIT and self.position < target:
                if self.progress is not None and target - begin > 4 * MARCH:
                    self.progress((self.position - begin) / (target - begin), "replaying")
                continue
            return True

    # -- stops ---------------------------------------------------------------------------

    def _diverged(self, error: Divergence | RecordingError) -> Stop:
        """The machine is not where the recording has been: go to the last place that is right."""
        self._known = None
        self._arm(NO_STOPS)
        try:
            self.snapshots.retreat()
        except (Divergence, RecordingError) as worse:
            return self._stop(Why.DIVERGED, note="; ".join(dict.fromkeys((str(error), str(worse)))))
        where = f"Step {self.position} is the last place before it that has been compared."
        return self._stop(Why.DIVERGED, note=f"{error}. {where}")

    @contextmanager
    def _stopping_at(self, stops: Stops) -> Iterator[None]:
        self._stops = stops
        try:
            yield
        finally:
            self._stops = NO_STOPS
            self._arm(NO_STOPS)

    def _arm(self, stops: Stops) -> None:
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

    def _return_to_position(self) -> None:
        """Play: the machine has gone on from its position, but has not run yet. Show the position
        itself, which is the same place in the program."""
        here = self.position
        armed = self._armed
        self._arm(NO_STOPS)
        self.snapshots.go_back(here)
        self.machine.run(here, interruptible=False)
        self._arm(armed)

    def _report(self, begin: int, goal: int) -> None:
        if self.progress is not None and begin < self.position <= goal:
            self.progress((self.position - begin) / (goal - begin), "running")

    def _stop(
        self,
        why: Why,
        watch: WatchHit | None = None,
        watchpoint: Watchpoint | None = None,
        breakpoint_: Breakpoint | None = None,
        note: str = "",
    ) -> Stop:
        # In a live recording history reaches at least to here, input that comes later is later.
        self.machine.replay.note_position()
        if why is Why.INTERRUPTED:
            self._interruption.answer()
            if self._unattended.take():
                why = Why.ASLEEP
        if why is Why.HISTORY_END:
            ended = self.machine.ended
            note = ended.reason if ended is not None else self.end_note
        elif why is Why.ASLEEP and not self.machine.suspended:
            note = _WAITS
        elif why in _AT_REST and self.machine.suspended and self.recording:
            note = "The machine is suspended, until 'monitor system_wakeup'."
        elif watch is not None and watch.by:
            verb = "Read" if watch.kind is Access.READ else "Written"
            note = f"{verb} by {watch.by}."
        complaints = self.snapshots.complaints
        if complaints:
            note = " ".join([*complaints, note]).strip()
            complaints.clear()
        return Stop(
            why, self.position, self.machine.engine.pc, watch, watchpoint, breakpoint_, note
        )

    @property
    def end_note(self) -> str:
        """Why a history that is only read goes no further."""
        status = self.branches.recording.status
        if self.machine.replay.live:
            return ""
        if status.complete:
            return status.reason
        return f"the recording was cut off here, at step {status.steps}"

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
            return self._stop(Why.INTERRUPTED)
        return self._seek(place.step, 0)

    @_movement
    def go_to_end(self, branch: int) -> Stop:
        """Go to the end of the history of a branch."""
        if branch != self.branches.present.id and not self._turn_to(branch):
            return self._stop(Why.INTERRUPTED)
        return self._seek(self.end, 0)

    def _turn_to(self, branch: int) -> bool:
        """Be on another branch, before it parts from this one. False if interrupted."""
        if self._interruption.asked:
            return False
        self.keep_trial()
        self.machine.replay.note_position()
        self._arm(NO_STOPS)
        self.branches.turn_to(branch)
        self._known = None
        self._row = 0
        return True

    def branch_off(
        self, reason: str, name: str = "", changes: Mapping[int, Change] | None = None
    ) -> Branch:
        self.keep_trial()
        self.begin_branch(reason, name, changes)
        self.keep_branch(self.position)
        return self.branches.present

    def begin_branch(
        self, reason: str, name: str = "", changes: Mapping[int, Change] | None = None
    ) -> None:
        """Go on from here as a branch that is in no file until it is kept (`keep_branch`)."""
        if self.machine.ended is not None:
            raise TimelineError("The guest has ended here: a branch begins before its end.")
        self._arm(NO_STOPS)
        self.branches.branch_off(reason, name, changes)
        self._known = None
        self._row = 0

    def keep_branch(self, step: int) -> None:
        """Put the present branch into the file, and say so; it began at `step`."""
        why = ""
        try:
            self.branches.keep()
        except RecordingError as error:
            why = f" It is kept in memory only: {error}."
        made = self.branches.present
        assert made.fork is not None
        parent = next(b.name for b in self.branches.all if b.id == made.fork.parent)
        self.notes.append(
            f"Branch {made.name} begins at step {step}, as {made.reason};"
            f" what was to come stays on {parent}.{why}"
        )

    # -- what is written, until it is known what for -----------------------------------------

    @property
    def trial(self) -> Trial | None:
        return self._trials.present

    def tries_nothing(self) -> bool:
        return self._trials.tries_nothing()

    def keep_trial(self, reason: str = "") -> None:
        self._trials.keep(reason)

    def drop_trial(self, kept: int = 0) -> None:
        self._trials.drop(kept)

    # -- contents ------------------------------------------------------------------------

    @property
    def images(self) -> Sequence[Image]:
        return [load.image for load in self.machine.loads]

    def read_memory(self, address: int, size: int) -> bytes:
        return self._found(self.machine.read_memory(address, size), address, size)

    def views(self) -> Sequence[View]:
        return [view for device in self.machine.devices.values() for view in device.views()]

    def read_physical(self, address: int, size: int) -> bytes:
        return self._found(self.machine.bus.peek(address, size), address, size)

    @staticmethod
    def _found(data: bytes, address: int, size: int) -> bytes:
        if not data and size:
            raise TimelineError(f"there is nothing at {address:#x}")
        return data

    def write_memory(self, address: int, data: bytes) -> None:
        if self.machine.read_memory(address, len(data)) == data:
            return  # nothing is changed by that
        count = "1 byte" if len(data) == 1 else f"{len(data)} bytes"
        verb = "was" if len(data) == 1 else "were"
        self._trials.write(Write(address, data), f"{count} at {address:#x} {verb} written")

    def write_register(self, name: str, value: int) -> None:
        self._trials.write(Write(name, value), f"{name} was set to {value:#x}")

    def give_input(self, device: str, data: bytes) -> None:
        self._need_recording("takes input")
        replay = self.machine.replay
        if device not in replay.inputs:
            replay.give_chars(device, data)
            return
        event = key_event(data.decode(errors="replace"))
        if event is None:
            raise TimelineError(f"{device} takes 'press KEY' and 'release KEY', such as: press a")
        if not replay.input_groups({device: [event]}):
            raise TimelineError(f"{device}: there is no room, the guest is far behind")

    def _need_recording(self, able: str) -> None:
        self.keep_trial()
        if not self.recording:
            raise PastIsReadOnly(
                f"This is the past: 'monitor branch NAME' begins another future, which {able}."
            )

    def request(self, what: SystemRequest) -> None:
        self._need_recording("can be asked")
        replay = self.machine.replay
        match what:
            case SystemRequest.RESET:
                replay.reset_request(Cause.DEBUGGER)
            case SystemRequest.SUSPEND:
                replay.suspend_now()
                self.changed()
            case SystemRequest.SHUTDOWN:
                replay.shutdown_now()
                self.changed()
            case SystemRequest.WAKE_UP:
                if not self.machine.suspended:
                    raise TimelineError("The machine is not suspended.")
                self.machine.wake_up()

    @property
    def recording(self) -> bool:
        """At the end of a live recording."""
        return self.machine.replay.mode is Mode.RECORD and self.machine.ended is None

    def changed(self) -> None:
        """A snapshot in memory of this very position is now of another state."""
        self._known = None
        self.snapshots.forget_from(self.position)

    def memory_map(self) -> list[tuple[str, int, int]]:
        if CPUS[self.machine.board.cpu].paged:
            return []
        return [
            ("ram" if region.writable else "rom", base, region.size)
            for region in self.machine.board.regions
            for base in (region.base, *region.mirrors)
        ]

    def span_at(self, address: int) -> Span:
        return self._space.at(address)

    def mapped(self) -> Iterator[Span]:
        return self._space.mapped()
