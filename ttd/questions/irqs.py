"""`irqs`: when interrupts were taken, and for how long."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Hex, Row
from ttd.questions.search import rows
from ttd.recording.events import Kind, to_small
from ttd.search import What
from ttd.text import number, shown
from ttd.values import dataclass

_BOTH = (Kind.INTERRUPT, Kind.EXCEPTION)


@dataclass(frozen=True, slots=True)
class Entry(Row):
    """An interrupt, or another exception, that was taken: in the step at `place`."""

    number: int
    """As the processor counts exceptions."""
    name: str
    """Its name, and which device it comes from; empty if nothing is known."""
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
        return f"{self.number}  {self.name or '?'}: {self.handler or '?'}, {left}"


def irqs(past: Past, stretch: Stretch, line: str | None = None) -> list[Entry]:
    """Interrupts that were taken: those of `line`, by its number, or a part of its name (`timer0`,
    `IRQ 8`, `SysTick`), which may be of an exception that is none (`SVCall`).

    When they were taken is in the log; for the handlers that part of the run is replayed.
    `UserError` where none of that name was ever taken.
    """
    kinds = _BOTH[:1] if line is None else _BOTH
    numbers = None if line is None else _numbers(past, line)
    taken = {
        event.step: to_small(event.payload)
        for _, event in past.log.select(kinds, stretch.begin, stretch.end - 1)
        if numbers is None or to_small(event.payload) in numbers
    }
    chosen = stretch.chosen(list(taken))
    entered = handlers(past, chosen, stretch.end)
    found = []
    for step in chosen:
        pc, left = entered.get(step, (None, None))
        found.append(
            Entry(
                past.place(step),
                taken[step],
                past.words.exception(taken[step]),
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


def _numbers(past: Past, line: str) -> set[int]:
    """Which exceptions are meant."""
    try:
        return {number(line)}
    except ValueError:
        pass
    name = past.words.exception
    taken = {to_small(event.payload) for _, event in past.log.select(_BOTH)}
    found = {each for each in taken if line.lower() in name(each).lower()}
    if not found:
        there = ", ".join(f"{each} ({name(each)})" for each in sorted(taken)) or "none"
        raise UserError(f"No exception called {shown(line)} was taken; there were {there}.")
    return found
