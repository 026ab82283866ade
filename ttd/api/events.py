"""The events of a recording, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.recording.events import Kind
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the log of a recording has: what came from outside, and when."""

    number: int
    """Counted from the beginning of the branch."""
    place: Place
    """Before the step in which, or before which, it happened."""
    kind: str
    """Such as `interrupt`, `char_read` or `net`."""
    text: str
    """What it was, in a line for people."""
    payload: bytes
    """As the recording has it."""
    device: str | None = None
    name: str | None = None
    """Of an exception, a checkpoint, a cause, a call or a key."""
    data: str | None = None
    """Characters that passed; what is no text is escaped."""

    @property
    def step(self) -> int:
        """That of its place."""
        return self.place.step

    def __str__(self) -> str:
        return f"{self.place}  {self.text}"


def kinds_of(kind: str | Iterable[str] | None) -> set[str] | None:
    """The kinds that are meant; None: all. `UserError` if there is no such kind."""
    if kind is None:
        return None
    known = [each.name.lower() for each in Kind]
    kinds = {kind} if isinstance(kind, str) else set(kind)
    for name in sorted(kinds.difference(known)):
        raise UserError(f"there are no events of kind {name}; there are {' '.join(known)}")
    return kinds


def event_of(row: Mapping[str, Any], branch: str) -> Event:
    """As programs know it. `row`: one of `inspection.event_rows`."""
    return Event(
        row["number"],
        Place(branch, row["step"]),
        row["kind"],
        row["text"],
        bytes.fromhex(row["payload"]),
        row["device"],
        row["name"],
        row["data"],
    )
