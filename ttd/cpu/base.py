"""The one interface between a machine and the processor model of an architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from ttd.devices.base import Clock, Device
from ttd.engine import Engine, Isa
from ttd.engine.registers import LineSink
from ttd.engine.types import EngineStop
from ttd.state import State
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Vector:
    """A type of registers: `count` elements of type `element`."""

    name: str
    element: RegisterType
    count: int


@dataclass(frozen=True, slots=True)
class Union:
    """A type of registers: (name, type) of each way to see them."""

    name: str
    fields: tuple[tuple[str, RegisterType], ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """A type of registers: bits, given as (name, first, last); `size` in bytes."""

    name: str
    size: int
    fields: tuple[tuple[str, int, int], ...]


RegisterType: TypeAlias = "str | Vector | Union | Flags"
"""A name that GDB knows (`uint32`, `data_ptr`, `code_ptr`, `ieee_double`), or what is inside."""


@dataclass(frozen=True, slots=True)
class Register:
    """One register as GDB numbers and names it.

    `bits` is its width; `regnum` GDB's number; `feature` the XML feature it is in; `group` GDB's
    register group. `in_stop_reply`: sent with every stop reply.
    """

    name: str
    bits: int
    regnum: int
    type: RegisterType
    feature: str
    group: str = "general"
    in_stop_reply: bool = True

    @property
    def size(self) -> int:
        """Bytes that hold it."""
        return (self.bits + 7) // 8


class After(Enum):
    """What the machine does after the CPU model has dealt with an engine stop."""

    CONTINUE = "continue"
    """Go on; nothing consumed a step."""
    RAISED = "raised"
    """The instruction at PC has not run: `pending` gives the exception that takes its place."""
    ENTERED = "entered"
    """An exception entry happened: it is one step of its own."""
    WAIT = "wait"
    """Idle until an event wakes the CPU."""
    SEMIHOST = "semihost"
    """The instruction at PC is a semihosting call; the machine decides."""
    RESET = "reset"
    """Software asked for a system reset."""


class Over(NamedTuple):
    """The run is over: the CPU cannot go on, or has nothing more to do."""

    reason: str
    """What has happened and where, for people."""
    code: int = 1
    """The exit code; 0 if this is how a program may well end."""
    retired: bool = False
    """The last instruction has been done, and was a step."""


class Leaf(NamedTuple):
    """What page tables say of the virtual addresses [start, end): one entry of them.

    `rights`: an `Access` mask, 0 where nothing is mapped. `target`: the physical address of
    `start`. `user`: unprivileged software may use it.
    """

    start: int
    end: int
    rights: int = 0
    target: int = 0
    user: bool = False


class PageTables(Protocol):
    """Page tables at one moment."""

    def leaf(self, address: int) -> Leaf:
        """What they say of a virtual address."""


class MappedUnit(NamedTuple):
    """A device that is part of the core, and where it is."""

    base: int
    size: int
    device: Device


class FaultLine(NamedTuple):
    """What a fault register says, for people."""

    text: str
    """With the register's name and value."""
    code: int | None = None
    """The address of an instruction, if that is what the register has."""


@dataclass(frozen=True, slots=True)
class CoreWiring:
    """What a machine offers to its processor model, and what the board says of it."""

    engine: Engine
    clock: Clock
    hz: int
    """Core clock."""
    lines: int
    """How many external interrupt lines there are."""
    reset_address: int
    """Where the core begins after reset, or finds its vector table."""
    semihosting: bool
    ns_per_step: int
    """Virtual time of a step."""
    timebase_hz: int
    """Rate of the real-time counter; 0: the core has none."""
    priority_bits: int | None
    """How many bits of an exception's priority there are; None: as many as the core always has."""
    on_reset_request: Callable[[], None]
    """Software asked for a system reset."""


