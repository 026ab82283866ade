"""What questions are asked of: a recorded machine, with names for what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TypeVar

from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.history.place import Place as Position
from ttd.machine import Machine
from ttd.moment import Present
from ttd.program.errors import ProgramError
from ttd.program.location import Location, Where
from ttd.program.program import Program
from ttd.recorded import RecordedMachine
from ttd.recording.events import MARKS, Kind, to_small
from ttd.recording.log import EventLog
from ttd.register_names import Block, RegisterNames
from ttd.replay.words import EventWords
from ttd.snapshot import Snapshots
from ttd.stops import Stop, Why, whole
from ttd.symbols import Symbols
from ttd.timeline import Timeline
from ttd.values import dataclass

AnyRow = TypeVar("AnyRow")
_BY_ENTRY = "exception entry"
"""So accesses of one say who makes them."""
_WINDOW = 1 << 20
"""Steps whose entries to exceptions are looked up at once."""
_MOST_ROWS = 1 << 48
"""More than any answer has; one can still count on from there."""
Report = Callable[[float], None]
"""Is told which fraction of the work is done."""


class Interrupted(UserError):
    """Somebody wanted an end before there was an answer."""

    def __init__(self) -> None:
        super().__init__("The question was interrupted.")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a branch that a question is about: steps from `begin` to before `end`."""

    begin: int
    end: int
    here: int
    """Where who asks is: what is said without a time is meant there."""
    backward: bool = False
    """The latest row first."""
    limit: int | None = None
    """So many rows at most."""

    def chosen(self, ascending: Sequence[AnyRow]) -> list[AnyRow]:
        """Of all rows in this part, those that are wanted, in the order that is."""
        rows = list(ascending[::-1] if self.backward else ascending)
        return rows if self.limit is None else rows[: self.limit]


