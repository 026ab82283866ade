"""The tasks of the guest's operating system."""

from __future__ import annotations

from collections.abc import Mapping

from ttd.debugger.session import Session
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Thread:
    """A task of the guest's operating system, at one place; where none is known to run, what the
    processor does."""

    number: int
    """The same in all of a run, as GDB shows it."""
    name: str
    state: str
    """In that system's words; empty if it has none."""
    running: bool
    """The processor's registers are its own."""
    registers: Mapping[str, int]
    """As far as they are known: of a task that does not run, what was saved when it ran last."""

    def __str__(self) -> str:
        words = [self.name or f"thread {self.number}", self.state]
        return ", ".join(word for word in words if word)


def threads_of(session: Session, registers: Mapping[str, int]) -> list[Thread]:
    """Those that there are at the present place. `registers`: the processor's."""
    found = []
    for thread in session.threads.all().values():
        saved = session.threads.registers(thread.number)
        known = dict(registers if saved is None else saved)
        found.append(Thread(thread.number, thread.name, thread.state, saved is None, known))
    return found
