"""Deferred callbacks of devices, which run at a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ttd.recording.events import small
from ttd.replay.entrance import Entrance
from ttd.replay.errors import ReplayError
from ttd.replay.sources import Unrepeated


class BottomHalves(Unrepeated):
    """Deferred callbacks of devices. A pending one is data: an id, a device, an argument.

    It is pending until it is delivered, in record and in play.
    """

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._handlers: dict[str, Callable[[bytes], None]] = {}
        self._pending: list[tuple[int, str, bytes]] = []
        self._next_id = 0

    def register(self, name: str, handler: Callable[[bytes], None]) -> None:
        """Say what runs for the bottom halves of the device `name`."""
        if name in self._handlers:
            raise ReplayError(f"the bottom half {name} is registered twice")
        self._handlers[name] = handler

    def schedule(self, name: str, argument: bytes) -> None:
        """Queue one, unless the same is queued."""
        queued = any(entry[1:] == (name, argument) for entry in self._pending)
        if not (self._entrance.enabled and queued):
            self.schedule_oneshot(name, argument)

    def schedule_oneshot(self, name: str, argument: bytes) -> None:
        """Queue one, with the next id (they count up from 0); or run it if events are off."""
        if not self._entrance.enabled:
            self._handlers[name](argument)
            return
        if name not in self._handlers:
            raise ReplayError(f"nothing is registered for the bottom half {name}")
        self._pending.append((self._next_id, name, argument))
        self._next_id += 1
        self._entrance.come_back()

    @property
    def waiting(self) -> bool:
        return bool(self._pending)

    def offers(self) -> bytes | None:
        return small(self._pending[0][0]) if self._pending else None

    def take(self, payload: bytes) -> bool:
        return True  # `deliver` takes it

    def deliver(self, payload: bytes) -> None:
        _, name, argument = self._pending.pop(0)
        self._handlers[name](argument)

    def save(self) -> dict[str, Any]:
        return {"next": self._next_id, "pending": [list(entry) for entry in self._pending]}

    def load(self, state: dict[str, Any]) -> None:
        self._next_id = state["next"]
        self._pending = [(number, name, argument) for number, name, argument in state["pending"]]
