"""Keyboards, mice and tablets at the border. QEMU: `replay_input_event`, `_input_sync_event`."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from ttd.recording.errors import RecordingError
from ttd.replay.entrance import Entrance
from ttd.replay.errors import ReplayError
from ttd.replay.sources import Stateless
from ttd.replay.terms import Mode

_EVENT = struct.Struct("<HHi")
_MOST_QUEUED = 4096

InputEvent = tuple[int, int, int]
"""(type, code, value), numbered as in Linux: virtio-input takes them as they are."""


class InputDriver:
    """The front end that an input device holds; made by `Replay.register_input_driver`."""

    def __init__(self, entrance: Entrance, name: str, lock: Lock) -> None:
        """`lock`: of the queues of all input devices."""
        self.name = name
        self.queue: deque[InputEvent | None] = deque()
        self.lock = lock
        self._entrance = entrance
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
        with self.lock:
            taken = self.has_room(1)
            if taken:
                self.queue.append(event)
        self._entrance.wake()
        return taken

    def has_room(self, count: int) -> bool:
        """Whether so many events can be queued; asked with the lock held."""
        return len(self.queue) + count <= _MOST_QUEUED

    def enter(self, event: InputEvent) -> None:
        """Give the device an event."""
        self._event(*event)

    def end_group(self) -> None:
        """Tell the device that a group is complete."""
        self._sync()


class InputGroups:
    """All input devices: what belongs together enters together, or not at all."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._lock = Lock()
        self.drivers: dict[str, InputDriver] = {}

    def add(self, name: str) -> InputDriver:
        """The front end of one more device."""
        driver = self.drivers[name] = InputDriver(self._entrance, name, self._lock)
        return driver

    def put(self, groups: Mapping[str, Sequence[InputEvent]]) -> bool:
        """Queue one group for each of some devices; from any thread.

        False: the guest is so far behind that there is no room; then nothing is queued. Nothing
        else comes between the events of a group. Raises `ReplayError` in play.
        """
        if self._entrance.at.mode is Mode.PLAY:
            raise ReplayError("the machine is in the past, where input cannot be changed")
        with self._lock:
            wanted = {self.drivers[name]: group for name, group in groups.items()}
            if not all(driver.has_room(len(group) + 1) for driver, group in wanted.items()):
                return False
            for driver, group in wanted.items():
                driver.queue.extend((*group, None))
        self._entrance.wake()
        return True


class _Part(Stateless):
    """What is queued enters in two kinds of events."""

    def __init__(self, driver: InputDriver) -> None:
        self._driver = driver

    @property
    def waiting(self) -> bool:
        return bool(self._driver.queue)

    def take(self, payload: bytes) -> bool:
        with self._driver.lock:
            self._driver.queue.popleft()
        return True

    def fits(self, payload: bytes) -> bytes | None:
        return payload


class _Events(_Part):
    """The `Source` of a device's events, up to the end of a group."""

    def offers(self) -> bytes | None:
        with self._driver.lock:
            event = self._driver.queue[0] if self._driver.queue else None
        return None if event is None else _EVENT.pack(*event)

    def deliver(self, payload: bytes) -> None:
        if len(payload) != _EVENT.size:
            raise RecordingError("the recording is damaged: an input event has a wrong size")
        self._driver.enter(_EVENT.unpack(payload))


class _Syncs(_Part):
    """The `Source` of the ends of a device's groups."""

    def offers(self) -> bytes | None:
        with self._driver.lock:
            queue = self._driver.queue
            return b"" if queue and queue[0] is None else None

    def deliver(self, payload: bytes) -> None:
        self._driver.end_group()
