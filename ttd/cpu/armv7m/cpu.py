"""The M-profile processor model: what happens when the engine stops.

Sections are those of DDI0403E (Armv7-M), part B; DDI0419C has the same for Armv6-M.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ttd.cpu.base import After, FaultLine, MappedUnit, Over, Register
from ttd.cpu.constants import arm_const as arm
from ttd.devices.base import Clock, Device
from ttd.engine import Engine, EngineFault, types
from ttd.engine._native import ffi, lib
from ttd.engine.registers import LineSink, line_sink
from ttd.engine.types import Access, EngineStop, StopReason
from ttd.state import State

from . import exceptions as exc
from . import fault_words, scs
from .core import new_core
from .dwt import CycleCounter, PpbUnit
from .profile import Profile
from .registers import GENERAL_IDS, UNICORN_IDS, compared
from .scs import SystemControlSpace

if TYPE_CHECKING:
    from .data_faults import DataAccess


class _Excp(IntEnum):
    """Unicorn's exception numbers (its target/arm/cpu.h); what is not here is undefined."""

    PREFETCH_ABORT = 3
    DATA_ABORT = 4
    BKPT = 7
    EXCEPTION_EXIT = 8
    NOCP = 17


_SEMIHOSTING = b"\xab\xbe"
_IPSR = 0x1FF
_T_BIT = 1 << 24
_IT_BITS = 0x0600FC00
_LOCKUP_ADDRESS = 0xFFFFFFFE

# What `armv7m_stopped` may say (core.h); the last is for us to find out.
_AFTER = (After.CONTINUE, After.RAISED, After.ENTERED, After.WAIT, None)

_RESET_WRITE = (
    arm.UC_ARM_REG_XPSR,
    arm.UC_ARM_REG_CONTROL,
    arm.UC_ARM_REG_XPSR,
    arm.UC_ARM_REG_CONTROL,
    arm.UC_ARM_REG_PRIMASK,
    arm.UC_ARM_REG_FAULTMASK,
    arm.UC_ARM_REG_BASEPRI,
    arm.UC_ARM_REG_MSP,
    arm.UC_ARM_REG_PSP,
    *GENERAL_IDS[:13],
    arm.UC_ARM_REG_LR,
    arm.UC_ARM_REG_XPSR,
    arm.UC_ARM_REG_PC,
)


