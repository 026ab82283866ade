"""What can stop a run, and what a stop says: shared by the machine, the timeline and the stub."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from ttd.conditions import Moment
from ttd.engine.types import Access, WatchHit
from ttd.values import dataclass


class Condition(Protocol):
    """Whether a stop that was reached is one: data, which can be compared, and sent to another
    process. `ttd.conditions.When` is one."""

    def holds(self, at: Moment) -> bool:
        """Asked with the machine at the breakpoint, or where the access has not happened yet; going
        back, too. It changes nothing. What it raises ends the movement."""
        ...


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Stop before the instruction at `address`, if `condition` (None: always) holds there."""

    address: int
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Watchpoint:
    """Stop at accesses of `kind` (an `Access` mask) that overlap [address, address + length).

    `changes_only`: a write stops only if it changes a watched byte (GDB re-resumes others anyway).
    """

    address: int
    length: int
    kind: Access
    condition: Condition | None = None
    changes_only: bool = False


@dataclass(frozen=True, slots=True)
class Stops:
    """Everything that a run is to stop at."""

    breakpoints: tuple[Breakpoint, ...] = ()
    watchpoints: tuple[Watchpoint, ...] = ()
    within: tuple[int, int] | None = None
    """Going forward: also stop where PC is not in [first, end)."""

    @property
    def conditional(self) -> bool:
        """Whether the machine has to be stopped to know if one of them holds."""
        stops: tuple[Breakpoint | Watchpoint, ...] = (*self.breakpoints, *self.watchpoints)
        return any(stop.condition is not None for stop in stops)


class Why(Enum):
    """Why a movement in time ended."""

    STEPS = "steps"
    """The number of steps, or the position, asked for."""
    BREAKPOINT = "breakpoint"
    WATCHPOINT = "watchpoint"
    HISTORY_BEGIN = "begin"
    HISTORY_END = "end"
    DIVERGED = "diverged"
    """The machine did not do what the recording says, or the recording is damaged there."""
    ASLEEP = "asleep"
    """Record: the machine waits for input that nobody gives."""
    INTERRUPTED = "interrupted"
    """`Timeline.interrupt` was called."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and why a movement ended.

    A hit has one place, from wherever the machine comes to it: just before the instruction at a
    breakpoint, or before the step that makes the watched access `watch`.
    """

    why: Why
    step: int
    pc: int
    watch: WatchHit | None = None
    watchpoint: Watchpoint | None = None
    breakpoint: Breakpoint | None = None
    note: str = ""
    """A sentence for people: at an end of history why the recording ends there, at a watchpoint who
    made the access if no instruction did, for DIVERGED what is wrong."""


def whole(go: Callable[[], Stop]) -> Stop:
    """A movement that is not to be ended early, not even by what was meant for one before."""
    while (stop := go()).why is Why.INTERRUPTED:
        pass
    return stop
