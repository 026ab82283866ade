"""The words of the border: modes, clocks, checkpoints, causes."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum

from ttd.recording.events import Kind

SnapshotTimer = Callable[[int], int]
"""Given the step of the snapshot just taken (or of the start): the step of the next one."""


class Mode(Enum):
    """What the border does."""

    NONE = "none"
    RECORD = "record"
    PLAY = "play"


class Clock(IntEnum):
    """Clocks of the host that a guest can read; values are what the device makes of them."""

    HOST = Kind.CLOCK_HOST
    """Wall-clock time."""
    VIRTUAL_RT = Kind.CLOCK_VIRTUAL_RT
    """Host time that has passed while the machine ran."""


class Checkpoint(IntEnum):
    """The places in the machine's loop; QEMU's `ReplayCheckpoint`. Numbers are in the file."""

    CLOCK_WARP_START = 0
    CLOCK_WARP_ACCOUNT = 1
    RESET_REQUESTED = 2
    SUSPEND_REQUESTED = 3
    CLOCK_VIRTUAL = 4
    CLOCK_HOST = 5
    CLOCK_VIRTUAL_RT = 6
    INIT = 7
    RESET = 8


class Cause(IntEnum):
    """Who asked for a shutdown, reset or suspend. Numbers are in the file."""

    GUEST = 0
    """The guest, through a device."""
    GUEST_PANIC = 1
    """The guest cannot go on (lockup)."""
    HOST = 2
    """The person at the keyboard, or a signal."""
    DEBUGGER = 3

    @property
    def by_guest(self) -> bool:
        """True if the request follows from what the guest did."""
        return self in (Cause.GUEST, Cause.GUEST_PANIC)
