"""Where a machine stands in the log of its run, and what it may do there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NoReturn, Self

from ttd.recording.events import Event, Kind, number, small, to_number
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.replay.again import Again, Change
from ttd.replay.devices import WITH_DEVICE, DeviceNames
from ttd.replay.errors import Divergence
from ttd.replay.terms import Checkpoint, Mode
from ttd.replay.words import EventWords
from ttd.state import State
from ttd.values import dataclass

if TYPE_CHECKING:
    from ttd.engine.mark_row import MarkRow

REQUESTS = (Kind.SHUTDOWN, Kind.RESET, Kind.SUSPEND)
ASYNC = (*REQUESTS, *WITH_DEVICE, Kind.DEBUG_WRITE, Kind.BH)
"""Kinds that enter at a checkpoint."""
_STOPS = (
    *ASYNC, Kind.WARP, Kind.LOOK, Kind.SNAPSHOT, Kind.CHECKPOINT, Kind.INTERRUPT, Kind.END
)  # fmt: skip
"""Kinds at whose step the machine must not be in the middle of a run of instructions."""
_LOGGED_CHECKPOINTS = (
    Checkpoint.RESET_REQUESTED,
    Checkpoint.SUSPEND_REQUESTED,
    Checkpoint.CLOCK_HOST,
    Checkpoint.CLOCK_VIRTUAL_RT,
    Checkpoint.CLOCK_WARP_ACCOUNT,
    Checkpoint.INIT,
    Checkpoint.RESET,
)
_OF_A_REQUEST = (Checkpoint.RESET_REQUESTED, Checkpoint.SUSPEND_REQUESTED, Checkpoint.RESET)
"""Checkpoints that are met while a request is served, which is in the log before them."""
# Looking up a member of an enumeration costs as much as the rest of a checkpoint.
_RECORD, _PLAY = Mode.RECORD, Mode.PLAY


@dataclass
class Line:
    """A line of history: its events, and how far it is known."""

    log: EventLog
    frontier: tuple[int, int]
    """The furthest place that the machine has been at: step and idle warps."""
    live: bool
    """It goes on being recorded where it ends."""
    whole: bool
    """False if the recorder was killed: its last step may be without its end."""
    recorded: bytes
    """Hash of all of its events, when the machine left its frontier."""
    again: Again | None = None
    """What comes again of another future."""
    seen: int = -1
    """Where it is recorded: the last step that somebody has seen."""

    @classmethod
    def of(cls, recording: Recording) -> Self:
        """One that is only read."""
        status = recording.status
        frontier = (status.steps, status.warp_ns)
        return cls(EventLog(recording), frontier, False, status.complete, recording.config.digest)


class LogCursor:
    """A place in one `EventLog`: the *cursor* is the sequence number of the next event.

    A recording that is being made is *live*: `load` of an earlier place makes the mode PLAY, and
    when the machine is back at the *frontier*, the furthest place it has been, and has let in what
    the log has there (`settled`), the mode is RECORD again. A finished recording is PLAY
    throughout, and `at_end` tells when it is over.

    A position that somebody has *seen* does not change any more: what enters there afterwards
    belongs to the way from it to the next one, which the log says with a LOOK before it.

    While a native core runs, it notes and meets marks in a row that is *lent* to it. What it has
    done so far is looked up whenever anybody asks where the machine stands.
    """

    def __init__(self) -> None:
        self.mode = Mode.NONE
        """As last looked at: `playing` notices that a live recording has caught up."""
        self.live = False
        self.log = EventLog()
        self.devices = DeviceNames()
        self.exception: Callable[[int], str] = lambda number: ""
        """The name of an exception or interrupt of the machine's."""
        self.step: Callable[[], int] = lambda: 0
        """The current step."""
        self.warp_ns: Callable[[], int] = lambda: 0
        """The sum of idle warps so far."""
        self.warp_step: Callable[[], int] | None = None
        """The step of the last warp."""
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        """Is around all in which the machine's thread waits for the host, inside a step."""
        self._cursor = 0
        self._head: Event | None = None
        self.natives: set[int] = set()
        """Devices, by their numbers, for which bytes enter natively."""
        self._row: MarkRow | None = None
        """What is lent."""
        self._row_first = self._row_end = 0
        """Play: which events the row has, by number."""
        self.frontier = (0, 0)
        """Step and warps."""
        self._met = (bytes(16), 0)
        """Hash of the first so many events: of those before the cursor, when it was last asked."""
        self._recorded = bytes(16)
        """Play: hash of all that had been recorded when the machine left the frontier."""
        self._seen = -1
        """Record: the last step that somebody has seen."""
        self._passed = -1
        """The last step at which there is a LOOK, and it is behind us."""
        self._settled = -1
        """Play: the last step at which the log has been asked for what enters."""
        self._whole = True
        """False if the recorder was killed: its last step may be without its end."""
        self._stop = (0, -1, 0)
        """Play: where was looked for the next event to stop for; its number, and its step."""
        self._marked_warp: tuple[int, int] | None = None
        self.again: Again | None = None
        """On a branch: what comes again of the future that it has left."""
        self.held = False
        """Nothing is let in from outside."""

    def begin(self, mode: Mode, recording: Recording | None) -> None:
        """Stand at the first event."""
        if mode is _PLAY and recording is not None:
            self.devices.recorded = recording.file.devices
            self.frontier = (recording.status.steps, recording.status.warp_ns)
            self._whole = recording.status.complete
        if recording is not None:
            self._recorded = recording.config.digest
            self._met = (self._recorded, 0)
        self.mode = mode
        self.live = mode is _RECORD
        self.log = EventLog(recording)
        self._go_to(0)

    # --- branches

    def line(self) -> Line:
        """The line of history that the machine is on, to come back to."""
        if self.mode is _RECORD:
            self.note_frontier()
            self._recorded = self.digest
        return Line(
            self.log,
            self.frontier,
            self.live,
            self._whole,
            self._recorded,
            self.again,
            self._seen,
        )

    def turn_to(self, line: Line) -> None:
        """Be on another line of history. The machine is nowhere until it is `load`ed at a place
        that both have in common."""
        self.take_back()
        self.mode = _PLAY
        self.log = line.log
        self.live = line.live
        self.frontier = line.frontier
        self._whole = line.whole
        self._recorded = line.recorded
        self.again = line.again
        self._row_first = self._row_end = 0
        self._forget()
        self._seen = line.seen

    def branch_off(self, log: EventLog, changes: Mapping[int, Change]) -> None:
        """Record from here on, to the log of a new branch that has what came before. What was to
        come from outside comes again, but for `changes` to some of it, by its numbers."""
        again = Again(self.log, self.cursor, changes)
        self.turn_to(Line(log, (self.step(), self.warp_ns()), True, True, self.digest, again))
        self.mode = _RECORD
        self._go_to(len(log))

    def _forget(self) -> None:
        """What is known of the way on is of another history."""
        self._stop = (0, -1, 0)
        self._marked_warp = None
        self._seen = self._passed = self._settled = -1

    # --- which part of history this is

    def playing(self) -> bool:
        """True in play; a live recording that has caught up becomes RECORD here."""
        if self.mode is not _PLAY:
            return False
        if self.live and self.head is None and self._at_frontier() and self._settled == self.step():
            self.mode = _RECORD
            return False
        return True

    @property
    def at_end(self) -> bool:
        """True where a finished recording ends; never in a live one."""
        if self.mode is not _PLAY or self.live or not self._at_frontier():
            return False
        return self.head is None or self.head.kind is Kind.END or not self._whole

    def _at_frontier(self) -> bool:
        return self.step() >= self.frontier[0]

    @property
    def end_step(self) -> int:
        """Furthest step of the history known; grows while recording."""
        if self.mode is _RECORD:
            self.note_frontier()
        return self.frontier[0]

    def settled(self) -> None:
        """Play: what the log has at this step has entered. Until then the machine has only just
        come here, and what is due at the step, which is not in the log, has not happened either."""
        self._settled = self.step()

    def note_frontier(self) -> None:
        """History goes up to here, at least."""
        if self._row is not None:
            self._catch_up(self._row)
        self.frontier = max(self.frontier, (self.step(), self.warp_ns()))

    # --- positions that somebody has seen

    def look(self) -> None:
        """Somebody sees the machine here. In record that fixes what this position is."""
        if self.mode is _RECORD:
            self.note_frontier()
            self._seen = self.step()

    @property
    def seen(self) -> bool:
        """Record: somebody has seen this position."""
        if self._seen != self.step() or self.playing():
            return False
        return self.mode is _RECORD

    @property
    def left(self) -> bool:
        """Something has entered at this step that its position is without."""
        return self._passed == self.step()

    def leave(self) -> bool:
        """Play: go past a LOOK; True if there was one, and what came after it may enter now."""
        if not self.playing() or self.here(Kind.LOOK) is None:
            return False
        self.advance()
        self._passed = self.step()
        return True

    def save(self) -> State:
        """Where this is, for a state of the machine from which it may go on."""
        if self.mode is _RECORD:
            self.note_frontier()
            # So that a snapshot's mark, which follows, is met when the warps are the same.
            self.mark_warp()
        return {"cursor": self.cursor, "digest": self.digest}

    def load(self, state: State) -> None:
        """Stand where `save` was called. A live recording is in PLAY until it has caught up."""
        self.take_back()
        if self.mode is _RECORD:
            self.note_frontier()
            self._recorded = self.digest
            self.mode = _PLAY
        self._go_to(state["cursor"])
        self._met = (state["digest"], self.cursor)
        # History may have grown.
        self._stop = (0, -1, 0)
        self._marked_warp = None
        self._passed = -1
        self.settled()

    # --- play: the next event

    def until_stop(self) -> int:
        """Steps to the next event that enters at a checkpoint or is a mark, or to the end."""
        step = self.step()
        self.check_passed(step)
        # Nobody stops for what the row has.
        begin = self.cursor if self._row is None else max(self.cursor, self._row_end)
        looked, number, _ = self._stop
        if not looked <= begin <= number:
            self._stop = (begin, *self._find_stop(begin))
        return max(0, self._stop[2] - step)

    def _find_stop(self, begin: int) -> tuple[int, int]:
        """Number and step of the first event from `begin` on to stop for; or of history's end."""
        end = self.frontier[0]
        head = self._head if begin == self._cursor else None
        if head is not None and head.kind in _STOPS:
            return begin, min(head.step, end)
        found = self.log.next_at(_STOPS, begin)
        return (len(self.log), end) if found is None else (found[0], min(found[1], end))

    def next_warp(self) -> int | None:
        """The sum of idle warps (ns) that something at this step waits for, else None."""
        if not self.playing():
            return None if self.again is None else self.again.next_warp(self.step())
        head = self.here(Kind.WARP)
        return None if head is None else to_number(head.payload)

    def check_passed(self, step: int) -> None:
        """Raise `Divergence` if an event before `step` has not been met."""
        head = self.head
        if head is not None and head.step < step and self.playing():
            raise Divergence(step, self.describe(head), "that the machine went on without it")

    def check_over(self, reason: str) -> None:
        """The machine has come to an end of its own: `Divergence` if history goes on from here."""
        step, end = self.step(), self.frontier[0]
        if step < end and self.playing():
            raise Divergence(step, f"a run of {end} steps", f"its end: {reason}")

    def diverged(self, found: str) -> NoReturn:
        """Raise `Divergence`: not the next event, but what `found` says."""
        head = self.head
        expected = "the end of the recording" if head is None else self.describe(head)
        raise Divergence(self.step(), expected, found)

    @property
    def words(self) -> EventWords:
        """What tells events of this machine."""
        return EventWords(self.devices.known, self.exception)

    def describe(self, event: Event) -> str:
        """An event in a sentence."""
        return self.words.describe(event)

    def here(self, kind: Kind) -> Event | None:
        """The next event, if it is of this kind and at this step."""
        head = self.head
        if head is None or head.kind is not kind or head.step != self.step():
            return None
        return head

    def has(self, kind: Kind) -> bool:
        """False if in play the next event is not of this kind and here."""
        return not self.playing() or self.here(kind) is not None

    def advance(self) -> None:
        """The next event has been met."""
        self._go_to(self.cursor + 1)
        if self._row is not None and self._row_first < self._cursor <= self._row_end:
            self._row.at = self._cursor - self._row_first

    @property
    def digest(self) -> bytes:
        """Hash of all events so far, in their order: what has entered is part of the state."""
        digest, known = self._met
        if known < self.cursor:
            digest = self.log.fold(digest, known, self.cursor)
            self._met = (digest, self.cursor)
        return digest

    @property
    def recorded(self) -> bytes:
        """Hash of all events that have been recorded, where the machine may be before some."""
        return self.digest if self.mode is _RECORD else self._recorded

    def take(self, kinds: Kind | tuple[Kind, ...], found: str) -> Event:
        """Consume the next event, which must be one of `kinds`, here."""
        head = self.head
        wanted = (kinds,) if isinstance(kinds, Kind) else kinds
        if head is None or head.kind not in wanted or head.step != self.step():
            self.diverged(found)
        self.advance()
        return head

    @property
    def cursor(self) -> int:
        """The sequence number of the next event."""
        if self._row is not None:
            self._catch_up(self._row)
        return self._cursor

    @property
    def head(self) -> Event | None:
        """Play: the next event."""
        if self._row is not None:
            self._catch_up(self._row)
        return self._head

    def _go_to(self, cursor: int) -> None:
        self._cursor = cursor
        self._head = self.log.get(cursor)

    # --- marks of a native core

    def lend(self, row: MarkRow) -> None:
        """A native core is about to run, and notes in `row` what it takes, and what enters devices;
        in play that has to be what the log has next. It must stop for everything else."""
        self.take_back()
        if self.playing():
            cursor = self._cursor
            if not self._row_first <= cursor < self._row_end:
                steps, keys, values = self.log.marks_from(cursor, self.natives)
                row.expect(steps, keys, values)
                self._row_first, self._row_end = cursor, cursor + len(steps)
            row.at = cursor - self._row_first
        else:
            self._row_first = self._row_end = 0
            if self.mode is _RECORD:
                row.record(self._seen, self._marked_warp)
            else:
                row.keep_none()
        self._row = row

    def take_back(self) -> None:
        """The native core has run."""
        if self._row is not None:
            self._catch_up(self._row)
            self._marked_warp = self._last_warp
            self._row = None

    def _catch_up(self, row: MarkRow) -> None:
        if self.mode is not _PLAY:
            if row.at:
                self.log.append_marks(*row.take())
                self._cursor = len(self.log)
        elif self._cursor < self._row_first + row.at:
            self._go_to(self._row_first + row.at)

    # --- record: one more event

    def append(self, kind: Kind, payload: bytes) -> None:
        """Put an event into the log, here; nothing if nothing is recorded."""
        if self.mode is _RECORD:
            if self._row is not None:
                self._catch_up(self._row)
            self.log.append(Event(self.step(), kind, payload))
            self._cursor = len(self.log)

    @property
    def _last_warp(self) -> tuple[int, int] | None:
        if self._row is None or self.mode is not _RECORD:
            return self._marked_warp
        return self._row.warp

    def mark_warp(self) -> None:
        """Say at which idle warp the next event enters, if the step alone does not tell."""
        now = (self.step(), self.warp_ns())
        if self.warp_step is not None and self.warp_step() != now[0]:
            return
        last = self._last_warp
        if self.warp_step is None and now[1] == (last or (0, 0))[1]:
            return
        if now != last:
            self.append(Kind.WARP, number(now[1]))
            self._marked_warp = now
            if self._row is not None:
                self._row.warp = now

    def append_input(self, kind: Kind, payload: bytes) -> None:
        """`append` what must find the same place between two positions again in play."""
        if self.mode is _RECORD:
            if self.seen and not self.left:
                self.append(Kind.LOOK, b"")
                self._passed = self.step()
            self.mark_warp()
            self.append(kind, payload)

    # --- both

    def mark(self, kind: Kind, payload: bytes) -> None:
        """Record: put it into the log. Play: it must be the next event, here."""
        if not self.playing():
            self.append(kind, payload)
            return
        head = self.here(kind)
        if head is None or head.payload != payload:
            self.diverged(self.words.text(Event(self.step(), kind, payload)))
        self.advance()

    def checkpoint(self, kind: Checkpoint) -> bool:
        """Record: put it into the log, if it is one of those. Play: True if it is met here."""
        if kind not in _LOGGED_CHECKPOINTS:
            return True
        payload = small(kind)
        if not self.playing():
            append = self.append if kind in _OF_A_REQUEST else self.append_input
            append(Kind.CHECKPOINT, payload)
            return True
        head = self.here(Kind.CHECKPOINT)
        if head is None or head.payload != payload:
            return False
        self.advance()
        return True
