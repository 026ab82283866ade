"""What came from outside, and going to where it came."""

from __future__ import annotations

from typing import Protocol

from ttd.debugger.session import Session
from ttd.edits import Edit
from ttd.errors import UserError
from ttd.monitor.commands import Command, arm
from ttd.text import number, printable, shown

_MOST = 1000


class Events(Protocol):
    """The events of the recording; kinds by their names."""

    @property
    def kinds(self) -> list[str]:
        """Of what kinds there are events."""
        ...

    def lines(self, step: int, count: int, kind: str | None = None) -> list[str]:
        """A line for each of the events around `step`, at most `count`; of one kind if given."""
        ...

    def nth(self, kind: str, number: int) -> int | None:
        """The step of event `number` of a kind, counted from 1."""
        ...

    def edit(self, text: str) -> Edit:
        """What is to be otherwise with an input; a `UserError` if that cannot be."""
        ...

    def last_before(self, kind: str, step: int) -> int | None:
        """The step of the last event of a kind before `step`."""
        ...


def logged(events: Events | None) -> Events:
    """The events, if there is a list of them."""
    if events is None:
        raise UserError("This server has no list of events.")
    return events


class EventCommands:
    """`events` and `back-to event`."""

    def __init__(self, session: Session, events: Events | None) -> None:
        self._session = session
        self._events = events
        self.all = (
            Command(
                "events", self._show, "[--kind K] [COUNT]", "what came from outside around here"
            ),
            Command(
                "back-to event",
                self._back_to,
                "KIND [N]",
                "go to event N of a kind, or the last one",
            ),
        )

    def _show(self, words: list[str]) -> str:
        events, kind = logged(self._events), None
        if words[:1] == ["--kind"] and len(words) > 1:
            kind, words = _kind(events, words[1]), words[2:]
        try:
            count = number(words[0]) if words else 10
        except ValueError:
            count = 0
        if len(words) > 1 or not 0 < count <= _MOST:
            most = f"a number from 1 to {_MOST}"
            raise UserError(f"events takes {most}, how many to show, and before it --kind K.")
        lines = events.lines(self._session.timeline.position, count, kind)
        return "".join(f"{printable(line)}\n" for line in lines) or "No events around here.\n"

    def _back_to(self, words: list[str]) -> str:
        """To event N of a kind, counted from the start; without N to the last one before here."""
        events, here = logged(self._events), self._session.place.step
        try:
            wanted = number(words[1]) if len(words) == 2 else None
        except ValueError:
            wanted = 0
        if len(words) not in (1, 2) or wanted == 0:
            raise UserError("back-to event takes a kind and maybe a number, such as: net 7.")
        kind = _kind(events, words[0])
        if wanted is None:
            step = events.last_before(kind, here)
            if step is None:
                raise UserError(f"There is no event of kind {kind} before step {here}.")
            return arm(self._session, step)
        step = events.nth(kind, wanted)
        if step is None:
            raise UserError(f"There are fewer than {wanted} events of kind {kind}.")
        if step > here:
            raise UserError(f"Event {wanted} of kind {kind} is ahead: 'monitor goto {step}'.")
        return arm(self._session, step)


def _kind(events: Events, word: str) -> str:
    if word not in events.kinds:
        there = ", ".join(events.kinds) or "no events at all"
        raise UserError(f"There are no events of kind {shown(word)}; there are {there}.")
    return word
