"""What people ask for: shutdown, reset, suspension, changes by the debugger."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ttd.recording.events import Kind, small, to_small
from ttd.replay.entrance import Entrance
from ttd.replay.errors import ReplayError
from ttd.replay.sources import Stateless
from ttd.replay.terms import Cause, Mode


class Requests(Stateless):
    """Requests for shutdown, reset or suspend: they are served at the next checkpoint."""

    def __init__(self, kind: Kind, entrance: Entrance) -> None:
        self._kind = kind
        self._entrance = entrance
        self._queue: deque[int] = deque()
        self.on_request: Callable[[Kind, int], None] | None = None

    def ask(self, cause: Cause) -> None:
        """Ask; from any thread."""
        at = self._entrance.at
        # In play requests come from the log. One by the host waits until a live recording has
        # caught up; one by the guest is in the log, or will be made again there.
        logged = cause.by_guest or not at.live
        if at.mode is Mode.PLAY and logged and at.playing():
            return
        self._queue.append(cause)
        self._entrance.wake()

    @property
    def waiting(self) -> bool:
        return bool(self._queue)

    def offers(self) -> bytes | None:
        return small(self._queue[0]) if self._queue else None

    def take(self, payload: bytes) -> bool:
        self._queue.popleft()
        return True

    def deliver(self, payload: bytes) -> None:
        if self.on_request is not None:
            self.on_request(self._kind, to_small(payload))


class DebugWrites(Stateless):
    """Changes made by the debugger: they enter when they are made, not at a checkpoint."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.on_write: Callable[[bytes], None] | None = None

    def write(self, payload: bytes) -> None:
        """Log a change and make it; raises `ReplayError` in play."""
        if self._entrance.at.playing():
            raise ReplayError("the past cannot be changed: go to the end of the live recording")
        self._entrance.enter(Kind.DEBUG_WRITE, payload)

    @property
    def waiting(self) -> bool:
        return False

    def offers(self) -> bytes | None:
        return None

    def take(self, payload: bytes) -> bool:
        return True  # it was never queued

    def deliver(self, payload: bytes) -> None:
        if self.on_write is None:
            raise ReplayError("this machine cannot be written to by a debugger")
        self.on_write(payload)
