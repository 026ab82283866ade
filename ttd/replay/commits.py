"""How far a recording has come: what is committed when, so that a killed recorder loses little."""

from __future__ import annotations

import time

from ttd.recording.events import Event, Kind
from ttd.recording.recording import Recording
from ttd.replay.errors import Divergence
from ttd.replay.log_cursor import LogCursor

_COMMIT_SECONDS = 0.4
_COMMIT_BYTES = 1 << 19


class Commits:
    """The recording behind a log, if there is one."""

    def __init__(self, at: LogCursor) -> None:
        self._at = at
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
        return stored + self._at.log.pending_bytes

    def commit(self) -> None:
        """Commit everything recorded so far, and how far that is."""
        if self.recording is not None and self._at.live:
            self._at.note_frontier()
            self.last_commit = time.monotonic()
            step, warp = self._at.frontier
            clock_ns = self.recording.config.clock_ns
            self.recording.commit(step, step * clock_ns + warp, warp)

    def finish(self, reason: str, exit_code: int | None, state_hash: bytes | None) -> None:
        """End a recording that is being made."""
        at = self._at
        if self.recording is not None and at.live:
            at.note_frontier()
            at.log.append(Event(at.frontier[0], Kind.END, reason.encode()))
            self.commit()
            self.recording.finish(reason, exit_code, state_hash)

    def check_end(self, state_hash: bytes) -> None:
        """`Divergence` unless the final state is the recorded one."""
        recorded = None if self.recording is None else self.recording.status.state_hash
        if recorded is not None and recorded != state_hash:
            step = self._at.step()
            raise Divergence(step, f"final state {recorded.hex()}", f"state {state_hash.hex()}")
