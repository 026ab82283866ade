"""Keyboards, mice and tablets at the border. QEMU: `replay_input_event`, `_input_sync_event`."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from threading import Lock

from ttd.recording.errors import RecordingError
from ttd.replay.entrance import Entrance
from ttd.replay.sources import Stateless
from ttd.replay.terms import Mode

_EVENT = struct.Struct("<HHi")
_MOST_QUEUED = 4096

InputEvent = tuple[int, int, int]
"""(type, code, value), numbered as in Linux: virtio-input takes them as they are."""


class InputDriver:
    """The front end that an input device holds; made by `Replay.register_input_driver`."""

    def __init__(self, entrance: Entrance, name: str) -> None:
        self.name = name
        self._entrance = entrance
        self._queue: deque[InputEvent | None] = deque()
        self._lock = Lock()
        self._event: Callable[[int, int, int], None] = lambda kind, code, value: None
        self._sync: Callable[[], None] = lambda: None
        self.events = _Events(self)
        self.syncs = _Syncs(self)

    def connect(self, event: Callable[[int, int, int], None], sync: Callable[[], None]) -> None:
        """Say what is called for each event, and at the end of a group."""
        self._event = event
        self._sync = sync

    def put(self, event: InputEvent | None) -> bool:
        """Queue an event, or (None) the end of a group; from any thread. It is dropped in play.

        False: the guest is so far behind that there is no room.
        """
        if self._entrance.at.mode is Mode.PLAY:
            return True
        with self._lock:
            taken = len(self._queue) < _MOST_QUEUED
            if taken:
                self._queue.append(event)
        self._entrance.wake()
        return taken


class _Part(Stateless):
    """What is queued enters in two kinds of events."""

    def __init__(self, driver: InputDriver) -> None:
        self._driver = driver

    @property
    def waiting(self) -> bool:
        return bool(self._driver._queue)


class _Events(_Part):
    """The `Source` of a device's events, up to the end of a group."""

    def take(self) -> bytes | None:
        with self._driver._lock:
            if not self._driver._queue or self._driver._queue[0] is None:
                return None
            event = self._driver._queue.popleft()
            assert event is not None
            return _EVENT.pack(*event)

    def deliver(self, payload: bytes) -> None:
        if len(payload) != _EVENT.size:
            raise RecordingError("the recording is damaged: an input event has a wrong size")
        self._driver._event(*_EVENT.unpack(payload))


class _Syncs(_Part):
    """The `Source` of the ends of a device's groups."""

    def take(self) -> bytes | None:
        with self._driver._lock:
            if not self._driver._queue or self._driver._queue[0] is not None:
                return None
            self._driver._queue.popleft()
            return b""

    def deliver(self, payload: bytes) -> None:
        self._driver._sync()


def unpack_event(payload: bytes) -> InputEvent:
    """(type, code, value) of an INPUT event's payload (without its device)."""
    kind, code, value = _EVENT.unpack(payload)
    return kind, code, value
