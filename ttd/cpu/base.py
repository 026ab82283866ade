"""The one interface between a machine and the processor model of an architecture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ttd.devices.base import State
from ttd.engine.types import EngineStop


@dataclass(frozen=True, slots=True)
class Register:
    """One register as GDB numbers and names it.

    `bits` is its width; `regnum` GDB's number; `type` a target-description type
    (`uint32`, `data_ptr`, `code_ptr`, `ieee_double`); `feature` the XML feature it is in;
    `group` GDB's register group. `in_stop_reply`: sent with every stop reply.
    """

    name: str
    bits: int
    regnum: int
    type: str
    feature: str
    group: str = "general"
    in_stop_reply: bool = True


class After(Enum):
    """What the machine does after the CPU model has dealt with an engine stop."""

    CONTINUE = "continue"
    """Go on; nothing consumed a step."""
    ENTERED = "entered"
    """An exception entry happened: it is one step of its own."""
    WAIT = "wait"
    """Idle until an event wakes the CPU."""
    SEMIHOST = "semihost"
    """The instruction at PC is a semihosting call; the machine decides."""
    LOCKUP = "lockup"
    """The CPU is locked up; the run is over."""
    RESET = "reset"
    """Software asked for a system reset."""


class Cpu(Protocol):
    """A processor model: registers, exceptions, interrupts, waiting.

    Everything it remembers beyond the engine's registers is data (`save`/`load`).
    """

    gdb_architecture: str
    """The `<architecture>` of the target description."""
    registers: tuple[Register, ...]
    """In regnum order; every one that GDB requires is there."""
    watch_after: bool
    """True when GDB expects watchpoint stops after the access (x86), False before (ARM, RISC-V)."""

    def reset(self) -> None: ...

    def read_register(self, name: str) -> int: ...

    def write_register(self, name: str, value: int) -> None: ...

    def pending(self) -> int | None:
        """Number of the exception that is to be taken now, before the next instruction."""

    def enter(self, number: int) -> None:
        """Take exception `number`: one step; PC is then its handler's first instruction."""

    def stopped(self, stop: EngineStop) -> After:
        """Deal with an engine stop that is not a budget, breakpoint, watch or request."""

    def wake(self) -> bool:
        """While waiting: True when something ends the wait."""

    def save(self) -> State: ...

    def load(self, state: State) -> None: ...
