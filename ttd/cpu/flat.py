"""What AArch64 and x86-64 have in common here: cores that run, and take no exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ttd.cpu.base import After, CoreWiring, FaultLine, MappedUnit, Over, Register
from ttd.engine import Isa
from ttd.engine.isa import OWN_IDS
from ttd.engine.types import UNALIGNED, Access, EngineStop, StopReason
from ttd.state import State


class FlatCore(Protocol):
    """The part of `ttd.engine.Engine` that these models use."""

    @property
    def step(self) -> int: ...
    def reg_read(self, register: int) -> int: ...
    def regs_read(self, ids: tuple[int, ...]) -> list[int]: ...
    def reg_write(self, register: int, value: int) -> None: ...
    def regs_write(self, ids: tuple[int, ...], values: Sequence[int]) -> None: ...
    def wide_read(self, register: int) -> int: ...
    def wide_write(self, register: int, value: int) -> None: ...
    def reset_registers(self) -> None: ...
    def read(self, address: int, size: int) -> bytes: ...


class FlatCpu:
    """A core at its highest privilege, with physical addresses, and without interrupts.

    Where hardware would take an exception, the run ends with a sentence that says which, and
    where. All state is in the engine's registers.
    """

    gdb_architecture: str
    triple: str
    registers: tuple[Register, ...]
    word_size = 8
    link: str
    stack: str
    watch_after: bool
    has_calls_anywhere: bool
    """Code runs the same with a call before each instruction: registers can be compared there."""

    def __init__(
        self,
        core: CoreWiring,
        isa: Isa,
        *,
        ids: Mapping[str, int],
        sp: int,
        reset: Mapping[int, int],
    ) -> None:
        """`ids`: the engine's ids of GDB's registers, by name; `sp`: that of the stack pointer.
        `reset`: registers that do not begin as Unicorn has them, by id, in the order in which they
        can be written."""
        self._engine: FlatCore = core.engine
        self._isa = isa
        self._ids = ids
        self._sp = sp
        self._reset = {**reset, isa.pc: core.reset_address}
        self._bits = {register.name: register.bits for register in self.registers}

    def reset(self) -> None:
        self._engine.reset_registers()
        self._engine.regs_write(tuple(self._reset), tuple(self._reset.values()))

    def start_at(self, entry: int, sp: int) -> None:
        self._engine.regs_write((self._sp, self._isa.pc), (sp, entry))

    # What a board wires up ---------------------------------------------------------------------

    def mapped_devices(self) -> list[MappedUnit]:
        return []

    def native_line(self, number: int) -> None:
        """None of them is native."""

    def set_line(self, number: int, level: bool) -> None:
        """There are no interrupts."""

    def set_nmi(self, level: bool) -> None:
        """There are no interrupts."""

    # State -------------------------------------------------------------------------------------

    def save(self) -> State:
        return {}

    def load(self, state: State) -> None:
        """All of it is in the engine's registers."""

    def read_register(self, name: str) -> int:
        register = self._ids[name]
        if self._bits[name] > 64:
            return self._engine.wide_read(register)
        return self._engine.reg_read(register)

    def read_registers(self, names: tuple[str, ...]) -> list[int]:
        if all(self._bits[name] <= 64 for name in names):
            return self._engine.regs_read(tuple(self._ids[name] for name in names))
        return [self.read_register(name) for name in names]

    def compared(self, name: str) -> tuple[int, int] | None:
        register, bits = self._ids[name], self._bits[name]
        if bits > 64 or register >= OWN_IDS or not self.has_calls_anywhere:
            return None
        return register, (1 << bits) - 1

    def write_register(self, name: str, value: int) -> None:
        register = self._ids[name]
        if self._bits[name] > 64:
            self._engine.wide_write(register, value)
        else:
            self._engine.reg_write(register, value)

    # Exceptions there are none -----------------------------------------------------------------

    def pending(self) -> int | None:
        return None

    @staticmethod
    def is_raised(number: int) -> bool:
        return False

    @staticmethod
    def is_asynchronous(number: int) -> bool:
        return False

    @staticmethod
    def is_call(number: int) -> bool:
        return False

    def exception_name(self, number: int) -> str:
        raise AssertionError("there are no exceptions")

    def handles_fault(self) -> bool:
        return False

    def faults(self) -> list[FaultLine]:
        """A fault is the end, which says what it is."""
        return []

    def enter(self, number: int) -> None:
        raise AssertionError("there are no exceptions")

    def wake(self) -> bool:
        return True

    def exception_number(self) -> int:
        return 0

    def translate(self, address: int) -> int | None:
        return address

    def page_tables(self) -> None:
        """There are none."""

    # Semihosting; a core that has none never says that there is a call ----------------------------

    def skip_instruction(self) -> None:
        raise AssertionError("there are no semihosting calls")

    def call_arguments(self) -> tuple[int, int]:
        raise AssertionError("there are no semihosting calls")

    def call_result(self, value: int) -> None:
        raise AssertionError("there are no semihosting calls")

    # Stops -------------------------------------------------------------------------------------

    def stopped(self, stop: EngineStop) -> After | Over:
        match stop.reason:
            case StopReason.WAIT:
                return self._waits(stop.pc)
            case StopReason.EXCEPTION:
                return self._exception(stop)
            case StopReason.FAULT:
                return self._fault(stop)
            case StopReason.INVALID:
                return self._invalid(stop.pc)
        return After.CONTINUE

    def _over(self, what: str, pc: int, *, retired: bool = False) -> Over:
        """The exception `what` of the instruction at `pc` is not taken."""
        model = self._isa.name
        return Over(f"{what} at {pc:#x}, and {model} takes no exceptions here", retired=retired)

    def _waits(self, pc: int) -> Over:
        """The instruction before `pc` waits for an interrupt."""
        raise NotImplementedError

    def _exception(self, stop: EngineStop) -> After | Over:
        raise NotImplementedError

    def _invalid(self, pc: int) -> After | Over:
        raise NotImplementedError

    def _fault(self, stop: EngineStop) -> Over:
        kind = Access(stop.code & 7)
        if kind is Access.FETCH:
            return Over(f"the guest goes on at {stop.pc:#x}, where it has no memory")
        verb = "reads" if kind is Access.READ else "writes"
        if stop.code & UNALIGNED:
            return self._over(
                f"an access that must be aligned and is not, of {stop.address:#x},", stop.pc
            )
        return Over(f"the guest {verb} {stop.address:#x}, where nothing answers, at {stop.pc:#x}")
