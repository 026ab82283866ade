"""The M-profile processor model: what happens when the engine stops.

Sections are those of DDI0403E (Armv7-M), part B; DDI0419C has the same for Armv6-M.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from unicorn import arm_const as arm

from ttd.cpu.base import After, FaultLine, MappedUnit, Over, Register
from ttd.devices.base import Clock, Device, Timebase
from ttd.engine import EngineFault, types
from ttd.engine.types import Access, EngineStop, StopReason
from ttd.state import State

from . import exceptions as exc
from . import fault_words, scs
from .access import ArmCore
from .dwt import CycleCounter, PpbUnit
from .exceptions import ExceptionTable
from .flow import IPSR, IT_BITS, LOCKUP_ADDRESS, T_BIT, ExceptionFlow
from .mpu import Mpu
from .profile import Profile
from .registers import GENERAL_IDS, UNICORN_IDS
from .scs import SystemControlSpace
from .systick import SysTick

if TYPE_CHECKING:
    from .data_faults import DataAccess


class _Excp(IntEnum):
    """Unicorn's exception numbers (its target/arm/cpu.h); what is not here is undefined."""

    SWI = 2
    PREFETCH_ABORT = 3
    DATA_ABORT = 4
    BKPT = 7
    EXCEPTION_EXIT = 8
    NOCP = 17


_SEMIHOSTING = b"\xab\xbe"
_WFE = (b"\x20\xbf", b"\xaf\xf3\x02\x80")
_YIELD = (b"\x10\xbf", b"\xaf\xf3\x01\x80")
_SEV = (b"\x40\xbf", b"\xaf\xf3\x04\x80")

_AWAKE, _WAIT_INTERRUPT, _WAIT_EVENT = 0, 1, 2

