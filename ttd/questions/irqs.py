"""`irqs`: when interrupts were taken."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.questions.past import Past, Stretch
from ttd.questions.row import Row
from ttd.recording.events import Kind, to_small
from ttd.text import number, shown
from ttd.values import dataclass

_BOTH = (Kind.INTERRUPT, Kind.EXCEPTION)


@dataclass(frozen=True, slots=True)
class Entry(Row):
    """An interrupt, or another exception, that was taken."""

    number: int
    """As the processor counts exceptions."""
    name: str
    """Its name, and which device it comes from; empty if nothing is known."""

    @property
    def text(self) -> str:
        return f"{self.number}  {self.name}".rstrip()


def irqs(past: Past, stretch: Stretch, line: str | None = None) -> list[Entry]:
    """Interrupts that were taken, from the log: those of `line`, by its number, or a part of its
    name (`timer0`, `IRQ 8`, `SysTick`), which may be of an exception that is none (`SVCall`).

    `UserError` where none of that name was ever taken.
    """
    name = past.words.exception
    kinds = _BOTH[:1] if line is None else _BOTH
    numbers = None if line is None else _numbers(past, line)
    found = []
    for _, event in past.log.select(kinds, stretch.begin, stretch.end - 1):
        taken = to_small(event.payload)
        if numbers is None or taken in numbers:
            found.append(Entry(past.place(event.step), taken, name(taken)))
    return stretch.chosen(found)


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