class Past:
    """A machine that is asked about its past. Questions leave it where it is."""

    def __init__(self, session: RecordedMachine, described: Sequence[Block] = ()) -> None:
        """`described`: registers of devices that have other names."""
        self.session = session
        self.report: Report = lambda done: None
        self._described = described
        self._lines: dict[int, str] = {}
        self._taken: dict[int, int] = {}
        self._window: tuple[EventLog, int] | None = None

    @property
    def timeline(self) -> Timeline:
        return self.session.timeline

    @property
    def machine(self) -> Machine:
        return self.session.machine

    @property
    def snapshots(self) -> Snapshots:
        return self.session.snapshots

    @property
    def log(self) -> EventLog:
        """Of the present branch."""
        return self.session.replay.log

    @property
    def words(self) -> EventWords:
        return self.session.replay.words

    @cached_property
    def symbols(self) -> Symbols:
        return Symbols(load.image for load in self.machine.loads)

    @cached_property
    def registers(self) -> RegisterNames:
        """Those of devices."""
        return RegisterNames(self.machine, self._described)

    @cached_property
    def program(self) -> Program:
        """What the images say of it."""
        cpu = self.timeline.cpu
        registers = cpu.registers
        images = self.timeline.probe.images
        return Program(images, cpu.gdb_architecture, registers, self.symbols, self.device)

    def device(self, text: str) -> Location | None:
        """A register of a device, or a field of one; None if there is no device of that name, a
        `ProgramError` if it has no such register."""
        if "." not in text:
            return None
        parts = text.split(".")
        names = (".".join(parts[:count]) for count in range(1, len(parts)))
        if all(self.registers.block(name) is None for name in names):
            return None
        try:
            named = self.registers.find(text)
        except UserError as error:
            raise ProgramError(str(error)) from None
        bits = None
        if named.mask != (1 << 8 * named.size) - 1:
            bits = (named.mask & -named.mask).bit_length() - 1, named.mask.bit_count()
        return Location(Where.DEVICE, named.name, named.size, address=named.address, bits=bits)

    @property
    def moment(self) -> Present:
        """The machine as it stands, for `program`."""
        return Present(self.timeline.probe)

    # -- places ----------------------------------------------------------------------------

    def place(self, step: int) -> Place:
        """A step of the present branch."""
        return Place(self.timeline.branches.present.name, step)

    def stretch(
        self,
        begin: int | None = None,
        end: int | None = None,
        here: int | None = None,
        *,
        backward: bool = False,
        limit: int | None = None,
    ) -> Stretch:
        """Of the present branch; what is not said is all of it, and the present. `UserError` if it
        ends before it begins."""
        timeline = self.timeline
        if begin is not None and end is not None and begin > end:
            raise UserError(f"What is asked about ends, at {end}, before it begins, at {begin}.")
        return Stretch(
            timeline.begin if begin is None else max(begin, timeline.begin),
            timeline.end if end is None else min(end, timeline.end),
            timeline.position if here is None else here,
            backward,
            None if limit is None else min(limit, _MOST_ROWS),
        )

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Be here again afterwards, whatever has happened; on another branch, too."""
        timeline = self.timeline
        home = timeline.place
        with timeline.staying():
            try:
                yield
            finally:
                if timeline.place.branch != home.branch:
                    whole(lambda: timeline.go_to(home))

    def go(self, step: int) -> None:
        """Be at a step of the present branch."""
        if self.timeline.position != step:
            self._check(self.timeline.seek(step))

    def go_to(self, place: Position) -> None:
        """Be at a place, on whatever branch."""
        self._check(self.timeline.go_to(place))

    def one_step(self) -> None:
        self._check(self.timeline.step_forward())

    @staticmethod
    def _check(stop: Stop) -> None:
        if stop.why is Why.INTERRUPTED:
            raise Interrupted
        if stop.why is Why.DIVERGED:
            raise UserError(stop.note)

    def entered(self, stretch: Stretch) -> set[int]:
        """The steps in which the processor took an exception, instead of an instruction."""
        found = self.log.select(MARKS, stretch.begin, stretch.end - 1)
        return {event.step for _, event in found}

    def unedited(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of a stretch in which only the guest changes anything: each but the first one
        begins where a debugger has."""
        edits = self.log.select((Kind.DEBUG_WRITE,), begin + 1, end - 1)
        for step in sorted({event.step for _, event in edits}):
            yield begin, step
            begin = step
        yield begin, end

    def entry(self, step: int) -> int | None:
        """The exception that the processor took in this step, instead of an instruction."""
        log, window = self.log, step // _WINDOW
        if self._window != (log, window):
            found = log.select(MARKS, window * _WINDOW, (window + 1) * _WINDOW - 1)
            self._taken = {event.step: to_small(event.payload) for _, event in found}
            self._window = log, window
        return self._taken.get(step)

    def exception(self, number: int) -> str:
        """What people call it."""
        return self.words.exception(number) or f"exception {number}"

    def maker(self, by: str, step: int, *, register: bool = False) -> str:
        """Who has written something in a step, if not the instruction there; `by` as a row has it.
        `register`: it is a change of a register, whose rows do not know."""
        if by and not by.startswith(_BY_ENTRY):
            return by
        taken = self.entry(step) if by or register else None
        return by if taken is None else f"the entry to {self.exception(taken)}"

    # -- names -----------------------------------------------------------------------------

    def code(self, address: int) -> str:
        """`function+4`; the number where nothing is known."""
        return self.symbols.name(address) or f"{address:#x}"

    def data(self, address: int) -> str:
        """`variable+4`, or of a device `UART0.STATE`; the number where nothing is known."""
        symbols = self.symbols
        found = symbols.variable(address) or self.registers.at(address) or symbols.name(address)
        return found or f"{address:#x}"

    def line(self, address: int) -> str:
        """`file.c:12`: where the instruction comes from; empty where nobody knows."""
        if address not in self._lines:
            try:
                found = self.program.line_at(address)
            except ProgramError:
                found = None
            self._lines[address] = "" if found is None else str(found)
        return self._lines[address]

    def at(self, address: int) -> str:
        """The same behind a name, in short."""
        line = self.line(address)
        return f"{self.code(address)} ({line.rpartition('/')[2]})" if line else self.code(address)

    def function(self, address: int) -> str:
        """The name of the function that has an address; where nothing is known `0x1000+4K`, the
        page that it is in."""
        found = self.symbols.name(address)
        return f"{address & ~0xFFF:#x}+4K" if found is None else found.partition("+")[0]

    def stack(self) -> tuple[str, ...]:
        """The functions that have been called and have not returned, the outermost first; those
        that are inlined, too."""
        found = list[str]()
        try:
            for frame in self.program.backtrace(self.moment):
                found += (level.name or "?" for level in frame.levels if level.name or not found)
        except ProgramError:
            pass
        if not found or found[0] == "?":
            found[:1] = [self.function(self.machine.engine.pc)]
        return tuple(reversed(found))
