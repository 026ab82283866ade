"""What a debugger front end may ask of, and do to, the machine where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Protocol

from ttd.cpu.base import Cpu
from ttd.devices.base import View
from ttd.errors import UserError
from ttd.images import Image
from ttd.space import Span


class TimelineError(UserError):
    """A request that cannot be met; the text is one sentence for people."""


class PastIsReadOnly(TimelineError):
    """What only a machine that records can do was asked for elsewhere."""


class SystemRequest(Enum):
    """What a debugger may ask of a machine that records."""

    RESET = "reset"
    SUSPEND = "suspend"
    WAKE_UP = "wake up"
    SHUTDOWN = "shutdown"


class ProbeApi(Protocol):
    """The machine at the present position. Called on the timeline's thread."""

    @property
    def cpu(self) -> Cpu: ...

    @property
    def images(self) -> Sequence[Image]:
        """What was loaded into the machine."""
        ...

    def read_memory(self, address: int, size: int) -> bytes:
        """Guest memory and device registers (without side effects), as the CPU addresses them.

        Shorter than `size` if the rest is not there; raises `TimelineError` if nothing is.
        """
        ...

    def read_physical(self, address: int, size: int) -> bytes:
        """As `read_memory`, by physical addresses."""
        ...

    def views(self) -> Sequence[View]:
        """Pictures of devices in text."""
        ...

    def memory_map(self) -> list[tuple[str, int, int]]:
        """(kind, start, length), kind `ram` or `rom`, for GDB's memory map; empty: it is unknown.

        These are the CPU's addresses, which say nothing where software maps memory.
        """
        ...

    def span_at(self, address: int) -> Span:
        """What is at an address below 2^64 of the CPU's, and as far as the same is beside it."""
        ...

    def mapped(self) -> Iterator[Span]:
        """All that can be accessed, as `AddressSpace.mapped` has it."""
        ...

    def write_memory(self, address: int, data: bytes) -> None:
        """An event of the recording; in the past it begins a branch."""
        ...

    def write_register(self, name: str, value: int) -> None: ...

    def request(self, what: SystemRequest) -> None:
        """Served by the next movement; `PastIsReadOnly` in the past."""
        ...

    def give_input(self, device: str, data: bytes) -> None:
        """Let a character device get this, as if somebody had typed it, or an input device
        `press KEY` or `release KEY`. `PastIsReadOnly` in the past; a `UserError` if there is no
        such device, or it has enough already."""
        ...
