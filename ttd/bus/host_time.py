"""The clocks of the host, as a machine sees them."""

from __future__ import annotations

from typing import Protocol


class HostTime(Protocol):
    """The clocks of the host, in nanoseconds."""

    def host_ns(self) -> int:
        """Wall-clock time since 1970."""

    def running_ns(self) -> int:
        """Time between `resume` and `pause`, all in all."""

    def resume(self) -> None: ...
    def pause(self) -> None: ...


class ContinuedTime:
    """The clocks of the host, put so that they go on from what a guest has read last, whenever that
    was."""

    def __init__(self, time: HostTime) -> None:
        self._time = time
        self.ahead = (0, 0)
        """How far they are before the host's: nanoseconds of `host_ns`, and of `running_ns`."""
        self.resume = time.resume
        self.pause = time.pause

    def go_on_from(self, host_ns: int | None, running_ns: int | None) -> None:
        """Let it be so late now; None: as it is."""
        host, running = self.ahead
        if host_ns is not None:
            host = host_ns - self._time.host_ns()
        if running_ns is not None:
            running = running_ns - self._time.running_ns()
        self.ahead = host, running

    def host_ns(self) -> int:
        """As `HostTime.host_ns`."""
        return self._time.host_ns() + self.ahead[0]

    def running_ns(self) -> int:
        """As `HostTime.running_ns`."""
        return self._time.running_ns() + self.ahead[1]
