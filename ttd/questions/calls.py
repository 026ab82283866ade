"""`calls`: when a function was called, with what, from where, and what it returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.program.calling import Back
from ttd.program.errors import ProgramError
from ttd.program.frames import Frame, Sort
from ttd.program.functions import Function
from ttd.program.location import Location
from ttd.questions.irqs import left_after
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Row
from ttd.questions.search import rows
from ttd.questions.tasks import Tasks
from ttd.questions.traps import Traced, Trap, open_traps
from ttd.search import Range, What
from ttd.text import number
from ttd.values import dataclass

_MOST = 100
"""Characters of a value."""
_LONGEST = 16
"""Bytes of a call, at most: it returns to what is behind it."""


@dataclass(frozen=True, slots=True)
class Call(Row):
    """A call: `place` is before the first instruction of the function."""

    function: str
    arguments: tuple[tuple[str, str], ...]
    """Name and value of each; of a function that nobody describes none."""
    caller: str
    """The function from which it was called; empty: nobody knows, or the processor did."""
    line: str
    """The line of the source from which."""
    depth: int
    """How many functions have not returned yet that led to it."""
    context: str
    """The interrupt or the task in which it ran; empty: there is none."""
    returned: Place | None
    """Just after it; None: it has not, as far as is known."""
    result: str
    """What it returned; empty: nothing, or nobody knows."""
    jumped: str
    """The instruction that has jumped there, in place of a call (a tail call, a loop); empty: it
    was called. `caller` is whom it returns to then."""

    @property
    def text(self) -> str:
        given = ", ".join(f"{name}={value}" if name else value for name, value in self.arguments)
        back = f" = {self.result}" if self.result else ""
        open_ = "" if self.returned else ", not returned"
        line = f" ({self.line.rpartition('/')[2]})" if self.line else ""
        by = f", from {self.caller}{line}" if self.caller else ""
        by += f", jumped to by {self.jumped}" if self.jumped else ""
        context = f", in {self.context}" if self.context else ""
        return f"{self.function}({given}){back}{by}{context}, depth {self.depth}{open_}"


def calls(past: Past, stretch: Stretch, name: str) -> list[Call]:
    """When a function was entered; `name`: of a static one perhaps `file.c::name`; or its address.

    `UserError` if there is no such function. What it returned is looked for behind the part that
    is asked about, too.
    """
    entry = _entry(past, name)
    asked = _Asked(past, past.program.function_at(entry), name)
    taken = past.entered(stretch)
    found = rows(past, stretch, What.EXECUTED, ranges=(Range(entry, entry + 1),))
    steps = [s for s in islice((r.step for r in found if r.step not in taken), stretch.limit)]
    traps = open_traps(past, steps)
    with past.staying():
        entered = {step: asked.entered(step, traps[step]) for step in sorted(steps)}
        asked.follow(stretch, entered)
    return [entered[step].told(past) for step in steps]


def _entry(past: Past, name: str) -> int:
    """Where a function begins, by its name or that address."""
    try:
        address = number(name)
    except ValueError:
        return past.program.entry(name)
    program = past.program
    if program.registers.family == "arm":
        address &= ~1
    function = program.function_at(address)
    if function is not None and function.start != address:
        raise UserError(f"{name} is inside {function.name}, which begins at {function.start:#x}.")
    return address


@dataclass
class _Entered:
    """A call that was found, and what became of it."""

    step: int
    call: Call
    back: Back | None
    result_at: int | None
    end: int | None = None
    result: str = ""

    def told(self, past: Past) -> Call:
        returned = None if self.end is None else past.place(self.end)
        return replace(self.call, returned=returned, result=self.result)


class _Asked:
    def __init__(self, past: Past, function: Function | None, name: str) -> None:
        self._past, self._function = past, function
        self._name = self._named(name) if function is None else function.name
        self._now = past.moment
        self._tasks = Tasks(past)
        self._traced = Traced(past)

    def _named(self, name: str) -> str:
        """Of a function that nobody describes: by its address it may have a name."""
        try:
            return self._past.code(number(name))
        except ValueError:
            return name

    def _jumped(self, step: int) -> str:
        """Where the function was jumped to, if it was not called; the machine is there then."""
        past, now = self._past, self._now
        if not step or past.entry(step - 1) is not None:
            past.go(step)
            return ""
        past.go(step - 1)
        cpu, before = past.timeline.cpu, past.machine.engine.pc
        number = cpu.exception_number()
        past.go(step)
        back = past.program.calling.back(now)
        behind = range(before + 1, before + _LONGEST + 1)
        if cpu.exception_number() != number or (back and back.address in behind):
            return ""
        return past.at(before)

    def _context(self, traps: Sequence[Trap]) -> str:
        """The interrupt, or the task, that runs."""
        number = self._past.entry(traps[0].step) if traps else None
        return self._tasks.present() if number is None else self._past.exception(number)

    def entered(self, step: int, traps: Sequence[Trap]) -> _Entered:
        """At the beginning of a call."""
        past, now, function = self._past, self._now, self._function
        jumped = self._jumped(step)
        program = past.program
        given: tuple[tuple[str, str], ...] = ()
        result_at = None
        if function is not None:
            given = tuple(
                (each.name, self._shown(each.location))
                for each in program.calling.arguments(function, now)
            )
            result_at = program.calling.result_address(function, now)
        trap = past.entry(step - 1)
        back = program.calling.back(now) if trap is None else None
        frames = list(islice(self._traced.frames(traps), 1000))
        caller, line = _caller(frames) if trap is None else ("", "")
        depth = sum(len(frame.levels) for frame in frames if frame.sort is not Sort.EXCEPTION) - 1
        call = Call(
            past.place(step),
            self._name,
            given,
            caller,
            line,
            depth,
            self._context(traps),
            None,
            "",
            jumped,
        )
        return _Entered(step, call, back, result_at)

    def _shown(self, location: Location | None) -> str:
        if location is None:
            return "?"
        try:
            shown = self._past.program.show(location, self._now, typed=False)
        except ProgramError:
            return "?"
        return shown if len(shown) <= _MOST else shown[: _MOST - 3] + "..."

    def follow(self, stretch: Stretch, entered: dict[int, _Entered]) -> None:
        """Find where calls have returned: at the address they were to return to, the stack as it
        was."""
        by_processor = [each for each in entered.values() if each.back is None]
        left = left_after(self._past, [each.step for each in by_processor], stretch.end)
        for each in by_processor:
            each.end = left.get(each.step)
        waiting = [each for each in entered.values() if each.back is not None]
        if not waiting:
            return
        ahead = replace(
            stretch,
            begin=min(each.step for each in waiting) + 1,
            end=self._past.timeline.end,
            backward=False,
            limit=None,
        )
        waited = {each.back.address for each in waiting if each.back is not None}
        ranges = tuple(Range(address, address + 1) for address in sorted(waited))
        for step, pc in self._ran(ahead, ranges):
            there = [w for w in waiting if w.step < step and w.back and w.back.address == pc]
            if not there:
                continue
            self._past.go(step)
            sp = self._now.register(self._past.program.registers.sp)
            # The innermost has returned; the same stack below is another call's.
            done = next((w for w in reversed(there) if w.back and w.back.sp == sp), None)
            if done is None:
                continue
            done.end, done.result = step, self._result(done)
            waiting.remove(done)
            if not waiting:
                return

    def _ran(self, stretch: Stretch, ranges: tuple[Range, ...]) -> Iterator[tuple[int, int]]:
        for row in rows(self._past, stretch, What.EXECUTED, ranges=ranges):
            yield row.step, row.pc or 0

    def _result(self, call: _Entered) -> str:
        if self._function is None:
            return ""
        calling = self._past.program.calling
        location = calling.result(self._function, call.result_at, self._now)
        return "" if location is None else self._shown(location)


def _caller(frames: list[Frame]) -> tuple[str, str]:
    """Function and line from which the innermost one was called."""
    inner = len(frames[0].levels)
    levels = [level for frame in frames[:2] for level in frame.levels]
    if len(levels) <= inner or len(frames) < 2 or frames[1].sort is Sort.EXCEPTION:
        return "", ""
    level = levels[inner]
    return level.name or "", str(level.line or "")
