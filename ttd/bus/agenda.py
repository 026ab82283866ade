"""Which device wants attention at which virtual time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ttd.devices.base import Clock, Device

END_OF_TIME = 1 << 62
"""Virtual ns, 146 years: what is due then or later never is, and no machine runs on after it."""


class CoreTimers(Protocol):
    """Timers that belong to a native processor model, which moves them itself."""

    @property
    def core_deadline(self) -> int | None:
        """As `Device.deadline`."""

    def expire_core(self) -> bool:
        """Do what is due; True if there was something."""


class Agenda:
    """The deadlines of a machine's devices; asked again only where they may have moved."""

    def __init__(self, devices: Iterable[Device], clock: Clock, core: CoreTimers) -> None:
        self._core = core
        timed = [device for device in devices if type(device).deadline is not Device.deadline]
        self._timed = timed
        self._due: list[int | None] = [None] * len(timed)
        self._stale: set[int] = set()
        self.moved = False
        """A deadline may have moved since `first`."""
        self._first: int | None = None
        self.changed()
        for number, device in enumerate(timed):
            device.clock = _DeviceClock(clock, self, number)

    def changed(self, number: int | None = None) -> None:
        """The deadline of one device, or of all, may have moved."""
        if number is None:
            self._stale.update(range(len(self._timed)))
        else:
            self._stale.add(number)
        self.moved = bool(self._stale)

    def first(self) -> int | None:
        """The earliest deadline in virtual ns; None if there is none before the end of time."""
        core, others = self._core.core_deadline, self.first_of_devices()
        if core is None or core >= END_OF_TIME:
            return others
        return core if others is None else min(core, others)

    def first_of_devices(self) -> int | None:
        """The same, without the timers of the core."""
        if self._stale:
            for number in self._stale:
                self._due[number] = self._timed[number].deadline()
            self._stale.clear()
            self.moved = False
            first = min((due for due in self._due if due is not None), default=END_OF_TIME)
            self._first = first if first < END_OF_TIME else None
        return self._first

    def expire(self, now: int) -> None:
        """Let every device do what is due at `now`, in the order of the machine's devices, of
        which the core is the first."""
        while (first := self.first()) is not None and first <= now:
            self._core.expire_core()
            for number, device in enumerate(self._timed):
                due = device.deadline() if number in self._stale else self._due[number]
                if due is not None and due <= now:
                    device.expire()
                    self.changed(number)


class _DeviceClock:
    """The clock of one device: it knows whose deadline has moved."""

    def __init__(self, clock: Clock, agenda: Agenda, number: int) -> None:
        self.now = clock.now
        self._agenda = agenda
        self._number = number

    def rearm(self) -> None:
        self._agenda.changed(self._number)
