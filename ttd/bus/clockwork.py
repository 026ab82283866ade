"""A machine's time: virtual time, the deadlines of devices, and timers on the host's clocks."""

from __future__ import annotations

from collections.abc import Iterable

from ttd.bus.agenda import END_OF_TIME, Agenda
from ttd.bus.host_time import HostTime
from ttd.devices.base import NS_PER_SECOND, Device, Steady
from ttd.engine import Engine
from ttd.replay.replay import Checkpoint, Replay

NEVER = 1 << 63
"""A step that no machine reaches."""
HOST_CLOCKS = {"host": Checkpoint.CLOCK_HOST, "rt": Checkpoint.CLOCK_VIRTUAL_RT}
"""The host's clocks that devices may have timers on, and where those fire."""


class Clockwork:
    """Virtual time is steps times `clock_ns`, and what idle machines have skipped (`warp_ns`).

    The `Clock` that devices get.
    """

    def __init__(self, engine: Engine, replay: Replay, clock_ns: int) -> None:
        self._engine = engine
        self._replay = replay
        self.clock_ns = clock_ns
        self._time = engine.time
        self._time.clock_ns = clock_ns
        self.host_time: HostTime | None = None
        self.agenda = Agenda((), self, engine)
        self.host_timed: list[Device] = []
        self._with_host_time: list[Device] = []
        engine.on_due(self._serve_due)

    def watch(self, devices: Iterable[Device]) -> None:
        """These are the machine's devices."""
        devices = list(devices)
        self.agenda = Agenda(devices, self, self._engine)
        self.host_timed = [
            device for device in devices if type(device).host_timer is not Device.host_timer
        ]
        self._with_host_time = [
            device
            for device in devices
            if type(device).host_time_passed is not Device.host_time_passed
        ]

    # -- virtual time --------------------------------------------------------------------

    @property
    def warp_ns(self) -> int:
        """What idle machines have skipped, in ns."""
        return self._time.warp_ns  # type: ignore[no-any-return]

    @warp_ns.setter
    def warp_ns(self, ns: int) -> None:
        self._time.warp_ns = ns

    @property
    def warp_step(self) -> int:
        """Where `warp_ns` changed last; -1: nowhere."""
        return self._time.warp_step  # type: ignore[no-any-return]

    @warp_step.setter
    def warp_step(self, step: int) -> None:
        self._time.warp_step = step

    def now(self) -> int:
        """Virtual time in ns, exact inside device callbacks too."""
        return self._engine.step * self.clock_ns + self.warp_ns

    def rearm(self) -> None:
        self.agenda.changed()

    @property
    def over(self) -> bool:
        """Virtual time has come to its end."""
        return self.now() >= END_OF_TIME

    def fire(self) -> None:
        """Let the devices do what is due at the present step, if it is noticed here."""
        self.tell_due()
        if self._engine.notices():
            self.agenda.expire(self.now())

    def _serve_due(self) -> None:
        """What is due comes now: before an access of a device, or where it is noticed."""
        self.agenda.expire(self.now())
        self.tell_due()
        self.after_access()

    def tell_due(self) -> None:
        """Let the engine know the next deadline of the devices."""
        self._engine.set_due(self.agenda.first_of_devices())

    def after_access(self) -> None:
        """A deadline may have moved, or a device come to mind waits."""
        if self.agenda.moved:
            self.tell_due()
        if self._with_host_time and self.waits_matter:
            self._time.tells_waits = True

    def keep_reading(self, value: int, steady: Steady) -> None:
        """Let the engine answer this register as long as it is known how it goes on."""
        until = NEVER if steady.until_ns is None else min(max(0, steady.until_ns), NEVER)
        divider = steady.divider * NS_PER_SECOND
        self._engine.keep_reading(value, steady.slope, steady.since_ns, steady.hz, divider, until)

    def warp(self, target: int) -> None:
        """An idle machine skips to where `warp_ns` is `target`."""
        self.warp_ns = target
        self.warp_step = self._engine.step

    # -- the host's clocks ---------------------------------------------------------------

    def _next_host_timer(self, clock: str) -> tuple[int, Device] | None:
        """The earliest timer on a clock of the host, and whose it is."""
        found = None
        for device in self.host_timed:
            timer = device.host_timer()
            if timer is not None and timer.clock == clock and (not found or timer.ns < found[0]):
                found = (timer.ns, device)
        return found

    def fire_host_timer(self) -> Device | None:
        """Let one timer of the host's clocks fire, if one is due; returns whose it is.

        The host's time is not part of the recording here: that a timer was due, is.
        """
        for clock, checkpoint in HOST_CLOCKS.items():
            found = self._next_host_timer(clock)
            if found is None:
                continue
            due = self._replay.in_play or self._host_now(clock) >= found[0]
            if due and self._replay.checkpoint(checkpoint):
                found[1].expire()
                return found[1]
        return None

    @property
    def waits_matter(self) -> bool:
        """Some device has to be told of the next wait."""
        return any(device.minds_waits for device in self._with_host_time)

    def host_time_passed(self) -> None:
        """The machine goes on from where a recorder may have waited.

        Called at the same steps in play, where nobody waits.
        """
        for device in self._with_host_time:
            device.host_time_passed()

    def _host_now(self, clock: str) -> int:
        if self.host_time is None:
            return 0
        return self.host_time.host_ns() if clock == "host" else self.host_time.running_ns()

    @property
    def waits_for_host(self) -> bool:
        """A timer on a clock of the host will fire."""
        return any(self._next_host_timer(clock) is not None for clock in HOST_CLOCKS)

    def host_wait(self, seconds: float) -> float:
        """How long an idle recorder may wait, `seconds` at most, before a timer is due."""
        for clock in HOST_CLOCKS:
            found = self._next_host_timer(clock)
            if found is not None:
                left = (found[0] - self._host_now(clock)) / NS_PER_SECOND
                seconds = min(seconds, max(0.0, left))
        return seconds
