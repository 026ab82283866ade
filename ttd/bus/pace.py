"""Idle time of a recorder that takes as long as on the real machine."""

from __future__ import annotations

from collections.abc import Callable

from ttd.devices.base import NS_PER_SECOND

MOST_BEHIND_NS = 50_000_000
"""What is caught up at most, so that after a long halt a guest does not rush through its sleeps."""


class Pace:
    """Sleeps that are shorter by what the host has lost before: by waking up late, and by running
    the guest slower than virtual time goes."""

    def __init__(self) -> None:
        self._behind = 0
        self._last: tuple[int, int] | None = None
        """The host's time and virtual time at the end of the last sleep."""

    def sleep(
        self, idle: int, now: int, host_ns: Callable[[], int], wait: Callable[[float], object]
    ) -> int:
        """Let `idle` ns pass, from virtual time `now` on; returns how many have.

        `host_ns` is the time that the machine has been running; `wait` sleeps some seconds at most
        and may come back early.
        """
        began = host_ns()
        if self._last is not None:
            host, virtual = self._last
            self._lose(began - host - (now - virtual))
        behind = self._behind
        if idle > behind:
            wait((idle - behind) / NS_PER_SECOND)
        ended = host_ns()
        passed = behind + ended - began
        reached = min(idle, passed)
        self._behind = 0
        self._lose(passed - reached)
        self._last = ended, now + reached
        return reached

    def _lose(self, ns: int) -> None:
        self._behind = min(MOST_BEHIND_NS, max(0, self._behind + ns))
