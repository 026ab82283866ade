"""The places at which a run has been snapshotted: marks in the log with the machine's hash."""

from __future__ import annotations

from collections.abc import Callable

from ttd.recording.events import Kind
from ttd.replay.errors import Divergence
from ttd.replay.log_cursor import LogCursor
from ttd.replay.terms import Mode, SnapshotTimer

HASH = 16
"""Bytes of a state's hash."""


class SnapshotMarks:
    """When the next snapshot is due in record; what a snapshot must have been in play."""

    def __init__(self, at: LogCursor) -> None:
        self._at = at
        self._timer: SnapshotTimer | None = None
        self._due: int | None = None
        self.spent: Callable[[], bool] | None = None
        """A snapshot is due, whatever the step."""

    def arm(self, timer: SnapshotTimer | None) -> None:
        """Say when snapshots are to be taken."""
        self._timer = timer
        if timer is not None:
            self._due = timer(self._at.step())

    def arm_at(self, step: int) -> None:
        """As `arm` where the machine will be at `step` when it records again."""
        if self._timer is not None:
            self._due = self._timer(step)

    def want(self) -> None:
        """A snapshot is due here."""
        self._due = self._at.step()

    def room(self) -> int | None:
        """Record: steps to the next snapshot; None if there is none to come."""
        return None if self._due is None else max(0, self._due - self._at.step())

    def due(self) -> bool:
        """True in record when a snapshot is due."""
        at = self._at
        if self._due is None or at.playing():
            return False
        return at.step() >= self._due or (self.spent is not None and self.spent())

    def put(self, state_hash: bytes, index: bytes) -> None:
        """Record: a snapshot is taken here. Nothing in play.

        `index` is a hash of what is stored of the interval before it.
        """
        at = self._at
        if at.mode is Mode.NONE or at.playing():
            return
        at.append(Kind.SNAPSHOT, state_hash + index)
        self.arm(self._timer)

    def here(self) -> bool:
        """Play: the next event is a mark, here."""
        return self._at.playing() and self._at.here(Kind.SNAPSHOT) is not None

    def check(self, state_hash: bytes | None) -> None:
        """Play: pass a mark; `Divergence` unless the hash is the recorded one (None: trust)."""
        head = self._at.take(Kind.SNAPSHOT, "a snapshot")
        expected = head.payload[:HASH]
        if state_hash is not None and expected != state_hash:
            raise Divergence(head.step, f"state {expected.hex()}", f"state {state_hash.hex()}")

    def index_digest(self, sequence: int) -> bytes | None:
        """What the mark with this number says of the index of the interval that ends with it."""
        event = self._at.log.get(sequence)
        if event is None or event.kind is not Kind.SNAPSHOT:
            return None
        return event.payload[HASH:]
