"""What a run of a machine says when it comes back, and whom a machine asks while it runs."""

from __future__ import annotations

from enum import Enum
from threading import Event
from typing import Protocol

from ttd.engine.types import WatchHit
from ttd.state import State
from ttd.values import dataclass


class RunEnd(Enum):
    """Why `Machine.run` came back."""

    LIMIT = "limit"
    BREAKPOINT = "breakpoint"
    WATCH = "watch"
    RANGE = "range"
    """The next instruction is not where the run has to stay."""
    INTERRUPTED = "interrupted"
    HISTORY_END = "history end"
    """Play: the log is over."""
    ENDED = "ended"
    """The guest has ended (exit, shutdown, lockup); see `Machine.ended`."""


class Interruption:
    """Somebody wants what is under way to end, soon. It stays asked for until it is answered."""

    def __init__(self) -> None:
        self._asked = Event()

    def ask(self) -> None:
        """From any thread."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def answer(self) -> None:
        """What was under way has ended because of it, and its caller is told so."""
        self._asked.clear()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a guest ended: a sentence for people, and the exit code if it gave one."""

    reason: str
    code: int | None


@dataclass(frozen=True, slots=True)
class RunStop:
    """Where a run came back: PC and, for WATCH, the access that is about to happen.

    One that no instruction makes has happened already: it was in step `watch.step`, before `step`
    or in a sleep there.
    """

    end: RunEnd
    step: int
    pc: int
    watch: WatchHit | None = None


class Onlooker(Protocol):
    """Who watches whether a recorder gets anywhere. Called on the machine's thread."""

    def asleep(self) -> None:
        """The machine waits, with no deadline of its own; again and again while it does."""

    def reading(self) -> None:
        """A call of the guest's waits for input; again and again while it does."""

    def ran(self) -> None:
        """The machine has run for a while; `Engine.exceptions` has what it took."""


class SnapshotKeeper(Protocol):
    """Who takes the snapshots that the replay layer asks for."""

    def take(self) -> None:
        """Record: a snapshot is due."""

    def check(self) -> None:
        """Play: the log has the mark of a snapshot here."""

    def check_end(self) -> None:
        """Play: this is the end of a finished recording."""


class SemihostingExit(Protocol):
    """What a semihosting call says when it ends the guest."""

    @property
    def code(self) -> int: ...


class SemihostingCalls(Protocol):
    """Semihosting, as the machine uses it."""

    def call(self) -> SemihostingExit | None: ...
    def save(self) -> State: ...
    def load(self, state: State) -> None: ...
