"""`stack-depth`: how much of each stack has been used."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.program.errors import ProgramError
from ttd.program.types import Kind
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Sum
from ttd.questions.search import rows
from ttd.questions.tasks import Tasks
from ttd.search import Range, What
from ttd.text import shown
from ttd.values import dataclass

_PLACES = 500
"""At which it is looked which stacks there are."""
_MOST_OPEN = 1 << 20
"""Bytes below what was seen of a stack, of which nobody has said where it ends."""


@dataclass(frozen=True, slots=True)
class Depth(Sum):
    """One stack, at its deepest."""

    name: str
    """Of the variable that it is in; `main` if it is in none."""
    tasks: tuple[str, ...]
    """Those that ran on it, and were seen."""
    used: int
    """Bytes, from its highest address."""
    size: int | None
    """Bytes that there are; None: nobody has said."""
    lowest: Hex
    """The lowest address that was written."""
    place: Place
    """Where that was."""
    function: str
    """By which function; empty: by the processor, when it took an exception."""

    @property
    def text(self) -> str:
        of = "" if self.size is None else f" of {self.size}"
        by = f" by {self.function}" if self.function else ""
        who = f" ({', '.join(self.tasks)})" if self.tasks else ""
        return (
            f"{self.used}{of} bytes of {self.name}{who}, down to {self.lowest}{by} at {self.place}"
        )


@dataclass
class _Stack:
    name: str
    low: int
    high: int
    size: int | None
    tasks: dict[str, None]
    lowest: int
    step: int
    pc: int | None = None


def stack_depth(past: Past, stretch: Stretch, task: str | None = None) -> list[Depth]:
    """The stacks on which something ran, the deepest first; `task`: those of tasks with that in
    their name. `UserError` if there is none.

    Which stacks there are is looked at at some hundred places; how deep each was, is exact.
    """
    with past.staying():
        stacks = _Stacks(past).seen(stretch)
        if task is not None:
            stacks = [each for each in stacks if any(task in name for name in each.tasks)]
            if not stacks:
                raise UserError(f"No task called {shown(task)} was seen on a stack.")
        for each in stacks:
            _deepen(past, stretch, each)
    stacks.sort(key=lambda each: each.lowest - each.high)
    return [_told(past, each) for each in stacks][: stretch.limit]


def _told(past: Past, stack: _Stack) -> Depth:
    return Depth(
        stack.name,
        tuple(stack.tasks),
        stack.high - stack.lowest,
        stack.size,
        Hex(stack.lowest),
        past.place(stack.step),
        "" if stack.pc is None else past.function(stack.pc),
    )


class _Stacks:
    """The stacks that a machine has, as far as can be seen."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._cpu = past.timeline.cpu
        self._tasks = Tasks(past)

    def seen(self, stretch: Stretch) -> list[_Stack]:
        past, found = self._past, dict[int, _Stack]()
        length = stretch.end - stretch.begin
        for step in sorted({stretch.begin + length * n // _PLACES for n in range(_PLACES)}):
            past.go(step)
            sp = self._cpu.read_register(self._cpu.stack)
            bounds = self._bounds(sp)
            if bounds is None:
                continue
            name, low, high = bounds
            size = None if high is None else high - low
            stack = found.setdefault(low, _Stack(name, low, high or sp, size, {}, high or sp, step))
            stack.high = max(stack.high, sp)
            if sp < stack.lowest:
                stack.lowest, stack.step, stack.pc = sp, step, past.machine.engine.pc
            if not self._cpu.exception_number() and (task := self._tasks.task()):
                stack.tasks[task] = None
            past.report(0.5 * (step - stretch.begin) / max(1, length))
        return list(found.values())

    def _bounds(self, sp: int) -> tuple[str, int, int | None] | None:
        """Name, lowest address and end of the stack with that pointer; None if it is none."""
        index = bisect_right(self._starts, sp - 1) - 1
        if index >= 0:
            start, end, name = self._variables[index]
            # An empty one points behind it.
            if start < sp <= end:
                return self._row(name, start, end, sp)
        if not self._past.timeline.probe.span_at(sp - 1).rights:
            return None
        below = max((end for _, end, _ in self._variables if end <= sp), default=0)
        return "main", max(below, self._past.timeline.probe.span_at(sp - 1).start), None

    def _row(self, name: str, start: int, end: int, sp: int) -> tuple[str, int, int | None]:
        """Of several stacks in one variable the one that is meant."""
        try:
            variable = self._past.program.global_variable(name)
            kind = None if variable is None else variable.type
        except ProgramError:
            kind = None
        if kind is None or kind.kind is not Kind.ARRAY or kind.target.kind is not Kind.ARRAY:
            return name, start, end
        size = kind.target.size
        number = (sp - 1 - start) // size
        return f"{name}[{number}]", start + number * size, start + (number + 1) * size

    @cached_property
    def _variables(self) -> list[tuple[int, int, str]]:
        named = self._past.symbols.by_name.values()
        return sorted(
            (n.address, n.address + n.size, n.name) for n in named if n.size and not n.function
        )

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _, _ in self._variables]


def _deepen(past: Past, stretch: Stretch, stack: _Stack) -> None:
    """Find the lowest write to a stack that is the stack's own: behind, or at, its pointer."""
    cpu, refused = past.timeline.cpu, set[int | None]()
    ahead = replace(stretch, backward=False, limit=None)
    for address, step, pc in _writes(past, ahead, stack):
        # Who fills a stack, or has a variable there, does so from one place again and again.
        if address >= stack.lowest or (pc is not None and pc in refused):
            continue
        past.go(step)
        before = cpu.read_register(cpu.stack)
        past.one_step()
        lower = min(before, cpu.read_register(cpu.stack))
        if stack.low <= lower <= address and before <= stack.high:
            stack.lowest, stack.step, stack.pc = address, step, pc
        else:
            refused.add(pc)


def _writes(past: Past, stretch: Stretch, stack: _Stack) -> Iterator[tuple[int, int, int | None]]:
    """Below what is known; what was found meanwhile makes fewer."""
    low = max(stack.low, stack.lowest - _MOST_OPEN)
    if low >= stack.lowest:
        return
    for row in rows(past, stretch, What.WRITTEN, ranges=(Range(low, stack.lowest),)):
        yield row.address, row.step, None if row.by else row.pc
