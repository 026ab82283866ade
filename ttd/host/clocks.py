"""Host clocks and randomness: handed to the replay layer, used by nothing else."""

from __future__ import annotations

import os
import time


class HostClocks:
    """Wall-clock time, and the time that the machine has been running."""

    def __init__(self) -> None:
        self._passed = 0
        self._since: int | None = None

    def host_ns(self) -> int:
        """Nanoseconds since 1970."""
        return time.time_ns()

    def running_ns(self) -> int:
        """Nanoseconds between `resume` and `pause`, all in all; never goes back."""
        since = self._since
        return self._passed if since is None else self._passed + time.monotonic_ns() - since

    def resume(self) -> None:
        """The machine runs."""
        self._since = time.monotonic_ns()

    def pause(self) -> None:
        """It stands still."""
        self._passed = self.running_ns()
        self._since = None


def random_bytes(count: int) -> bytes:
    """`count` bytes from the host's generator."""
    return os.urandom(count)
