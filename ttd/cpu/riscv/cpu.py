"""The RISC-V processor model: what happens when the engine stops, and what stands around it."""

from __future__ import annotations

from collections.abc import Callable

from unicorn import riscv_const as rv

from ttd.cpu.base import After, FaultLine, MappedUnit, Register
from ttd.devices.base import Clock, Timebase
from ttd.engine import Isa, types
from ttd.engine.types import Access, EngineStop, Refusal, StopReason
from ttd.state import State

from . import bits, status, traps
from .access import RiscvCore
from .bits import Cause
from .counters import Counters
from .csrs import Csrs, CsrUnit
from .interrupts import Interrupts
from .isa import X
from .paging import PageTables
from .pmp import Pmp
from .registers import CSR_NUMBERS, UNICORN_IDS, WRITABLE, registers
from .zeros import Zeros

_EBREAK, _C_EBREAK = 0x00100073, 0x9002
_SEMIHOSTING = b"".join(word.to_bytes(4, "little") for word in (0x01F01013, _EBREAK, 0x40705013))
"""slli x0, x0, 0x1f; ebreak; srai x0, x0, 7 ("RISC-V Semihosting", chapter 2)."""
_AMO, _LOAD_RESERVED = 0x2F, 0x02
_SV39 = 8
"""The mode of satp that a core of 64 bits has beside Bare."""

_PENDING_READ = (
    rv.UC_RISCV_REG_PRIV,
    rv.UC_RISCV_REG_MSTATUS,
    rv.UC_RISCV_REG_MIE,
    rv.UC_RISCV_REG_MIDELEG,
)
_A0, _A1, _SP = X[10], X[11], X[2]


class CoreTimebase(Timebase):
    """`time`, which the engine answers by itself: it has to be told of a change."""

    def __init__(self, clock: Clock, hz: int, on_change: Callable[[], None]) -> None:
        super().__init__(clock, hz)
        self._on_change = on_change

    def set(self, ticks: int) -> None:
        super().set(ticks)
        self._on_change()


