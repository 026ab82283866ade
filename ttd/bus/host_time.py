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
