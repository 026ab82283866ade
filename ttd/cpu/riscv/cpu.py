"""The RISC-V processor model: what stands around the core, which is native (`native/`)."""

from __future__ import annotations

from ttd.cpu.base import After, FaultLine, MappedUnit, Register
from ttd.cpu.constants import riscv_const as rv
from ttd.engine import Engine, Isa
from ttd.engine._native import ffi, lib
from ttd.engine.types import EngineStop
from ttd.state import State

from . import bits, traps
from .isa import X
from .paging import PageTables
from .registers import CSR_NUMBERS, UNICORN_IDS, compared, registers

_A0, _A1, _SP = X[10], X[11], X[2]
_AFTER: dict[int, After] = {
    lib.CORE_ON: After.CONTINUE,
    lib.CORE_RAISED: After.RAISED,
    lib.CORE_WAITS: After.WAIT,
    lib.CORE_ASK: After.SEMIHOST,
}
_ALL = (1 << 64) - 1
_COUNTERS = ("cycle_offset", "instret_offset")
_INTERRUPTS = ("lines", "software")


class Riscv:
    """A hart with M, S and U modes, as Python sees it.

    Unicorn runs the instructions and never sees an interrupt: its own mip stays 0. A trap is a step
    of its own; one that an instruction raises is taken where it is raised.
    """

    link, stack = "ra", "sp"
    watch_after = False

    def __init__(
        self,
        engine: Engine,
        *,
        isa: Isa,
        xlen: int,
        reset_address: int,
        timebase_hz: int = 0,
        semihosting: bool = False,
    ) -> None:
        """`xlen`: 32 or 64. `timebase_hz`: rate of `time`; 0: it stands still."""
        self._engine = engine
        self._native = engine.native
        self._core = lib.riscv_core_of(self._native)
        self._core.semihosting = semihosting
        self._core.timebase_hz = timebase_hz
        lib.riscv_use(self._native)
        self._isa = isa
        self._xlen = xlen
        self._reset_address = reset_address
        self._stop = ffi.new("ttd_stop *")
        self._value = ffi.new("uint64_t *")
        self.gdb_architecture = f"riscv:rv{xlen}"
        self.triple = f"riscv{xlen}-none-elf"
        self.registers: tuple[Register, ...] = registers(xlen)
        self.word_size = xlen // 8

    def reset(self) -> None:
        """Section "Reset": machine mode, interrupts off, translation off; all else is 0, and the
        counters begin at 0. The inputs keep their levels."""
        core = self._core
        core.software = 0
        core.cycle_offset = core.instret_offset = -self._engine.step & _ALL
        self._load_triggers({"selected": 0, "control": [0, 0], "address": [0, 0]})
        self._load_pmp([0] * lib.RISCV_PMP_ENTRIES, [0] * lib.RISCV_PMP_ENTRIES)
        core.raises = False
        core.time_offset = core.time_offset - lib.riscv_time_now(self._native) & _ALL
        start = {rv.UC_RISCV_REG_PRIV: bits.MACHINE, self._isa.pc: self._reset_address}
        self._engine.load_state([start.get(register, 0) for register in self._isa.state])

    def _load_triggers(self, state: State) -> None:
        core = self._core
        if state != self._triggers():
            core.trigger = state["selected"]
            core.trigger_control = state["control"]
            core.trigger_address = state["address"]
            lib.riscv_triggers_changed(self._native)

    def _triggers(self) -> State:
        core = self._core
        return {
            "selected": core.trigger,
            "control": list(core.trigger_control),
            "address": list(core.trigger_address),
        }

    def _load_pmp(self, config: list[int], address: list[int]) -> None:
        self._core.pmp_config = config
        self._core.pmp_address = address
        lib.riscv_enforce(self._native)

    def start_at(self, entry: int, sp: int) -> None:
        """After `reset`: begin at `entry` with this stack pointer, as hart 0."""
        self._engine.regs_write((_SP, self._isa.pc), (sp, entry))

    # What a board wires up ---------------------------------------------------------------------

    def mapped_devices(self) -> list[MappedUnit]:
        """None: timer and interrupt controller are devices of the board."""
        return []

    def set_line(self, number: int, level: bool) -> None:
        """Drive an interrupt input by its code: 3 MSIP, 7 MTIP, 9 SEIP, 11 MEIP."""
        lib.riscv_set_line(self._native, number, level)

    def native_line(self, number: int) -> None:
        """Boards connect their devices to an interrupt controller."""

    def set_nmi(self, level: bool) -> None:
        """The core has no such input."""

    # State -------------------------------------------------------------------------------------

    def save(self) -> State:
        core = self._core
        return {
            "interrupts": {name: getattr(core, name) for name in _INTERRUPTS},
            "counters": {name: getattr(core, name) for name in _COUNTERS},
            "pmp": {"config": list(core.pmp_config), "address": list(core.pmp_address)},
            "triggers": self._triggers(),
            "timebase": {"offset": core.time_offset},
        }

    def load(self, state: State) -> None:
        core = self._core
        for name in _INTERRUPTS:
            setattr(core, name, state["interrupts"][name])
        for name in _COUNTERS:
            setattr(core, name, state["counters"][name])
        self._load_triggers(state["triggers"])
        self._load_pmp(state["pmp"]["config"], state["pmp"]["address"])
        core.time_offset = state["timebase"]["offset"]
        core.raises = False

    def read_register(self, name: str) -> int:
        number = CSR_NUMBERS.get(name)
        if number is not None and lib.riscv_csr_look(self._native, number, self._value):
            return self._value[0]  # type: ignore[no-any-return]
        return self._engine.reg_read(UNICORN_IDS[name])

    def read_registers(self, names: tuple[str, ...]) -> list[int]:
        if CSR_NUMBERS.keys().isdisjoint(names):
            return self._engine.regs_read(tuple(UNICORN_IDS[name] for name in names))
        return [self.read_register(name) for name in names]

    def compared(self, name: str) -> tuple[int, int] | None:
        return compared(name)

    def write_register(self, name: str, value: int) -> None:
        """Write a register; those that software cannot write keep their value."""
        number = CSR_NUMBERS.get(name)
        if number is not None and lib.riscv_csr_look(self._native, number, self._value):
            lib.riscv_csr_change(self._native, number, value)
        elif name != "zero":
            self._engine.reg_write(UNICORN_IDS[name], value)

    # Pending traps and waiting -----------------------------------------------------------------

    def pending(self) -> int | None:
        """The number of a trap (`traps.INTERRUPT`)."""
        number = lib.riscv_pending(self._native)
        return None if number < 0 else number

    def is_raised(self, number: int) -> bool:
        """Its bit of mip is set (section "Machine Interrupt (mip and mie) Registers")."""
        return bool(self.read_register("mip") >> (number & ~traps.INTERRUPT) & 1)

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
        lib.riscv_enter(self._native, number)

    def exception_number(self) -> int:
        """The architecture does not remember which trap's handler runs."""
        return 0

    def wake(self) -> bool:
        """WFI ends when an interrupt is pending and enabled in mie, whatever mstatus and mideleg
        say (section "Wait for Interrupt")."""
        return bool(lib.riscv_wake(self._native))

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
        raw = self._stop
        raw.why, raw.pc, raw.code, raw.address = stop.reason, stop.pc, stop.code, stop.address
        return _AFTER[lib.riscv_stopped(self._native, raw)]