class Riscv:
    """A hart with M, S and U modes: the engine runs its instructions and walks its page tables.

    Unicorn never sees an interrupt: its own mip stays 0, and what has to do with mip is here.
    A trap is a step of its own; one that an instruction raises is taken where it is raised.
    """

    watch_after = False

    def __init__(
        self,
        engine: RiscvCore,
        clock: Clock,
        *,
        isa: Isa,
        xlen: int,
        reset_address: int,
        ns_per_step: int,
        timebase_hz: int = 0,
        semihosting: bool = False,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`xlen`: 32 or 64. `timebase_hz`: rate of `time`; 0: it stands still.

        `on_change` is called when `pending` has to be asked before the next instruction: the
        instruction under way, if any, has to be the last of the engine's run.
        """
        self._engine = engine
        self._isa = isa
        self._xlen = xlen
        self._reset_address = reset_address
        self._semihosting = semihosting
        self.gdb_architecture = f"riscv:rv{xlen}"
        self.triple = f"riscv{xlen}-none-elf"
        self.registers: tuple[Register, ...] = registers(xlen)
        self.word_size = xlen // 8
        self._timebase = CoreTimebase(clock, timebase_hz, on_change)
        self.timebase: Timebase | None = self._timebase
        self._interrupts = Interrupts(engine, on_change)
        self._counters = Counters(engine, clock, xlen, ns_per_step, self._timebase)
        self._units: dict[str, CsrUnit] = {
            "interrupts": self._interrupts,
            "counters": self._counters,
            "pmp": Pmp(engine, xlen),
            "zeros": Zeros(xlen),
        }
        self._csrs = Csrs(engine, tuple(self._units.values()))
        self._raised: tuple[int, int] | None = None
        """Cause and tval of what the instruction at PC has raised; taken before anything else."""

    def reset(self) -> None:
        """Section "Reset": machine mode, interrupts off, translation off; all else is 0 here."""
        for unit in self._units.values():
            unit.reset()
        self._timebase.set(0)
        self._raised = None
        start = {rv.UC_RISCV_REG_PRIV: bits.MACHINE, self._isa.pc: self._reset_address}
        self._engine.load_state([start.get(register, 0) for register in self._isa.state])
        self._engine.watch_masks = False

    def start_at(self, entry: int, sp: int) -> None:
        """After `reset`: begin at `entry` with this stack pointer, as hart 0."""
        self._engine.regs_write((_SP, self._isa.pc), (sp, entry))

    # What a board wires up ---------------------------------------------------------------------

    def mapped_devices(self) -> list[MappedUnit]:
        """None: timer and interrupt controller are devices of the board."""
        return []

    def set_line(self, number: int, level: bool) -> None:
        """Drive an interrupt input by its code: 3 MSIP, 7 MTIP, 9 SEIP, 11 MEIP."""
        self._interrupts.set_line(number, level)

    def set_nmi(self, level: bool) -> None:
        """The core has no such input."""

    # State -------------------------------------------------------------------------------------

    def save(self) -> State:
        state: State = {name: unit.save() for name, unit in self._units.items()}
        return state | {"timebase": self._timebase.save()}

    def load(self, state: State) -> None:
        for name, unit in self._units.items():
            unit.load(state[name])
        self._timebase.load(state["timebase"])
        self._raised = None
        self._engine.watch_masks = False  # the next `pending()` knows

    def read_register(self, name: str) -> int:
        number = CSR_NUMBERS.get(name)
        unit = None if number is None else self._csrs.unit(number)
        if unit is not None and number is not None:
            return unit.read(number)
        value = self._engine.reg_read(UNICORN_IDS[name])
        if name in ("mstatus", "sstatus"):
            return status.shown(value, self._xlen, supervisor=name == "sstatus")
        return value

    def read_registers(self, names: tuple[str, ...]) -> list[int]:
        if CSR_NUMBERS.keys().isdisjoint(names):
            return self._engine.regs_read(tuple(UNICORN_IDS[name] for name in names))
        return [self.read_register(name) for name in names]

    def write_register(self, name: str, value: int) -> None:
        """Write a register; those that software cannot write keep their value."""
        number = CSR_NUMBERS.get(name)
        unit = None if number is None else self._csrs.unit(number)
        if unit is not None and number is not None:
            if number >> 10 != 3:
                unit.write(number, value, self._engine.step)
        elif name != "zero":
            self._engine.reg_write(UNICORN_IDS[name], self._legal(name, value))

    def _legal(self, name: str, value: int) -> int:
        """What Unicorn is to have for a value that somebody wants a register to have."""
        if name in ("mstatus", "sstatus"):
            before = self._engine.reg_read(UNICORN_IDS[name])
            return status.stored(value, before, supervisor=name == "sstatus")
        if name == "satp" and self._xlen == 64 and value >> 60 not in (0, _SV39):
            return self._engine.reg_read(UNICORN_IDS[name])
        return value & WRITABLE.get(name, value)

    # Pending traps and waiting -----------------------------------------------------------------

    def pending(self) -> int | None:
        """The number of a trap (`traps.INTERRUPT`)."""
        if self._raised is not None:
            return self._raised[0]
        engine = self._engine
        pending = self._interrupts.pending
        code = None
        if pending:
            privilege, mstatus, mie, mideleg = engine.regs_read(_PENDING_READ)
            code = self._interrupts.choose(
                pending & mie,
                mideleg,
                privilege,
                bool(mstatus & bits.MIE),
                bool(mstatus & bits.SIE),
            )
        engine.watch_masks = bool(pending) and code is None
        return None if code is None else traps.INTERRUPT | code

    @staticmethod
    def is_asynchronous(number: int) -> bool:
        return bool(number & traps.INTERRUPT)

    @staticmethod
    def is_call(number: int) -> bool:
        return number in traps.CALLS

    def exception_name(self, number: int) -> str:
        return f"{traps.name(number)} (cause {number})"

    def handles_fault(self) -> bool:
        """The architecture does not remember which trap's handler runs."""
        return False

    def faults(self) -> list[FaultLine]:
        """Of the last trap into the present mode."""
        privilege = self._engine.reg_read(rv.UC_RISCV_REG_PRIV)
        if privilege == bits.USER:
            return []
        x = "m" if privilege == bits.MACHINE else "s"
        cause, epc, tval = self.read_registers((f"{x}cause", f"{x}epc", f"{x}tval"))
        interrupt = cause >> self._xlen - 1
        if interrupt or (not cause and not epc and not tval):
            return []
        return [
            FaultLine(f"{x}cause {cause:#x}: {traps.name(cause)}"),
            FaultLine(f"{x}epc {epc:#x}", epc),
            FaultLine(f"{x}tval {tval:#x}"),
        ]

    def enter(self, number: int) -> None:
        _, tval = self._raised or (number, 0)
        self._raised = None
        traps.take(self._engine, self._xlen, number, tval)

    def about_to_run(self) -> None:
        self._counters.tell()

    def single_step(self) -> bool:
        return False

    def unfinished(self, stop: EngineStop) -> bool:
        return False

    def exception_number(self) -> int:
        """The architecture does not remember which trap's handler runs."""
        return 0

    def wake(self) -> bool:
        """WFI ends when an interrupt is pending and enabled in mie, whatever mstatus and mideleg
        say (section "Wait for Interrupt")."""
        pending = self._interrupts.pending
        return bool(pending and pending & self._engine.reg_read(rv.UC_RISCV_REG_MIE))

    def translate(self, address: int) -> int | None:
        return self._engine.translate(address, None)[0]

    def page_tables(self) -> PageTables | None:
        """Machine mode has physical addresses, whatever satp says."""
        privilege, satp = self._engine.regs_read((rv.UC_RISCV_REG_PRIV, rv.UC_RISCV_REG_SATP))
        mode = satp >> 31 if self._xlen == 32 else satp >> 60
        if privilege == bits.MACHINE or not mode:
            return None
        return PageTables(self._engine, self._xlen, satp)

    # Semihosting -------------------------------------------------------------------------------

    def call_arguments(self) -> tuple[int, int]:
        number, argument = self._engine.regs_read((_A0, _A1))
        return number, argument

    def call_result(self, value: int) -> None:
        self._engine.reg_write(_A0, value & (1 << self._xlen) - 1)

    def skip_instruction(self) -> None:
        """Go on after the instruction at PC, which has four bytes."""
        pc = self._engine.reg_read(self._isa.pc)
        self._engine.reg_write(self._isa.pc, (pc + 4) & (1 << self._xlen) - 1)

    # Stops -------------------------------------------------------------------------------------

    def stopped(self, stop: EngineStop) -> After:
        match stop.reason:
            case StopReason.WAIT:
                return After.CONTINUE if self.wake() else After.WAIT
            case StopReason.EXCEPTION:
                return self._exception(stop)
            case StopReason.FAULT:
                return self._fault(stop)
            case StopReason.INVALID:
                return self._invalid(stop.pc)
        return After.CONTINUE

    def _raise(self, cause: int, tval: int = 0) -> After:
        self._raised = cause, tval
        return After.RAISED

    def _exception(self, stop: EngineStop) -> After:
        match stop.code:
            case types.EXCEPTION_OURS | Cause.ILLEGAL:
                return self._csr_or_illegal(stop.pc)
            case Cause.USER_ECALL:
                return self._raise(stop.code + self._engine.reg_read(rv.UC_RISCV_REG_PRIV))
            case Cause.LOAD_MISALIGNED | Cause.STORE_MISALIGNED:
                address, store = self._atomic(self._instruction(stop.pc), stop)
                return self._raise(
                    Cause.STORE_MISALIGNED if store else Cause.LOAD_MISALIGNED, address
                )
        return self._raise(stop.code, stop.address)

    def _csr_or_illegal(self, pc: int) -> After:
        """A CSR that is ours, or an illegal instruction: then xtval has its bits."""
        instruction = self._instruction(pc)
        privilege = self._engine.reg_read(rv.UC_RISCV_REG_PRIV)
        if self._csrs.execute(instruction, privilege):
            self.skip_instruction()
            return After.ENTERED
        return self._raise(Cause.ILLEGAL, instruction)

    def _instruction(self, pc: int) -> int:
        """The 16 or 32 bits of the instruction at `pc`, which may lie on two pages."""
        code = int.from_bytes(self._engine.read_virtual(pc, 2), "little")
        if code & 3 == 3:
            code |= int.from_bytes(self._engine.read_virtual(pc + 2, 2), "little") << 16
        return code

    def _atomic(self, instruction: int, stop: EngineStop) -> tuple[int, bool]:
        """Address of the access that failed, and whether it is a store.

        Of an atomic instruction the address is in rs1, and only LR is a load: the others are
        stores even if it is their read that failed ("Zaamo"; section "Machine Cause Register").
        """
        if instruction & 0x7F != _AMO:
            return stop.address, stop.code == Access.WRITE
        address = self._engine.reg_read(X[instruction >> 15 & 31])
        return address, instruction >> 27 != _LOAD_RESERVED

    def _fault(self, stop: EngineStop) -> After:
        """Page fault if it is the page tables that forbid the access, else access fault."""
        if stop.code == Access.FETCH:
            return self._fetch_fault(stop.pc)
        address, store = self._atomic(self._instruction(stop.pc), stop)
        _, why = self._engine.translate(address, Access.WRITE if store else Access.READ)
        if why is Refusal.PAGE:
            return self._raise(Cause.STORE_PAGE if store else Cause.LOAD_PAGE, address)
        return self._raise(Cause.STORE_ACCESS if store else Cause.LOAD_ACCESS, address)

    def _fetch_fault(self, pc: int) -> After:
        """xtval is the part of the instruction that cannot be fetched."""
        address = pc
        _, why = self._engine.translate(address, Access.FETCH)
        if why is Refusal.NONE:
            address = (pc + 2) & (1 << self._xlen) - 1
            _, why = self._engine.translate(address, Access.FETCH)
        return self._raise(Cause.FETCH_PAGE if why is Refusal.PAGE else Cause.FETCH_ACCESS, address)

    def _invalid(self, pc: int) -> After:
        """EBREAK, which is a call of the host in the middle of its sequence."""
        instruction = self._instruction(pc)
        if instruction not in (_EBREAK, _C_EBREAK):
            return self._raise(Cause.ILLEGAL, instruction)
        if self._semihosting and self._engine.read_virtual(pc - 4, 12) == _SEMIHOSTING:
            return After.SEMIHOST
        return self._raise(Cause.BREAKPOINT)
