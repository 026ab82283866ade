"""A recorded run, to be moved through and asked by a program."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from ttd.api.branches import Branch, branch_of
from ttd.api.console import Console, Writes
from ttd.api.events import Event, event_of, kinds_of
from ttd.api.frames import Frame, frames
from ttd.api.machine import Memory, Registers, SymbolTable
from ttd.api.patience import Patience, ctrl_c
from ttd.api.questions import Questions
from ttd.api.stops import Hit, StopPoint, hit_of, watchpoint
from ttd.api.threads import Thread, threads_of
from ttd.api.trail import Trail
from ttd.conditions import Expression, resolve
from ttd.debugger import c_conditions as conditions
from ttd.debugger.assigning import assignment
from ttd.debugger.hunt import Quarry
from ttd.debugger.names import MachineNames, names_of
from ttd.debugger.places import find_place, place_at, same_step, step_here
from ttd.debugger.session import Armed, Found, Session
from ttd.edits import edit, merged
from ttd.errors import UserError
from ttd.history import place as history
from ttd.history.named_place import Place
from ttd.host.opened import opened
from ttd.inspection import event_rows, summary
from ttd.printed import Interrupted as PrintedInterrupted
from ttd.printed import Printed
from ttd.questions.past import Past
from ttd.recorded import SEMIHOSTING, RecordedMachine
from ttd.stops import Breakpoint, Stop, Watchpoint, Why

if TYPE_CHECKING:
    from ttd.why import Explainer

Where: TypeAlias = "Place | int | str"
"""A place, a step of the present branch, or text: `b1:1234`, `50%`, `start`, `end`, a bookmark."""
_MOST_TYPED = 1 << 15
_FOR_EVER = 1 << 62
_FRAMES = 1000
"""Of a backtrace, at most."""


class Run:
    """A machine, its recording, and a place in it; `open` and `record` make one.

    Every movement returns the place where it has led. What is written in the past, and what
    `branch_off` begins, is another future, which is recorded into the same file.
    """

    def __init__(self, recorded: RecordedMachine) -> None:
        self._recorded = recorded
        self._timeline = recorded.timeline
        self._halted = threading.Event()
        self._session = Session(self._timeline, stop=self._halted)
        self._end: list[Callable[[], None]] = []
        self._closed = False
        machine = recorded.machine
        self._patience = machine.onlooker = Patience(machine, self._session.interrupts)
        symbols = names_of(machine)
        self._names = MachineNames(machine.cpu, symbols, self._is_signed)
        self._registers = Registers(self._session, self._names)
        self._symbols = SymbolTable(symbols)
        self._memory = Memory(self._session, self._symbols)
        self._printed: tuple[history.Place, Writes] | None = None
        self._explainer: Explainer | None = None
        self._past: Past | None = None
        self.note = ""
        """Why the last movement ended where it did, if that is not where it was to go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the branches that are being recorded, and let go of the file."""
        if self._closed:
            return
        self._closed = True
        recorded = self._recorded
        try:
            if recorded.branches.growing:
                recorded.leave("the program ended the session")
        finally:
            recorded.close()
            for end in self._end:
                end()

    def __repr__(self) -> str:
        if self._closed:
            return f"<run {self.path}, closed>"
        return f"<run {self.path} at {self.place} of {self.end.step}>"

    # -- what it is ----------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The recording."""
        return self._recorded.recording.path

    @property
    def board(self) -> str:
        """The name of the board."""
        return self._recorded.machine.board.name

    @property
    def end_reason(self) -> str:
        """How the recording of the present branch ended, in a sentence; empty while it goes on, or
        if it was cut off."""
        return self._open.recording.status.reason

    @property
    def exit_code(self) -> int | None:
        """What the guest exited with, if it did."""
        return self._open.recording.status.exit_code

    @property
    def notes(self) -> list[str]:
        """Sentences about what has happened since they were asked for last, such as of a branch."""
        found, self._timeline.notes[:] = list(self._timeline.notes), []
        return found

    def say(self, *sentences: str) -> None:
        """Add to the notes."""
        self._timeline.notes.extend(sentences)

    @property
    def facts(self) -> dict[str, Any]:
        """What `ttd info --json` says of the recording, as far as it is on the disk."""
        return summary(self._open.recording)

    def on_close(self, act: Callable[[], None]) -> None:
        """Call `act` when the run has been closed."""
        self._end.append(act)

    # -- where it is ---------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """The present one."""
        return self._told(self._timeline.place)

    @property
    def begin(self) -> Place:
        """The first one of the present branch."""
        return self._here(self._timeline.begin)

    @property
    def end(self) -> Place:
        """The last one that is known of the present branch."""
        return self._here(self._timeline.end)

    @property
    def live(self) -> bool:
        """At the end of the present branch the machine runs on, and is recorded."""
        return self._timeline.live

    def interrupt(self) -> None:
        """From another thread: end the movement or the search that is under way, and all that
        begin before `go_ahead`; the run is where it has come to."""
        self._halted.set()
        self._recorded.machine.interrupt()
        threading.Thread(target=self._session.interrupts.deliver, daemon=True).start()

    def go_ahead(self) -> None:
        """Take an `interrupt` back."""
        self._halted.clear()
        self._recorded.machine.interruption.answer()

    @property
    def progress(self) -> Callable[[float, str], None] | None:
        """Called in long movements and searches: how much is done, from 0 to 1, and of what."""
        return self._timeline.progress

    @progress.setter
    def progress(self, tell: Callable[[float, str], None] | None) -> None:
        self._timeline.progress = tell

    def why(self) -> str:
        """Why the machine is here, in some lines: the fault and who wrote the bad pointer, or which
        input or instruction has raised the interrupt whose handler this is."""
        if self._explainer is None:
            # Registers' names and decoders: who does not ask does without.
            from ttd.debugger.explaining import explainer  # noqa: PLC0415
            from ttd.register_names import RegisterNames  # noqa: PLC0415

            self._explainer = explainer(self._open, RegisterNames(self._recorded.machine, ()))
        with self._working():
            return self._explainer.why()

    @property
    def virtual_ns(self) -> int:
        """The guest's time, in nanoseconds since the machine was switched on."""
        return self._timeline.virtual_ns

    def goto(self, where: Where) -> Place:
        """Go to a place, on whatever branch. `UserError` if there is no such place."""
        goal = self._place(where, "goto")
        return self._moved(lambda: self._session.jump(Armed(goal)))

    def step(self, count: int = 1) -> Place:
        """So many steps forward; at an end of history not as far."""
        timeline = self._timeline
        goal = timeline.position + count

        def go() -> Stop:
            left = goal - timeline.position
            return timeline.step_forward(left) if left >= 0 else timeline.step_backward(-left)

        return self._moved(lambda: self._session.move(go))

    def back(self, count: int = 1) -> Place:
        """So many steps backward; at the beginning not as far."""
        return self.step(-count)

    def go_on(self, steps: int | None = None) -> Place:
        """Run on to the end: of the history, or where it is being recorded of the guest, or until
        that sleeps and nothing wakes it. `steps`: not further than that."""
        timeline = self._timeline
        until = (timeline.position + steps) if steps is not None else None
        if until is None and not timeline.live:
            until = timeline.end
        goal = _FOR_EVER if until is None else until
        return self._moved(lambda: self._session.move(lambda: timeline.seek(goal), far=True))

    @property
    def trail(self) -> Trail:
        """Where jumps and runs have led: `run.trail.back()` goes to the place before this one."""
        self._open  # noqa: B018 -- raises
        return Trail(
            self._session,
            self._told,
            lambda index: self._moved(lambda: self._session.walk(index)),
        )

    # -- what is there -------------------------------------------------------------------

    @property
    def registers(self) -> Registers:
        """By name: `run.registers.pc`, `run.registers["r0"]`."""
        self._open  # noqa: B018 -- raises
        return self._registers

    @property
    def memory(self) -> Memory:
        """`run.memory[a:b]`, `run.memory.u32[a]`, `run.memory["variable"]`."""
        self._open  # noqa: B018 -- raises
        return self._memory

    @property
    def symbols(self) -> SymbolTable:
        """Addresses and sizes by name, and names of addresses."""
        return self._symbols

    @property
    def threads(self) -> list[Thread]:
        """The tasks of the guest's operating system, if it is one that is known; otherwise one
        thread."""
        self._open  # noqa: B018 -- raises
        return threads_of(self._session, self._registers)

    @property
    def backtrace(self) -> list[Frame]:
        """The function that runs here, what called it, and so on, with their variables; the
        innermost 1000 of them."""
        return self.frames(_FRAMES)

    def frames(self, most: int) -> list[Frame]:
        """The same, as many at most."""
        past = self._past_of_it()
        return list(islice(frames(past), most))

    def value(self, expression: str) -> str:
        """What an expression of C is here: `"queue.head - 1"`, `"*p"`, `"table[3].name"`,
        `"UART0.STATE"`, with the local variables of the function that runs."""
        past = self._past_of_it()
        return past.program.value(expression, past.moment)

    def set(self, what: str, value: int | str) -> None:
        """Change a variable, or what an expression of C stands for (`"p->next"`, `"$r0"`,
        `"0x20000000:4"`); `value` may be an expression, too (`"EVENTS | TICK"`). In the past that
        begins another future, as every change does."""
        past = self._past_of_it()
        assignment(past, what, str(value)).make(past)

    @property
    def console(self) -> Console:
        """What has been printed up to here."""
        board = self._open.machine.board
        names = Printed(self._recorded.machine, self._recorded.snapshots).devices
        others = [name for name in names if name in board.serials[1:]]
        first = [name for name in names if name not in others]
        # A device that is not used is none that a console has.
        used = [n for n in first if n != SEMIHOSTING or self._recorded.machine.semihosting]
        return Console(self._writes, used, tuple(others))

    def type(self, text: str | bytes, device: str | None = None) -> None:
        """Let the guest get characters, on a branch that is being recorded, from here on.

        `device`: the first UART, unless said otherwise. A keyboard or its like gets `press KEY` or
        `release KEY`.
        """
        serials = self._open.machine.board.serials
        name, known = device or next(iter(serials), ""), [*serials, *self._recorded.replay.inputs]
        if name not in known:
            raise UserError(f"nobody can type at {name}; there are {', '.join(known)}")
        if not self.live or self._timeline.position < self._timeline.end:
            raise UserError("nothing can be typed in the past: branch off first")
        data = text.encode() if isinstance(text, str) else text
        if len(data) > _MOST_TYPED:
            raise UserError(f"at most {_MOST_TYPED} characters are typed at once")
        self._timeline.probe.give_input(name, data)

    def events(
        self,
        kind: str | Iterable[str] | None = None,
        first: Where | None = None,
        last: Where | None = None,
    ) -> Iterator[Event]:
        """What came from outside, and when, on the present branch: of one kind, of several or of
        all, from the place `first` to `last`."""
        kinds = kinds_of(kind)
        low = 0 if first is None else self._step(first, "first")
        high = None if last is None else self._step(last, "last")
        rows = event_rows(self._open.replay.log, self._recorded.replay.words, None, low, high)
        branch = self.place.branch
        return (event_of(row, branch) for row in rows if kinds is None or row["kind"] in kinds)

    # -- stops ---------------------------------------------------------------------------

    def stop_at(
        self,
        breakpoint: int | str | None = None,
        *,
        watch: int | str | slice | None = None,
        access: str = "w",
        when: Expression | str | None = None,
        hits: int = 1,
    ) -> StopPoint:
        """Where the run is to be stopped at: `.next()`, `.previous()`, or a loop over all.

        `breakpoint`: an address or a symbol. `watch`: a variable, an address (of a word), or a
        range `slice(a, b)`, with `access` `"w"`, `"r"` or `"rw"`. `when`: a condition, as text
        (`"r0 > 3 and counter == 5"`) or made by operators (`reg("r0") > 3`); of a watched access it
        may compare `old` and `new`. `hits`: only every so manieth.
        """
        if (breakpoint is None) == (watch is None):
            raise UserError("stop_at takes either a breakpoint or watch=")
        if hits < 1:
            raise UserError(f"hits is 1 or more, not {hits}")
        stop: Breakpoint | Watchpoint
        if breakpoint is not None:
            stop, told = Breakpoint(self._memory.address(breakpoint)), f"{breakpoint}"
        else:
            assert watch is not None
            stop, told = watchpoint(self._memory, watch, access), f"{access} of {watch}"
        condition = None
        if when is not None:
            told = f"{told} when {when}"
            condition = (
                self._condition(when) if isinstance(when, str) else resolve(when, self._names)
            )
        quarry = Quarry(stop, condition, hits)
        return StopPoint(told, lambda back, until: self._find(quarry, back, until))

    def _is_signed(self, name: str) -> bool:
        return self._past_of_it().program.is_signed(name)

    def _condition(self, text: str) -> Expression:
        past = self._past_of_it()
        return conditions.condition(text, self._names, past.program, past.moment)

    def _find(self, quarry: Quarry, backward: bool, until: Where | None) -> Hit | None:
        limit = None if until is None else self._step(until, "until", ahead=True)
        self._open  # noqa: B018 -- raises
        with self._ctrl_c():
            hit = self._session.hunt(quarry, backward=backward, until=limit)
        self.note = self._patience.take_verdict()
        return None if hit is None else hit_of(hit, self.place, self._symbols)

    @property
    def ask(self) -> Questions:
        """Questions: `run.ask.irqs("timer0")`, `run.ask.diff("50%")`."""
        return Questions(self._past_of_it, self._place, self._working)

    def _past_of_it(self) -> Past:
        if self._past is None:
            self._past = Past(self._open)
        return self._past

    # -- branches ------------------------------------------------------------------------

    @property
    def branches(self) -> list[Branch]:
        """All, in the order in which they were made."""
        return [branch_of(self._timeline, branch) for branch in self._open.branches.all]

    def branch(self, name: str) -> Branch:
        """Go to another branch: to the same step of it, or if it is shorter to its end."""
        found = self._open.branches.named(name)
        goal = same_step(self._timeline, found, self._timeline.position)
        self._moved(lambda: self._session.jump(Armed(goal)))
        return branch_of(self._timeline, found)

    @contextmanager
    def branch_off(
        self, reason: str, name: str = "", edits: Sequence[str] = ()
    ) -> Iterator[Branch]:
        """Begin another future here, which is recorded; afterwards be here again.

        `with run.branch_off("what if it was 3"): ...`. `name`: `b1` and so on, unless said. What
        came from outside comes again, but for `edits`, such as `"533 drop"` or `"533 chars x"`, as
        `monitor edit` has them: of inputs that come later than here.
        """
        recorded, home = self._open, self._timeline.place
        plan = [edit(recorded.replay.log, recorded.replay.words, text) for text in edits]
        for each in plan:
            if each.step < home.step:
                raise UserError(f"an input is edited from before it: go to {each.step} at most")
        changes = merged(plan).changes if plan else None
        made = self._timeline.branch_off(reason, name, changes)
        try:
            yield branch_of(self._timeline, made)
        finally:
            self._moved(lambda: self._session.jump(Armed(home)))

    def discard(self, name: str) -> None:
        """Forget a branch, on which the run is not."""
        self._open  # noqa: B018 -- raises
        self._session.discard(name)

    # -- bookmarks -----------------------------------------------------------------------

    @property
    def bookmarks(self) -> Mapping[str, Place]:
        """The places that have names in the recording."""
        marks = self._open.timeline.bookmarks.all.items()
        return {name: self._told(history.Place(m.branch, m.step)) for name, m in marks}

    def bookmark(self, name: str, note: str = "") -> Place:
        """Give the present place a name, which is kept in the recording."""
        self._timeline.bookmarks.set(name, self._open.timeline.place, note)
        return self.place

    # -- inside --------------------------------------------------------------------------

    @property
    def _open(self) -> RecordedMachine:
        if self._closed:
            raise UserError(f"the run {self.path} is closed")
        return self._recorded

    def _here(self, step: int) -> Place:
        return Place(self._open.branches.present.name, step)

    def _told(self, place: history.Place) -> Place:
        branch = next(b for b in self._open.branches.all if b.id == place.branch)
        return Place(branch.name, place.step)

    def _place(self, where: Where, what: str, *, ahead: bool = False) -> history.Place:
        """What is meant; `ahead`: it may be beyond the end of what is being recorded."""
        timeline = self._open.timeline
        if not isinstance(where, int):
            return find_place(timeline, str(where), what)
        if ahead and timeline.live and where >= timeline.end:
            return history.Place(timeline.place.branch, where)
        return place_at(timeline, where)

    def _step(self, where: Where, what: str, *, ahead: bool = False) -> int:
        """Of a place on the present branch."""
        return step_here(self._timeline, self._place(where, what, ahead=ahead), what)

    def _moved(self, move: Callable[[], Found]) -> Place:
        """Move, and say where that has led."""
        self._open  # noqa: B018 -- raises
        with self._ctrl_c():
            stop = move().stop
        verdict = self._patience.take_verdict()
        if stop.why is Why.DIVERGED:
            raise UserError(stop.note)
        self.note = verdict or (stop.note if stop.why is not Why.STEPS else "")
        return self.place

    def _ctrl_c(self) -> AbstractContextManager[None]:
        """Around what moves."""
        return ctrl_c(self._session.interrupts, self._recorded.machine)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Around what takes its time, and leads nowhere."""
        with self._ctrl_c(), self._session.interrupts.moving():
            yield

    def _writes(self) -> tuple[str, Writes]:
        """What all devices have printed up to here."""
        recorded, at = self._open, self._timeline.place
        if self._printed is None or self._printed[0] != at:
            printed = Printed(recorded.machine, recorded.snapshots)
            found: Writes = []
            # What ends it is Ctrl-C, which raises in the end.
            with self._working(), printed.staying(), suppress(PrintedInterrupted):
                printed.read(printed.devices, at.step, lambda *written: found.append(written))
            self._printed = (at, found)
        return self.place.branch, self._printed[1]


def open(
    path: str | os.PathLike[str],
    *,
    branch: str = "",
    temporary: bool = False,
    snapshot_memory: int | None = None,
    drives: Sequence[str] = (),
) -> Run:
    """The run of a recording, at its first place.

    `branch`: which one, and not the first. `temporary`: new branches are in no file. `drives`: the
    images, as `--drive` takes them, of a recording that does not hold what was read of them, or for
    branches that read more. A `UserError` says what is wrong with the file.
    """
    recording = os.fspath(path)
    session = opened(recording, drives, branch=branch, snapshot_memory=snapshot_memory)
    session.branches.temporary = temporary
    return Run(session)
