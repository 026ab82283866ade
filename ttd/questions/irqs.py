"""`irqs`: when interrupts were taken, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from ttd.boards.extras import line_names
from ttd.cpu.models import CPUS
from ttd.cpu.riscv import bits, traps
from ttd.devices.plic import Plic
from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Row
from ttd.questions.search import rows
from ttd.recorded import extras_of
from ttd.recording.events import MARKS, Kind, to_small
from ttd.search import What
from ttd.text import number, shown
from ttd.values import dataclass

_EXTERNAL = (traps.INTERRUPT | bits.MEI, traps.INTERRUPT | bits.SEI)


@dataclass(frozen=True, slots=True)
class Entry(Row):
    """An interrupt, or another exception, that was taken: in the step at `place`."""

    number: int
    """As the processor counts exceptions."""
    line: int | None
    """Of an interrupt of a device: which input of the interrupt controller it is (IRQ 8, a source
    of the PLIC)."""
    name: str
    """Its name, and which device it comes from."""
    handler: str
    """The function that the step led to."""
    pc: Hex | None
    """Its address; None if the step was not the processor's own."""
    returned: Place | None
    """Where the handler was left, and what it had interrupted went on; None: not in the part that
    was looked at."""
    steps: int | None
    """From `place` to there, with those of what interrupted the handler."""

    @property
    def text(self) -> str:
        left = "not left" if self.steps is None else f"{self.steps} steps"
        return f"{self.name}: {self.handler or '?'}, {left}"


def irqs(past: Past, stretch: Stretch, wanted: str | None = None) -> list[Entry]:
    """Interrupts that were taken. `wanted`: those of a line, by its number; of what has that in its
    name (`timer0`, `SysTick`), which may be an exception that is no interrupt (`SVCall`); or with a
    number as the processor has it (`exception 24`).

    When they were taken is in the log; for the handlers that part of the run is replayed.
    `UserError` where none of that name was ever taken.
    """
    kinds = (Kind.INTERRUPT,) if wanted is None else MARKS
    lines = _Lines(past)
    taken = {
        event.step: to_small(event.payload)
        for _, event in past.log.select(kinds, stretch.begin, stretch.end - 1)
    }
    if wanted is not None:
        taken = lines.chosen(taken, wanted)
    chosen = stretch.chosen(list(taken))
    entered = handlers(past, chosen, stretch.end)
    named = lines.named({step: taken[step] for step in chosen})
    found = []
    for step in chosen:
        pc, left = entered.get(step, (None, None))
        found.append(
            Entry(
                past.place(step),
                taken[step],
                *named[step],
                "" if pc is None else past.function(pc),
                None if pc is None else Hex(pc),
                None if left is None else past.place(left),
                None if left is None else left - step,
            )
        )
    return found


def handlers(past: Past, steps: list[int], end: int) -> dict[int, tuple[int, int | None]]:
    """Of entries in these steps: the handler's address, and where it was left, if before `end`.

    The last that was entered is the first that is left, unless all are by a reset.
    """
    if not steps:
        return {}
    low = min(steps)
    wanted, inside = set(steps), list[int]()
    found: dict[int, tuple[int, int | None]] = {}
    resets = [event.step for _, event in past.log.select((Kind.RESET,), low, end)]
    for row in rows(past, past.stretch(low, end), What.HANDLERS):
        while resets and resets[0] <= row.step:
            del resets[0]
            wanted.difference_update(inside)
            inside = []
        if row.kind is What.ENTERED:
            inside.append(row.step)
            if row.step in wanted:
                found[row.step] = row.address, None
        elif inside:
            entered = inside.pop()
            if entered in wanted:
                found[entered] = found[entered][0], row.step + 1
                wanted.remove(entered)
        if not wanted:
            break
    return found


def left_after(past: Past, steps: Sequence[int], end: int) -> dict[int, int]:
    """When the handlers that run in these steps were left: the step behind, if before `end`."""
    found = dict[int, int]()
    waiting = sorted(steps, reverse=True)
    if not waiting:
        return found
    low = waiting[-1]
    resets = [event.step for _, event in past.log.select((Kind.RESET,), low, end)]
    inside = list[int | None]()
    for row in rows(past, past.stretch(low, end), What.HANDLERS):
        if resets and resets[0] <= row.step:
            resets = [step for step in resets if step > row.step]
            waiting = [step for step in waiting if step > row.step]
            inside = []
        while waiting and waiting[-1] <= row.step:
            inside.append(waiting.pop())
        if row.kind is What.ENTERED:
            inside.append(None)
            continue
        while inside and (step := inside.pop()) is not None:
            found[step] = row.step + 1
        if row.new == 0:
            found |= {step: row.step + 1 for step in inside if step is not None}
            inside = []
        if not waiting and not any(inside):
            break
    return found


class _Lines:
    """Which interrupts exceptions are, and who makes them."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._first = CPUS[past.machine.board.cpu].first_line

    def named(self, taken: Mapping[int, int]) -> dict[int, tuple[int | None, str]]:
        """Line and name of exceptions that were taken in these steps."""
        found, sources = dict[int, tuple[int | None, str]](), dict[int, int]()
        if self._controller is not None:
            sources = {step: code for step, code in taken.items() if code in _EXTERNAL}
        first = self._first
        for step, code in taken.items():
            line = None if first is None or code < first else code - first
            found[step] = line, self._past.exception(code)
        if sources:
            with self._past.staying():
                for step in sorted(sources):
                    found[step] = self._source(step, sources[step])
        return found

    @cached_property
    def _controller(self) -> Plic | None:
        devices = (mapped.device for mapped in self._past.machine.bus.mapped)
        return next((device for device in devices if isinstance(device, Plic)), None)

    @cached_property
    def _sources(self) -> Mapping[int, str]:
        session = self._past.session
        return line_names(session.machine.board, extras_of(session.recording.config))

    def _source(self, step: int, code: int) -> tuple[int | None, str]:
        """Of an exception that several devices share: who it is, by the controller."""
        name = self._past.exception(code)
        assert self._controller is not None
        self._past.go(step + 1)  # what raised it may come in this very step
        source = self._controller.next_for(code & ~traps.INTERRUPT)
        if not source:
            return None, name
        device = self._sources.get(source, "")
        return source, f"IRQ {source}, {device}" if device else f"IRQ {source}"

    def chosen(self, taken: Mapping[int, int], wanted: str) -> dict[int, int]:
        """Those of one line, or with one name."""
        word, _, rest = wanted.strip().partition(" ")
        named = self.named(taken)
        try:
            if word.lower() == "exception" and rest:
                exception = number(rest.strip())
                return {step: each for step, each in taken.items() if each == exception}
            line = number(wanted)
            return {step: each for step, each in taken.items() if named[step][0] == line}
        except ValueError:
            pass
        found = {
            step: each for step, each in taken.items() if wanted.lower() in named[step][1].lower()
        }
        if not found:
            past = self._past
            ever = {event.step: to_small(event.payload) for _, event in past.log.select(MARKS)}
            names = {name for _, name in self.named(ever).values()}
            if not any(wanted.lower() in name.lower() for name in names):
                there = ", ".join(sorted(names)) or "none"
                raise UserError(f"Nothing called {shown(wanted)} was taken; there were {there}.")
        return found
