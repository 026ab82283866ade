"""The devices with a host side, as events name them: by their place in the recording's list."""

from __future__ import annotations

from ttd.recording.config import check_devices
from ttd.recording.errors import RecordingError
from ttd.recording.events import Event, Kind
from ttd.replay.errors import ReplayError
from ttd.replay.words import EventWords

WITH_DEVICE = (Kind.CHAR_READ, Kind.NET, Kind.BLOCK, Kind.INPUT, Kind.INPUT_SYNC)
"""Kinds that enter at a checkpoint, for a device."""
_MOST_DEVICES = 256


class DeviceNames:
    """The machine's devices, and in play those of the recording."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """In the order of their registration."""
        self.recorded: list[str] | None = None

    def add(self, name: str) -> None:
        """A device may be added again, for another kind of event."""
        if name not in self.names:
            self.names.append(name)
        if len(self.names) > _MOST_DEVICES:
            raise ReplayError(f"more than {_MOST_DEVICES} devices with a host side")

    def check(self, has_events: bool) -> None:
        """Raise `ConfigMismatch` if the machine's devices are not those of the recording."""
        # A recorder that was killed before its first commit has not named any.
        if self.recorded is not None and (self.recorded or has_events):
            check_devices(self.recorded, self.names)

    def number(self, name: str) -> bytes:
        """What an event of the device begins with."""
        return bytes((self.known.index(name),))

    def split(self, event: Event) -> tuple[str, bytes]:
        """Device (or "") and the rest of the payload."""
        if event.kind not in WITH_DEVICE:
            return "", event.payload
        known = self.known
        if not event.payload or event.payload[0] >= len(known):
            raise RecordingError(
                f"the recording has {EventWords(known).describe(event)}, for no device"
            )
        return known[event.payload[0]], event.payload[1:]

    @property
    def known(self) -> list[str]:
        """Those of the recording, or else of the machine."""
        return self.names if self.recorded is None else self.recorded
