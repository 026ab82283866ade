"""The events of a recording, as rows."""

from __future__ import annotations

from ttd.history.named_place import Place
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