class CortexM:
    """A Cortex-M core: the engine runs its instructions, and around them exceptions, sleep and
    the core's own registers are native (`native/`). Here is what is rare, and for people.

    Interrupts and other asynchronous exceptions are not taken inside an IT block, wherever a run
    was cut: Unicorn does not leave one at every store, so some could only come at its end.
    """

    gdb_architecture = "arm"
    word_size = 4
    link, stack = "lr", "sp"
    watch_after = False

    def __init__(
        self,
        profile: Profile,
        engine: Engine,
        clock: Clock,
        *,
        hz: int,
        reference_hz: int = 0,
        lines: int = 32,
        priority_bits: int | None = None,
        vtor: int = 0,
        semihosting: bool = True,
        on_reset_request: Callable[[], None] = lambda: None,
    ) -> None:
        """`hz`: core clock; `reference_hz`: SysTick's other clock, 0 for none; `priority_bits`:
        of each exception, None for as many as the profile has.

        `on_reset_request`: the guest wrote SYSRESETREQ.
        """
        self.registers: tuple[Register, ...] = profile.registers
        self._profile = profile
        self.triple = profile.triple
        self._engine = engine
        self.core: Any = new_core(
            engine,
            profile,
            lines=lines,
            priority_bits=priority_bits or profile.priority_bits,
            hz=hz,
            reference_hz=reference_hz,
        )
        """The state of all that is native (`native/api.h`)."""
        lib.armv7m_set_basepri_mask(engine.native, self.core.priority_mask)
        self.scs = SystemControlSpace(
            "scs",
            clock,
            self.core,
            profile=profile,
            vtor=vtor,
        )
        self.dwt = CycleCounter("dwt", clock, self.core)
        self._stop = ffi.new("ttd_stop *")
        self.semihosting = semihosting
        self.scs.on_reset_request = on_reset_request

    def reset(self) -> None:
        """B1.5.5 TakeReset(): everything to its reset value, SP and PC from the vector table."""
        self.scs.reset()
        self.dwt.reset()
        core = self.core
        core.synchronous = core.chained = core.lockup = core.event = False
        core.chain = 0
        core.waiting = lib.ARMV7M_AWAKE
        try:
            sp, entry = struct.unpack("<2I", self._engine.load(self.scs.vtor, 8, "reset"))
        except EngineFault:
            core.lockup = True
            sp, entry = 0, _LOCKUP_ADDRESS | 1
        # First a privileged handler, then thread mode on MSP, whatever the mode was before.
        leave_mode = (_T_BIT | exc.HARD_FAULT, 0, _T_BIT, 0)
        xpsr = _T_BIT if entry & 1 else 0
        self._engine.regs_write(
            _RESET_WRITE,
            (*leave_mode, 0, 0, 0, sp & ~3, 0, *([0] * 13), 0xFFFFFFFF, xpsr, entry & ~1),
        )
        self._engine.clear_exclusive()

    def start_at(self, entry: int, sp: int) -> None:
        """After `reset`: begin at `entry` on this main stack, for images without vectors."""
        self.core.lockup = False
        self._engine.regs_write(
            (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_MSP, arm.UC_ARM_REG_PC), (_T_BIT, sp, entry & ~1)
        )

    # What a board wires up -------------------------------------------------------------------

    def set_line(self, number: int, level: bool) -> None:
        """Drive the input of external interrupt `number`."""
        lib.armv7m_set_level(self.core, number, level)

    def native_line(self, number: int) -> LineSink:
        """Who drives that input natively."""
        return line_sink("armv7m_set_level", self.core, number)

    def set_nmi(self, level: bool) -> None:
        """Drive the NMI input; it is taken at its rising edge."""
        lib.armv7m_set_nmi(self.core, level)

    def mapped_devices(self) -> list[MappedUnit]:
        """The devices of the Private Peripheral Bus.

        They are saved and loaded like a board's devices; `CortexM.save` leaves them out.
        """
        if not self._profile.trace_units:
            return [MappedUnit(0xE000E000, self.scs.size, self.scs)]
        clock, engine = self.scs.clock, self._engine
        units: list[tuple[int, Device]] = [
            (0xE0000000, PpbUnit("itm", clock, engine)),
            (0xE0001000, self.dwt),
            (0xE0002000, PpbUnit("fpb", clock, engine)),
            (0xE000E000, self.scs),
            (0xE0040000, PpbUnit("tpiu", clock, engine)),
            (0xE00FF000, PpbUnit("rom-table", clock, engine)),
        ]
        return [MappedUnit(base, device.size, device) for base, device in units]

    # State -----------------------------------------------------------------------------------

    def save(self) -> State:
        core = self.core
        return {
            "flow": {
                "synchronous": core.synchronous,
                "chain": core.chain if core.chained else None,
                "lockup": core.lockup,
                "event": core.event,
            },
            "waiting": core.waiting,
            "nmi": core.nmi_level,
        }

    def load(self, state: State) -> None:
        core, flow = self.core, state["flow"]
        core.synchronous = flow["synchronous"]
        core.chained = flow["chain"] is not None
        core.chain = flow["chain"] or 0
        core.lockup = flow["lockup"]
        core.event = flow["event"]
        core.waiting = state["waiting"]
        core.nmi_level = state["nmi"]

    def read_register(self, name: str) -> int:
        return self._engine.reg_read(UNICORN_IDS[name])

    def read_registers(self, names: tuple[str, ...]) -> list[int]:
        return self._engine.regs_read(tuple(UNICORN_IDS[name] for name in names))

    def compared(self, name: str) -> tuple[int, int] | None:
        """Of XPSR without the state of IT blocks (DDI0403E A7.3.2): each step inside changes it."""
        return compared(name)

    def write_register(self, name: str, value: int) -> None:
        """Write a register as GDB means it; PC without the Thumb bit."""
        register = UNICORN_IDS[name]
        if name == "control":
            # nPRIV has to be given up before SPSEL can be written.
            self._engine.regs_write((register, register), (0, value))
        elif name == "pc":
            self._engine.reg_write(register, value & ~1)
        elif name == "xpsr":
            # Another exception number would be another mode; to go there takes an exception.
            number = self._engine.reg_read(register) & _IPSR
            self._engine.reg_write(register, value & ~_IPSR | number)
        else:
            self._engine.reg_write(register, value)

    # Pending exceptions and sleep ------------------------------------------------------------

    def pending(self) -> int | None:
        number: int = lib.armv7m_pending(self.core)
        return None if number < 0 else number

    def exception_number(self) -> int:
        """IPSR: the exception whose handler runs, 0 in thread mode."""
        return self._engine.reg_read(arm.UC_ARM_REG_XPSR) & _IPSR

    def translate(self, address: int) -> int | None:
        return address

    def page_tables(self) -> None:
        """There are none."""

    def is_raised(self, number: int) -> bool:
        """It is pending, or its line is high (B3.4.1)."""
        table = self.scs.table
        return bool((table.pending | table.levels) >> number & 1)

    @staticmethod
    def is_asynchronous(number: int) -> bool:
        """True for NMI, PendSV, SysTick and external interrupts (B1.5.1)."""
        return number == exc.NMI or number >= exc.PENDSV

    @staticmethod
    def is_call(number: int) -> bool:
        """SVC; nothing else is taken where an instruction wants it."""
        return number == exc.SVCALL

    def exception_name(self, number: int) -> str:
        return exc.name(number)

    def handles_fault(self) -> bool:
        return exc.HARD_FAULT <= self.exception_number() <= exc.USAGE_FAULT

    def faults(self) -> list[FaultLine]:
        return fault_words.faults(self.scs, registers=self._profile.mainline)

    def enter(self, number: int) -> None:
        lib.armv7m_enter(self.core, number)

    def wake(self) -> bool:
        return bool(lib.armv7m_wake(self.core))

    # Stops -----------------------------------------------------------------------------------

    def stopped(self, stop: EngineStop) -> After | Over:
        raw = self._stop
        raw.why, raw.pc, raw.code = stop.reason, stop.pc, stop.code
        raw.returns, raw.behind = stop.returns, stop.behind
        after = _AFTER[lib.armv7m_stopped(self.core, raw)]
        if after is None and not self.core.lockup:
            after = self._caused(stop)
        return self._locked_up() if after is None or self.core.lockup else after

    def _caused(self, stop: EngineStop) -> After:
        """What an instruction has caused that the native side leaves to us."""
        match stop.reason:
            case StopReason.EXCEPTION:
                return self._exception(stop)
            case StopReason.FAULT:
                fetch = stop.code == Access.FETCH
                return self._fetch_fault(stop.pc) if fetch else self._data_fault(stop)
            case StopReason.INVALID:
                return self._invalid(stop.pc)
        return After.CONTINUE

    def _locked_up(self) -> Over:
        return Over(f"the CPU locked up at {self._engine.reg_read(arm.UC_ARM_REG_PC):#010x}")

    def _exception(self, stop: EngineStop) -> After:
        match stop.code:
            case types.EXCEPTION_DIVIDE:
                return self._raise(exc.USAGE_FAULT, scs.DIVBYZERO)
            case _Excp.PREFETCH_ABORT | _Excp.EXCEPTION_EXIT:
                return self._fetch_fault(stop.pc)
            case _Excp.DATA_ABORT:
                if not self._profile.mainline:
                    return self._raise(exc.USAGE_FAULT, scs.UNALIGNED)
                return self._data_fault(stop)
            case _Excp.BKPT:
                return self._breakpoint(stop.pc)
            case _Excp.NOCP:
                return self._raise(exc.USAGE_FAULT, scs.NOCP)
        return self._undefined()

    def _raise(self, number: int, status: int = 0) -> After:
        lib.armv7m_raise(self.core, number, status)
        return After.RAISED

    def _breakpoint(self, pc: int) -> After:
        """C1.6.1 and B1.5.14: without a debugger, DebugMonitor or HardFault."""
        if self.semihosting and self._engine.read(pc, 2) == _SEMIHOSTING:
            return After.SEMIHOST
        self.scs.dfsr |= scs.DFSR_BKPT
        priority = lib.armv7m_execution_priority(self.core, False)
        if lib.armv7m_can_preempt(self.core, exc.DEBUG_MONITOR, priority):
            return self._raise(exc.DEBUG_MONITOR)
        lib.armv7m_raise_hard_fault(self.core, scs.DEBUGEVT)
        return After.RAISED

    def _invalid(self, pc: int) -> After:
        """Undefined instructions, and ARM state."""
        if not self._engine.reg_read(arm.UC_ARM_REG_XPSR) & _T_BIT:
            if not self._engine.accessible(pc, Access.FETCH):
                return self._fetch_fault(pc)
            return self._raise(exc.USAGE_FAULT, scs.INVSTATE)
        return self._undefined()

    def _undefined(self) -> After:
        return self._raise(exc.USAGE_FAULT, scs.UNDEFINSTR)

    def _fetch_fault(self, pc: int) -> After:
        """A fetch that is not answered, or not allowed (B1.5.14)."""
        bad = pc if not self._engine.accessible(pc, Access.FETCH) else pc + 2
        if self._engine.denies(bad, Access.FETCH):
            return self._raise(exc.MEM_MANAGE, scs.IACCVIOL)
        return self._raise(exc.BUS_FAULT, scs.IBUSERR)

    def _data_fault(self, stop: EngineStop) -> After:
        """B1.5.14: MemManage if the MPU forbids it, UsageFault if unaligned, else BusFault."""
        engine = self._engine
        if stop.code & types.UNALIGNED:
            return self._raise(exc.USAGE_FAULT, scs.UNALIGNED)
        registers = engine.regs_read(GENERAL_IDS)
        from .data_faults import data_access  # noqa: PLC0415 -- for faults only

        access = data_access(engine.read(stop.pc, 4), stop.pc, registers.__getitem__)
        if access is not None and (access.unaligned or self._device_unaligned(access)):
            return self._raise(exc.USAGE_FAULT, scs.UNALIGNED)
        if stop.exact or access is None:
            kind, address = Access(stop.code), stop.address
        else:
            kind = access.kind
            bad = access.first_bad(engine.accessible)
            address = access.address if bad is None else bad
        if engine.denies(address, kind):
            self.scs.mmfar = address
            return self._raise(exc.MEM_MANAGE, scs.DACCVIOL | scs.MMARVALID)
        self.scs.bfar = address
        status = scs.PRECISERR | scs.BFARVALID
        ignores = self.scs.ccr & scs.BFHFNMIGN
        if ignores and lib.armv7m_execution_priority(self.core, False) < 0:
            # The access is ignored (B3.2.8): its instruction retires, as a step of its own.
            self.scs.cfsr |= status
            self.skip_instruction()
            return After.ENTERED
        return self._raise(exc.BUS_FAULT, status)

    def _device_unaligned(self, access: DataAccess) -> bool:
        """A3.2.1: Device memory (B3.1, table B3-1) takes no unaligned accesses."""
        address = access.address
        device = 0x40000000 <= address < 0x60000000 or address >= 0xA0000000
        return (
            device
            and address % min(access.size, 4) != 0
            and self._engine.accessible(address, access.kind)
        )

    def call_arguments(self) -> tuple[int, int]:
        number, parameter = self._engine.regs_read(GENERAL_IDS[:2])
        return number, parameter

    def call_result(self, value: int) -> None:
        self._engine.reg_write(GENERAL_IDS[0], value)

    def skip_instruction(self) -> None:
        """Go on after the instruction at PC, as if it had done nothing (semihosting calls)."""
        xpsr, pc = self._engine.regs_read((arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC))
        wide = self._engine.read(pc, 2)[1] >> 3 >= 0x1D
        it = xpsr >> 8 & 0xFC | xpsr >> 25 & 3
        it = it & 0xE0 | it << 1 & 0x1F if it & 7 else 0  # A7.3.3 ITAdvance()
        xpsr = xpsr & ~_IT_BITS | (it & 0xFC) << 8 | (it & 3) << 25
        self._engine.regs_write(
            (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC), (xpsr, pc + (4 if wide else 2))
        )
