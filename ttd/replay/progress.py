"""How far a recording has come: what is committed when, so that a killed recorder loses little."""

from __future__ import annotations

import time

from ttd.replay.errors import Divergence
from ttd.replay.events import Event, Kind
from ttd.replay.position import Position
from ttd.replay.recording import Recording

_COMMIT_SECONDS = 0.4
_COMMIT_BYTES = 1 << 19


class Progress:
    """The recording behind a log, if there is one."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self.recording: Recording | None = None
        self.last_commit = 0.0
        """When, on the clock `time.monotonic`."""

    def commit_if_due(self) -> None:
        """Commit now and then."""
        now = time.monotonic()
        if now - self.last_commit >= _COMMIT_SECONDS or self.uncommitted() >= _COMMIT_BYTES:
            self.commit()

    def uncommitted(self) -> int:
        """Roughly the bytes recorded since the last commit."""
        stored = 0 if self.recording is None else self.recording.uncommitted_bytes
        return stored + self._position.log.pending_bytes

    def commit(self) -> None:
        """Commit everything recorded so far, and how far that is."""
        if self.recording is not None and self._position.live:
            self._position.note_frontier()
            self.last_commit = time.monotonic()
            step, warp = self._position.frontier
            clock_ns = self.recording.config.clock_ns
            self.recording.commit(step, step * clock_ns + warp, warp)

    def finish(self, reason: str, exit_code: int | None, state_hash: bytes | None) -> None:
        """End a recording that is being made."""
        position = self._position
        if self.recording is not None and position.live:
            position.note_frontier()
            position.log.append(Event(position.frontier[0], Kind.END, reason.encode()))
            self.commit()
            self.recording.finish(reason, exit_code, state_hash)

    def check_end(self, state_hash: bytes) -> None:
        """`Divergence` unless the final state is the recorded one."""
        recorded = None if self.recording is None else self.recording.status.state_hash
        if recorded is not None and recorded != state_hash:
            step = self._position.step()
            raise Divergence(step, f"final state {recorded.hex()}", f"state {state_hash.hex()}")