_PENDING_READ = (
    arm.UC_ARM_REG_PRIMASK,
    arm.UC_ARM_REG_FAULTMASK,
    arm.UC_ARM_REG_BASEPRI,
    arm.UC_ARM_REG_XPSR,
)
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
    """A Cortex-M core: the engine runs its instructions, everything around them is here.

    Interrupts and other asynchronous exceptions are not taken inside an IT block: the engine
    cannot stop there, so where one was noticed would depend on how the run was sliced.
    """

    gdb_architecture = "arm"
    word_size = 4
    watch_after = False
    timebase: Timebase | None = None

    def __init__(
        self,
        profile: Profile,
        engine: ArmCore,
        clock: Clock,
        *,
        hz: int,
        reference_hz: int = 0,
        lines: int = 32,
        priority_bits: int | None = None,
        vtor: int = 0,
        semihosting: bool = True,
        on_change: Callable[[], None] = lambda: None,
        on_reset_request: Callable[[], None] = lambda: None,
    ) -> None:
        """`hz`: core clock; `reference_hz`: SysTick's other clock, 0 for none; `priority_bits`:
        of each exception, None for as many as the profile has.

        `on_change` is called when `pending` has to be asked before the next instruction: the
        instruction under way, if any, has to be the last of the engine's run.
        `on_reset_request`: the guest wrote SYSRESETREQ.
        """
        self.registers: tuple[Register, ...] = profile.registers
        self._profile = profile
        self.triple = profile.triple
        self._engine = engine
        self._table = ExceptionTable(lines, priority_bits or profile.priority_bits)
        engine.set_priority_mask(self._table.priority_mask)
        self.scs = SystemControlSpace(
            "scs",
            clock,
            engine,
            profile=profile,
            table=self._table,
            systick=SysTick(clock, hz, reference_hz),
            mpu=Mpu(engine, profile.mpu_regions),
            vtor=vtor,
        )
        self.dwt = CycleCounter("dwt", clock, engine, hz)
        self._flow = ExceptionFlow(engine, self.scs, profile)
        self.semihosting = semihosting
        self.waiting = _AWAKE
        self.nmi_level = False
        self._table.on_pend = self._pended
        self._table.on_change = on_change
        self.scs.on_reset_request = on_reset_request

    def reset(self) -> None:
        """B1.5.5 TakeReset(): everything to its reset value, SP and PC from the vector table."""
        self.scs.reset()
        self.dwt.reset()
        self._flow.reset()
        self.waiting = _AWAKE
        try:
            sp, entry = struct.unpack("<2I", self._engine.load(self.scs.vtor, 8, "reset"))
        except EngineFault:
            self._flow.lockup = True
            sp, entry = 0, LOCKUP_ADDRESS | 1
        # First a privileged handler, then thread mode on MSP, whatever the mode was before.
        leave_mode = (T_BIT | exc.HARD_FAULT, 0, T_BIT, 0)
        xpsr = T_BIT if entry & 1 else 0
        self._engine.regs_write(
            _RESET_WRITE,
            (*leave_mode, 0, 0, 0, sp & ~3, 0, *([0] * 13), 0xFFFFFFFF, xpsr, entry & ~1),
        )
        self._engine.clear_exclusive()
        self._engine.watch_masks = False

    def start_at(self, entry: int, sp: int) -> None:
        """After `reset`: begin at `entry` on this main stack, for images without vectors."""
        self._flow.lockup = False
        self._engine.regs_write(
            (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_MSP, arm.UC_ARM_REG_PC), (T_BIT, sp, entry & ~1)
        )

    # What a board wires up -------------------------------------------------------------------

    def set_line(self, number: int, level: bool) -> None:
        """Drive the input of external interrupt `number`."""
        self._table.set_level(number, level)

    def set_nmi(self, level: bool) -> None:
        """Drive the NMI input; it is taken at its rising edge."""
        if level and not self.nmi_level:
            self._table.pend(1 << exc.NMI)
        self.nmi_level = level

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
        return {"flow": self._flow.save(), "waiting": self.waiting, "nmi": self.nmi_level}

    def load(self, state: State) -> None:
        self._flow.load(state["flow"])
        self.waiting = state["waiting"]
        self.nmi_level = state["nmi"]
        self._engine.watch_masks = False  # the next `pending()` knows

    def read_register(self, name: str) -> int:
        return self._engine.reg_read(UNICORN_IDS[name])

    def read_registers(self, names: tuple[str, ...]) -> list[int]:
        return self._engine.regs_read(tuple(UNICORN_IDS[name] for name in names))

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
            number = self._engine.reg_read(register) & IPSR
            self._engine.reg_write(register, value & ~IPSR | number)
        else:
            self._engine.reg_write(register, value)

    # Pending exceptions and sleep ------------------------------------------------------------

    def pending(self) -> int | None:
        table, engine, flow = self._table, self._engine, self._flow
        if not table.takeable or flow.lockup:
            engine.watch_masks = False
            return None
        primask, faultmask, basepri, xpsr = engine.regs_read(_PENDING_READ)
        if table.top_group >= table.execution_priority(primask & 1, faultmask & 1, basepri):
            engine.watch_masks = True
            return None
        engine.watch_masks = False
        if xpsr & IT_BITS and not flow.synchronous:
            return None  # the machine sees `single_step` and goes step by step
        return table.top

    def about_to_run(self) -> None:
        """SysTick and the cycle counter are devices: nothing to tell."""

    def single_step(self) -> bool:
        """The instruction at PC belongs to an IT block; only after faults and returns.

        Interrupts wait for its end, wherever a run may have been cut.
        """
        return bool(self._engine.reg_read(arm.UC_ARM_REG_XPSR) & IT_BITS)

    def exception_number(self) -> int:
        """IPSR: the exception whose handler runs, 0 in thread mode."""
        return self._engine.reg_read(arm.UC_ARM_REG_XPSR) & IPSR

    def translate(self, address: int) -> int | None:
        return address

    def page_tables(self) -> None:
        """There are none."""

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
        self.waiting = _AWAKE
        self._flow.enter(number)

    def wake(self) -> bool:
        """B1.5.18, B1.5.19: PRIMASK does not keep WFI asleep."""
        if self.waiting == _WAIT_EVENT and self._flow.event:
            self._flow.event = False
            self.waiting = _AWAKE
        elif self.waiting and self._table.takeable:
            ignore = self.waiting == _WAIT_INTERRUPT
            if self._table.top_group < self._flow.execution_priority(ignore_primask=ignore):
                self.waiting = _AWAKE
        return not self.waiting

    def _pended(self) -> None:
        """SCR.SEVONPEND: pending is an event, enabled or not (B1.5.18)."""
        if self.scs.scr & scs.SEVONPEND:
            self._flow.event = True

    def _sleep(self, how: int) -> After:
        self.waiting = how
        return After.CONTINUE if self.wake() else After.WAIT

    # Stops -----------------------------------------------------------------------------------

    def stopped(self, stop: EngineStop) -> After | Over:
        if self._flow.lockup:
            return self._locked_up()
        if self.unfinished(stop):
            after = self._return(stop.pc)
            return self._locked_up() if self._flow.lockup else after
        match stop.reason:
            case StopReason.WAIT:
                return self._sleep(_WAIT_INTERRUPT)
            case StopReason.EXCEPTION:
                after = self._exception(stop)
            case StopReason.FAULT:
                fetch = stop.code == Access.FETCH
                after = self._fetch_fault(stop.pc) if fetch else self._data_fault(stop)
            case StopReason.INVALID:
                after = self._invalid(stop.pc)
            case _:
                after = After.CONTINUE
        return self._locked_up() if self._flow.lockup else after

    def unfinished(self, stop: EngineStop) -> bool:
        """A branch to EXC_RETURN: the return belongs to the instruction that made it.

        To everything else such an address is one that cannot be fetched from: to a vector, and to
        branches that do not return from exceptions.
        """
        return stop.returns and self.exception_number() != 0

    def _return(self, pc: int) -> After:
        """B1.5.8. A branch took the low bit of EXC_RETURN into EPSR.T."""
        thumb = self._engine.reg_read(arm.UC_ARM_REG_XPSR) & T_BIT
        sleeps = self._flow.leave(pc | (1 if thumb else 0))
        return self._sleep(_WAIT_INTERRUPT) if sleeps else After.CONTINUE

    def _locked_up(self) -> Over:
        return Over(f"the CPU locked up at {self._engine.reg_read(arm.UC_ARM_REG_PC):#010x}")

    def _exception(self, stop: EngineStop) -> After:
        match stop.code:
            case types.EXCEPTION_DIVIDE:
                return self._raise(exc.USAGE_FAULT, scs.DIVBYZERO)
            case _Excp.SWI:  # PC is after it: the exception is a step of its own
                self._raise(exc.SVCALL)
                return After.CONTINUE
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
        self._flow.raise_synchronous(number, status)
        return After.RAISED

    def _breakpoint(self, pc: int) -> After:
        """C1.6.1 and B1.5.14: without a debugger, DebugMonitor or HardFault."""
        if self.semihosting and self._engine.read(pc, 2) == _SEMIHOSTING:
            return After.SEMIHOST
        self.scs.dfsr |= scs.DFSR_BKPT
        if self._table.can_preempt(exc.DEBUG_MONITOR, self._flow.execution_priority()):
            return self._raise(exc.DEBUG_MONITOR)
        self._flow.raise_hard_fault(scs.DEBUGEVT)
        return After.RAISED

    def _invalid(self, pc: int) -> After:
        """Undefined instructions, ARM state, and the hints that Unicorn stops after."""
        if not self._engine.reg_read(arm.UC_ARM_REG_XPSR) & T_BIT:
            if not self._engine.accessible(pc, Access.FETCH):
                return self._fetch_fault(pc)
            return self._raise(exc.USAGE_FAULT, scs.INVSTATE)
        from .data_faults import is_defined  # noqa: PLC0415 -- brings a disassembler

        if is_defined(self._engine.read(pc, 4), baseline=not self._profile.mainline):
            if self._is_before(pc, _YIELD):
                return After.CONTINUE
            if length := self._is_before(pc, _WFE):
                return self._wait_for_event(pc - length)
        return self._undefined()

    def _undefined(self) -> After:
        return self._raise(exc.USAGE_FAULT, scs.UNDEFINSTR)

    def _is_before(self, pc: int, encodings: tuple[bytes, bytes]) -> int:
        """Length of the instruction before `pc` if it is one of these, else 0."""
        for code in encodings:
            if self._engine.read(pc - len(code), len(code)) == code:
                return len(code)
        return 0

    def _wait_for_event(self, pc: int) -> After:
        """WFE at `pc`. SEV runs unseen; a SEV right before it is what programs use to empty
        the event register."""
        if self._flow.event or self._is_before(pc, _SEV):
            self._flow.event = False
            return After.CONTINUE
        return self._sleep(_WAIT_EVENT)

    def _fetch_fault(self, pc: int) -> After:
        """A fetch that is not answered, or not allowed (B1.5.14)."""
        bad = pc if not self._engine.accessible(pc, Access.FETCH) else pc + 2
        if self._engine.mpu_denies(bad, Access.FETCH):
            return self._raise(exc.MEM_MANAGE, scs.IACCVIOL)
        return self._raise(exc.BUS_FAULT, scs.IBUSERR)

    def _data_fault(self, stop: EngineStop) -> After:
        """B1.5.14: MemManage if the MPU forbids it, UsageFault if unaligned, else BusFault."""
        engine = self._engine
        if stop.code & types.UNALIGNED:
            return self._raise(exc.USAGE_FAULT, scs.UNALIGNED)
        registers = engine.regs_read(GENERAL_IDS)
        from .data_faults import data_access  # noqa: PLC0415 -- as above

        access = data_access(engine.read(stop.pc, 4), stop.pc, registers.__getitem__)
        if access is not None and (access.unaligned or self._device_unaligned(access)):
            return self._raise(exc.USAGE_FAULT, scs.UNALIGNED)
        if stop.exact or access is None:
            kind, address = Access(stop.code), stop.address
        else:
            kind = access.kind
            bad = access.first_bad(engine.accessible)
            address = access.address if bad is None else bad
        if engine.mpu_denies(address, kind):
            self.scs.mmfar = address
            return self._raise(exc.MEM_MANAGE, scs.DACCVIOL | scs.MMARVALID)
        self.scs.bfar = address
        status = scs.PRECISERR | scs.BFARVALID
        if self.scs.ccr & scs.BFHFNMIGN and self._flow.execution_priority() < 0:
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
        xpsr = xpsr & ~IT_BITS | (it & 0xFC) << 8 | (it & 3) << 25
        self._engine.regs_write(
            (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC), (xpsr, pc + (4 if wide else 2))
        )
