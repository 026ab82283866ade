"""What a command is, and what those have in common that take a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ttd.debugger.places import place_at, told
from ttd.debugger.session import Armed, Session
from ttd.history.place import Place
from ttd.values import dataclass

Run = Callable[[list[str]], str]
"""Takes the words behind the command's name, and returns what it prints."""


@dataclass(frozen=True, slots=True)
class Command:
    """One monitor command; without `text` it is an alias that `help` leaves out."""

    name: str
    run: Run
    arguments: str = ""
    text: str = ""
    raw: bool = False
    """It takes what comes behind its name as it is, in one."""

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"{self.name} {self.arguments}".strip()


class Question(NamedTuple):
    """A command that is answered by those who put the server together; it moves nothing."""

    name: str
    answer: Run
    arguments: str
    text: str
    """What `help` says of it."""


def arm(session: Session, place: Place | int, index: int | None = None) -> str:
    """The next movement is to go to a place, or a step of the present branch; `index` if that is on
    the trail. A `UserError` if there is no such step."""
    if isinstance(place, int):
        place = place_at(session.timeline, place)
    session.armed = Armed(place, index)
    return going(f"step {told(session.timeline, *place[::-1])}")


def going(goal: str) -> str:
    """What is said of a place that is armed."""
    return f"Going to {goal} with the next command that resumes, such as stepi.\n"