class Cpu(Protocol):
    """A processor model: registers, exceptions, interrupts, waiting.

    Everything it remembers beyond the engine's registers is data (`save`/`load`).
    """

    gdb_architecture: str
    """The `<architecture>` of the target description."""
    triple: str
    """How LLVM, and so LLDB, names the architecture."""
    registers: tuple[Register, ...]
    """In regnum order; every one that GDB requires is there."""
    word_size: int
    """Bytes in a word of a semihosting call's parameters."""
    link: str
    """The register in which a call leaves where it returns to; empty: it is on the stack."""
    stack: str
    """The stack pointer."""
    watch_after: bool
    """True when GDB expects watchpoint stops after the access (x86), False before (ARM, RISC-V)."""

    def reset(self) -> None: ...

    def start_at(self, entry: int, sp: int) -> None:
        """After `reset`: begin at `entry` with this stack pointer."""

    def mapped_devices(self) -> list[MappedUnit]:
        """Devices of the core itself; saved and loaded like a board's devices."""

    def set_line(self, number: int, level: bool) -> None:
        """Drive the input of external interrupt `number`."""

    def native_line(self, number: int) -> LineSink | None:
        """Who drives that input natively, if it can be."""

    def set_nmi(self, level: bool) -> None:
        """Drive the non-maskable interrupt, if the core has one."""

    def read_register(self, name: str) -> int: ...

    def read_registers(self, names: tuple[str, ...]) -> list[int]:
        """As `read_register`, of several, which is quicker than one by one."""

    def write_register(self, name: str, value: int) -> None: ...

    def compared(self, name: str) -> tuple[int, int] | None:
        """What `Wanted.compared` takes for this register: its number, and the bits whose changes
        instructions make. None: it is not known natively, or changes by itself."""

    def pending(self) -> int | None:
        """Number of the exception that is to be taken now, before the next instruction."""

    def is_raised(self, number: int) -> bool:
        """True while something wants interrupt `number`, whether it is enabled or not."""

    def is_asynchronous(self, number: int) -> bool:
        """True if exception `number` is an interrupt: one that no instruction causes."""

    def is_call(self, number: int) -> bool:
        """True if exception `number` is one that a program asks for (SVC, ECALL)."""

    def exception_name(self, number: int) -> str:
        """Exception `number`, one that an instruction causes, in a few words for people."""

    def handles_fault(self) -> bool:
        """True if it is known that the handler of a fault runs."""

    def faults(self) -> list[FaultLine]:
        """What is known of the faults up to here; empty if there have been none, or the core does
        not remember."""

    def enter(self, number: int) -> None:
        """Take exception `number`: one step; PC is then its handler's first instruction."""

    def stopped(self, stop: EngineStop) -> After | Over:
        """Deal with an engine stop that is not a budget, breakpoint, watch or request."""

    def wake(self) -> bool:
        """While waiting: True when something ends the wait."""

    def skip_instruction(self) -> None:
        """Go on after the instruction at PC, as if it had done nothing (semihosting calls)."""

    def call_arguments(self) -> tuple[int, int]:
        """Number and parameter of the semihosting call at PC."""

    def call_result(self, value: int) -> None:
        """Give the semihosting call at PC its result."""

    def exception_number(self) -> int:
        """The exception whose handler runs; 0 for none."""

    def translate(self, address: int) -> int | None:
        """The physical address behind a virtual one, for debuggers; None where nothing is."""

    def page_tables(self) -> PageTables | None:
        """Those that `translate` looks at now; None while addresses are physical ones."""

    def save(self) -> State: ...

    def load(self, state: State) -> None: ...


def address_bits(registers: Sequence[Register]) -> int:
    """How long the addresses of a processor with these registers are."""
    return max(register.bits for register in registers if register.type == "code_ptr")


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A processor that boards can have."""

    name: str
    isa: Isa
    """How the engine runs its instructions."""
    elf: tuple[str, int]
    """Machine (`EM_...`) and bits of its ELF files."""
    build: Callable[[CoreWiring], Cpu]
    lines: int = 0
    """How many external interrupts a board can connect; they are numbered from 0."""
    paged: bool = False
    """Software decides which memory is where, so that addresses say nothing about it."""
    priority_bits: range = range(0)
    """How many bits of an exception's priority a board may choose; empty: there is no choice."""
    vectors: bool = False
    """A reset takes stack pointer and start from a table at the reset address (Cortex-M)."""
    exception_name: Callable[[int], str] = lambda number: ""
    """What an exception or interrupt is called."""
    first_line: int | None = None
    """The number, among exceptions, of external interrupt 0, if each line is one of its own."""
    architectures: frozenset[str] = frozenset()
    """M profile: the architectures that programs for it may have been built for
    (`ArmAttributes`)."""
