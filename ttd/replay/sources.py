"""What brings input from the outside world into the machine, each kind in its own class."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ttd.replay.errors import ReplayError
from ttd.replay.events import Kind, small, to_small


class Source(Protocol):
    """One origin of asynchronous input: a serial line, a network backend, a disk, a keyboard.

    Host threads fill it; the machine's thread empties it, at checkpoints only.
    """

    @property
    def waiting(self) -> bool:
        """True if there is something that `take` may give later."""
        ...

    def take(self) -> bytes | None:
        """Record: the payload that enters the machine next; None if none can enter now."""
        ...

    def deliver(self, payload: bytes) -> None:
        """Let `payload` enter the machine: from `take` in record, from the log in play."""
        ...

    def save(self) -> Any:
        """What of this source is part of the machine's state, as data; None if nothing is."""
        ...

    def load(self, state: Any) -> None:
        """Inverse of `save`."""
        ...


class Requests:
    """Requests for shutdown, reset or suspend: they are served at the next checkpoint."""

    def __init__(self, kind: Kind, wake: Callable[[], None]) -> None:
        self._kind = kind
        self._wake = wake
        self._queue: deque[int] = deque()
        self.on_request: Callable[[Kind, int], None] | None = None

    def put(self, cause: int) -> None:
        """Ask; from any thread."""
        self._queue.append(cause)
        self._wake()

    @property
    def waiting(self) -> bool:
        return bool(self._queue)

    def take(self) -> bytes | None:
        return small(self._queue.popleft()) if self._queue else None

    def deliver(self, payload: bytes) -> None:
        if self.on_request is not None:
            self.on_request(self._kind, to_small(payload))

    def save(self) -> None:
        return None

    def load(self, state: None) -> None:
        pass


class DebugWrites:
    """Changes made by the debugger: they enter when they are made, not at a checkpoint."""

    def __init__(self) -> None:
        self.on_write: Callable[[bytes], None] | None = None

    @property
    def waiting(self) -> bool:
        return False

    def take(self) -> bytes | None:
        return None

    def deliver(self, payload: bytes) -> None:
        if self.on_write is None:
            raise ReplayError("this machine cannot be written to by a debugger")
        self.on_write(payload)

    def save(self) -> None:
        return None

    def load(self, state: None) -> None:
        pass


class BottomHalves:
    """Deferred callbacks of devices. A pending one is data: an id, a device, an argument.

    `take` leaves it pending: `deliver` ends that, in play too.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[bytes], None]] = {}
        self._pending: list[tuple[int, str, bytes]] = []
        self._next_id = 0

    def register(self, name: str, handler: Callable[[bytes], None]) -> None:
        """Say what runs for the bottom halves of the device `name`."""
        if name in self._handlers:
            raise ReplayError(f"the bottom half {name} is registered twice")
        self._handlers[name] = handler

    def schedule(self, name: str, argument: bytes) -> int:
        """Queue one; returns its id. Ids count up from 0."""
        if name not in self._handlers:
            raise ReplayError(f"nothing is registered for the bottom half {name}")
        number = self._next_id
        self._next_id += 1
        self._pending.append((number, name, argument))
        return number

    def is_pending(self, name: str, argument: bytes) -> bool:
        """True if this one is queued."""
        return any(entry[1:] == (name, argument) for entry in self._pending)

    def run_now(self, name: str, argument: bytes) -> None:
        """Run without queueing."""
        self._handlers[name](argument)

    @property
    def waiting(self) -> bool:
        return bool(self._pending)

    def take(self) -> bytes | None:
        return small(self._pending[0][0]) if self._pending else None

    def deliver(self, payload: bytes) -> None:
        _, name, argument = self._pending.pop(0)
        self._handlers[name](argument)

    def save(self) -> dict[str, Any]:
        return {"next": self._next_id, "pending": [list(entry) for entry in self._pending]}

    def load(self, state: dict[str, Any]) -> None:
        self._next_id = state["next"]
        self._pending = [(number, name, argument) for number, name, argument in state["pending"]]
