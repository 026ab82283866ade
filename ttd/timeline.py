"""Moving in time over a recorded, or still recording, machine. Knows nothing of GDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ttd.cpu.base import Cpu
from ttd.stops import Stop, Stops

Progress = Callable[[float, str], None]
"""Called now and then during long work: fraction done (0..1) and a few words."""


class TimelineApi(Protocol):
    """What a debugger front end may ask for. All positions are steps.

    Everything but `interrupt` is called on one thread.
    """

    @property
    def position(self) -> int: ...
    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int:
        """Last position of the history known so far; it grows while a live machine records."""
        ...

    @property
    def live(self) -> bool:
        """True when running forward at the end of history goes on recording."""
        ...

    @property
    def cpu(self) -> Cpu: ...
    @property
    def virtual_ns(self) -> int: ...
    progress: Progress | None

    def seek(self, step: int) -> Stop: ...
    def step_forward(self, count: int = 1) -> Stop: ...
    def step_backward(self, count: int = 1) -> Stop: ...
    def run_forward(self, stops: Stops, until: int | None = None) -> Stop: ...
    def run_backward(self, stops: Stops, until: int | None = None) -> Stop: ...
    def range_step(self, start: int, end: int, stops: Stops) -> Stop:
        """Step forward while PC is in [start, end)."""
        ...

    def interrupt(self) -> None:
        """End the movement that is under way, soon; from any thread."""
        ...

    def read_memory(self, address: int, size: int) -> bytes:
        """Guest memory and device registers (without side effects), as the CPU addresses them.

        Shorter than `size` if the rest is not there; raises `TimelineError` if nothing is.
        """
        ...

    def write_memory(self, address: int, data: bytes) -> None:
        """At the end of a live recording only, where it is recorded; else `PastIsReadOnly`."""
        ...

    def write_register(self, name: str, value: int) -> None: ...
    def memory_map(self) -> list[tuple[str, int, int]]:
        """(kind, start, length), kind `ram` or `rom`, for GDB's memory map."""
        ...

    def reset(self) -> Stop:
        """Go to the first position."""
        ...


class TimelineError(Exception):
    """A request that cannot be met; the text is one sentence for people."""


class PastIsReadOnly(TimelineError):
    """Memory or registers were to be written in the past."""
