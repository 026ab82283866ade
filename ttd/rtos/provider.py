"""What a plug-in for a real-time operating system offers, and is given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Protocol

from ttd.program.debug import Debug
from ttd.rtos.values import Memory, Value
from ttd.values import dataclass

MOST = 1024
"""Tasks; a system with more is taken for one whose memory is not what it should be."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task at one moment."""

    key: int
    """The address of its control block, the same as long as it lives."""
    name: str
    """Empty if the system gives none."""
    state: str
    """In a few words."""


class Processor(Enum):
    """Those on which plug-ins know how tasks are switched."""

    CORTEX_M = "arm"
    RISCV = "riscv"


@dataclass(frozen=True, slots=True)
class Guest:
    """What a plug-in may look at."""

    symbols: Mapping[str, int]
    """The address of each variable that the plug-in named, if it is there."""
    debug: Debug
    memory: Memory
    processor: Processor
    registers: Collection[str]
    """The names of those that the processor has; Armv6-M has no `basepri`."""
    register: Callable[[str], int]
    """The machine's."""

    def variable(self, name: str) -> Value:
        """A variable; raises `LookupError` if there is none, or no description of it."""
        return Value(self.memory, self.symbols[name], self.debug.variable(name))


class Provider(Protocol):
    """The tasks of a guest. `Implausible` may be raised by each question."""

    name: str
    """Of the system."""
    needed: tuple[str, ...]
    """A guest without these variables has another one."""
    useful: tuple[str, ...]
    """Variables that not every version has."""

    def __init__(self, guest: Guest) -> None:
        """`LookupError` if what is wanted is not there, or not described."""

    def running(self) -> int:
        """The key of the task that runs, or was interrupted; `Implausible` while none does.

        Asked at every stop, so it reads next to nothing.
        """
        ...

    def tasks(self) -> list[Task]:
        """All tasks, the running one among them."""
        ...

    def registers(self, key: int) -> dict[str, int]:
        """Those of a task that does not run, as far as they were saved, by GDB's names; those that
        tasks share are not among them."""
        ...
