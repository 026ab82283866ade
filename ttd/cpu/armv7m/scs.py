"""The System Control Space: SCB, SysTick, NVIC, MPU and debug registers (DDI0403E B3.2 to B3.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from unicorn import arm_const as arm

from ttd.devices.base import BusError, Clock, Device, Steady
from ttd.state import State

from . import exceptions as exc
from . import mpu
from .access import ArmCore
from .exceptions import FIRST_IRQ, ExceptionTable
from .mpu import Mpu
from .profile import Profile
from .systick import SysTick

# SCR (B3.2.7)
SLEEPONEXIT, SEVONPEND = 1 << 1, 1 << 4
_SCR_MASK = 0x16
# CCR (B3.2.8)
NONBASETHRDENA, USERSETMPEND = 1 << 0, 1 << 1
UNALIGN_TRP, DIV_0_TRP = 1 << 3, 1 << 4
BFHFNMIGN, STKALIGN = 1 << 8, 1 << 9
_CCR_MASK = 0x31B
# CFSR (B3.2.15)
IACCVIOL, DACCVIOL, MUNSTKERR, MSTKERR, MMARVALID = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 7
IBUSERR, PRECISERR, UNSTKERR, STKERR, BFARVALID = 1 << 8, 1 << 9, 1 << 11, 1 << 12, 1 << 15
UNDEFINSTR, INVSTATE, INVPC, NOCP = 1 << 16, 1 << 17, 1 << 18, 1 << 19
UNALIGNED, DIVBYZERO = 1 << 24, 1 << 25
# HFSR (B3.2.16)
VECTTBL, FORCED, DEBUGEVT = 1 << 1, 1 << 30, 1 << 31
# DFSR (C1.6.1)
DFSR_BKPT = 1 << 1
# DEMCR (C1.6.5)
MON_EN, MON_PEND, TRCENA = 1 << 16, 1 << 17, 1 << 24
_DEMCR_MASK = 0x010D07F1

_VECTKEY = 0x05FA
_VTOR_MASK = 0x3FFFFF80  # TBLOFF and TBLBASE of the Cortex-M3
_ACTLR_MASK = 0x7


class Reg:
    """Offsets of the registers (B3.2.2, B3.3.2, B3.4.3, C1.6)."""

    ICTR, ACTLR = 0x004, 0x008
    SYST_CSR, SYST_RVR, SYST_CVR, SYST_CALIB = 0x010, 0x014, 0x018, 0x01C
    ISER, ICER, ISPR, ICPR, IABR, IPR = 0x100, 0x180, 0x200, 0x280, 0x300, 0x400
    CPUID, ICSR, VTOR, AIRCR, SCR, CCR = 0xD00, 0xD04, 0xD08, 0xD0C, 0xD10, 0xD14
    SHPR, SHCSR, CFSR, HFSR = 0xD18, 0xD24, 0xD28, 0xD2C
    DFSR, MMFAR, BFAR = 0xD30, 0xD34, 0xD38
    DCRDR, DEMCR = 0xDF8, 0xDFC
    STIR = 0xF00


_IPR_END, _SHPR_END = 0x5F0, 0xD24
_SHPR_NUMBERS = (4, 5, 6, 11, 12, 14, 15)
_SHPR_NUMBERS_V6M = (11, 14, 15)

_ARMV6M = frozenset(
    {
        *(Reg.SYST_CSR, Reg.SYST_RVR, Reg.SYST_CVR, Reg.SYST_CALIB),
        *(Reg.ISER, Reg.ICER, Reg.ISPR, Reg.ICPR, *range(Reg.IPR, Reg.IPR + 32, 4)),
        *(Reg.ICSR, Reg.AIRCR, Reg.SCR, Reg.CCR, Reg.SHPR + 4, Reg.SHPR + 8),
    }
)
"""The words that an Armv6-M core has beside CPUID (DDI0419C, B3.2 to B3.4)."""

# SHCSR (B3.2.13): bit of the register, exception number.
_SHCSR_ACTIVE = ((0, 4), (1, 5), (3, 6), (7, 11), (8, 12), (10, 14), (11, 15))
_SHCSR_PENDING = ((12, 6), (13, 4), (14, 5), (15, 11))
_SHCSR_ENABLED = ((16, 4), (17, 5), (18, 6))


def _gather(bits: tuple[tuple[int, int], ...], numbers: int) -> int:
    return sum((numbers >> number & 1) << bit for bit, number in bits)


def _scatter(bits: tuple[tuple[int, int], ...], value: int) -> tuple[int, int]:
    """Exception sets of the bits that are one, and of those that are zero."""
    ones = sum(1 << number for bit, number in bits if value >> bit & 1)
    return ones, sum(1 << number for _, number in bits) & ~ones


class SystemControlSpace(Device):
    """0xE000E000..0xE000EFFF: the register interface of the exception model.

    Registers are words; IPRn, SHPRn and CFSR may also be accessed by byte and halfword (B3.1.1).
    Narrow reads of others return the part of the word, narrow writes are ignored. Unprivileged
    accesses get a bus error, but for STIR when CCR.USERSETMPEND allows it.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "vtor",
        "scr",
        "ccr",
        "cfsr",
        "hfsr",
        "dfsr",
        "mmfar",
        "bfar",
        "actlr",
        "demcr",
        "dcrdr",
    )

    def __init__(
        self,
        name: str,
        clock: Clock,
        engine: ArmCore,
        *,
        profile: Profile,
        table: ExceptionTable,
        systick: SysTick,
        mpu: Mpu,
        vtor: int,
    ) -> None:
        super().__init__(name, clock)
        self._profile = profile
        self._system_handlers = _SHPR_NUMBERS if profile.mainline else _SHPR_NUMBERS_V6M
        self._engine = engine
        self.table = table
        self.systick = systick
        self.mpu = mpu
        self._initial_vtor = vtor
        self.on_reset_request: Callable[[], None] = lambda: None
        """Called when AIRCR.SYSRESETREQ is written (B3.2.6)."""
        self._clear()

    def _clear(self) -> None:
        self.vtor = self._initial_vtor
        self.scr = 0
        self.ccr = STKALIGN  # Cortex-M3 from r2p0 on
        self.cfsr = self.hfsr = self.dfsr = 0
        self.mmfar = self.bfar = 0
        self.actlr = 0
        self.demcr = 0
        self.dcrdr = 0

    def _set_traps(self) -> None:
        self._engine.set_traps(
            divide=bool(self.ccr & DIV_0_TRP), unaligned=bool(self.ccr & UNALIGN_TRP)
        )

    def reset(self) -> None:
        self._clear()
        self._set_traps()
        self.table.reset()
        self.systick.reset()
        self.mpu.reset()
        self.clock.rearm()

    def save(self) -> State:
        return {
            **super().save(),
            "exceptions": self.table.save(),
            "systick": self.systick.save(),
            "mpu": self.mpu.save(),
        }

    def load(self, state: State) -> None:
        super().load(state)
        self.table.load(state["exceptions"])
        self.systick.load(state["systick"])
        self.mpu.load(state["mpu"])
        self._set_traps()

    # Time ------------------------------------------------------------------------------------

    def deadline(self) -> int | None:
        return self.systick.deadline()

    def expire(self) -> None:
        self._catch_up()

    def _catch_up(self) -> None:
        if self.systick.catch_up():
            self.table.pend(1 << exc.SYSTICK)

    # Access ----------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> int:
        if not self._engine.access_privileged():
            raise BusError
        self._catch_up()
        return self._part(offset, size)

    def steady(self, offset: int) -> Steady | None:
        return self.systick.steady() if offset == Reg.SYST_CVR else None

    def peek(self, offset: int, size: int) -> int:
        saved: dict[str, Any] = self.systick.save()
        self.systick.catch_up()
        value = self._part(offset, size)
        self.systick.load(saved)
        return value

    def _has(self, offset: int) -> bool:
        """Does the core have the register at this word? What it has not reads as zero."""
        return self._profile.mainline or offset in _ARMV6M

    def _part(self, offset: int, size: int) -> int:
        word = self._read_word(offset & ~3)
        return word >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        allowed = offset == Reg.STIR and self.ccr & USERSETMPEND
        if not allowed and not self._engine.access_privileged():
            raise BusError
        if not self._has(offset & ~3):
            return
        self._catch_up()
        if Reg.IPR <= offset < _IPR_END or Reg.SHPR <= offset < _SHPR_END:
            for at in range(offset, offset + size):
                self._write_priority(at, value & 0xFF)
                value >>= 8
        elif size == 4:
            self._write_word(offset, value)
        elif offset & ~3 == Reg.CFSR:
            self.cfsr &= ~(value << 8 * (offset & 3))

    def _priority_number(self, at: int) -> int | None:
        """The exception whose priority byte is at this offset."""
        if at < _IPR_END:
            number = FIRST_IRQ + at - Reg.IPR
            return number if number < self.table.count else None
        number = 4 + at - Reg.SHPR
        return number if number in self._system_handlers else None

    def _write_priority(self, at: int, value: int) -> None:
        number = self._priority_number(at)
        if number is not None:
            self.table.set_priority(number, value)

    def _read_word(self, offset: int) -> int:
        table = self.table
        constant = self._profile.identification.get(offset)
        if constant is not None:
            return constant
        if not self._has(offset):
            return 0
        if Reg.ISER <= offset < Reg.IPR:
            return self._irq_word(offset)
        if Reg.IPR <= offset < _IPR_END or Reg.SHPR <= offset < _SHPR_END:
            numbers = [self._priority_number(offset + i) for i in range(4)]
            return sum(table.priority[n] << 8 * i for i, n in enumerate(numbers) if n is not None)
        if mpu.TYPE <= offset < mpu.END:
            return self.mpu.read(offset)
        match offset:
            case Reg.ICTR:
                return (table.lines + 31) // 32 - 1
            case Reg.ACTLR:
                return self.actlr
            case Reg.SYST_CSR:
                return self.systick.read_csr()
            case Reg.SYST_RVR:
                return self.systick.reload
            case Reg.SYST_CVR:
                return self.systick.read_cvr()
            case Reg.SYST_CALIB:
                return self.systick.read_calib()
            case Reg.ICSR:
                return self._icsr()
            case Reg.VTOR:
                return self.vtor
            case Reg.AIRCR:  # AIRCR: the key reads back inverted
                return (_VECTKEY ^ 0xFFFF) << 16 | table.prigroup << 8
            case Reg.SCR:
                return self.scr
            case Reg.CCR:
                # Armv6-M: unaligned accesses trap, whatever is written (DDI0419C B3.2.8).
                return self.ccr if self._profile.mainline else STKALIGN | UNALIGN_TRP
            case Reg.SHCSR:
                return (
                    _gather(_SHCSR_ACTIVE, table.active)
                    | _gather(_SHCSR_PENDING, table.pending)
                    | _gather(_SHCSR_ENABLED, table.enabled)
                )
            case Reg.CFSR:
                return self.cfsr
            case Reg.HFSR:
                return self.hfsr
            case Reg.DFSR:
                return self.dfsr
            case Reg.MMFAR:
                return self.mmfar
            case Reg.BFAR:
                return self.bfar
            case Reg.DCRDR:
                return self.dcrdr
            case Reg.DEMCR:
                pending = table.pending >> exc.DEBUG_MONITOR & 1
                return self.demcr | (MON_PEND if pending else 0)
        return 0

    def _irq_word(self, offset: int) -> int:
        """ISER, ICER, ISPR, ICPR, IABR: 32 interrupts of one of the sets."""
        table = self.table
        mask = ((1 << table.lines) - 1) << FIRST_IRQ
        if offset < Reg.ISPR:
            numbers = table.enabled
        elif offset < Reg.IABR:
            numbers = table.pending
        else:
            numbers = table.active
        return (numbers & mask) >> (FIRST_IRQ + (offset & 0x7F) // 4 * 32) & 0xFFFFFFFF

    def _icsr(self) -> int:
        """B3.2.4. VECTPENDING looks at priorities, not at the masks."""
        table = self.table
        vectactive = self._engine.reg_read(arm.UC_ARM_REG_XPSR) & 0x1FF
        others = table.active & ~(1 << vectactive) or not self._profile.mainline
        return (
            vectactive
            | (1 << 11 if not others else 0)  # RETTOBASE
            | table.top << 12
            | (1 << 22 if table.irqs_pending() else 0)
            | (table.pending >> exc.SYSTICK & 1) << 26
            | (table.pending >> exc.PENDSV & 1) << 28
            | (table.pending >> exc.NMI & 1) << 31
        )

    def _write_word(self, offset: int, value: int) -> None:
        table = self.table
        if Reg.ISER <= offset < Reg.IABR:
            self._write_irq_word(offset, value)
            return
        if mpu.TYPE <= offset < mpu.END:
            self.mpu.write(offset, value)
            table.on_change()  # the next instruction already runs under the new regions
            return
        match offset:
            case Reg.ACTLR:
                self.actlr = value & _ACTLR_MASK
            case Reg.SYST_CSR:
                self.systick.write_csr(value)
                self.clock.rearm()
            case Reg.SYST_RVR:
                self.systick.write_rvr(value)
                self.clock.rearm()
            case Reg.SYST_CVR:
                self.systick.write_cvr()
                self.clock.rearm()
            case Reg.ICSR:
                self._write_icsr(value)
            case Reg.VTOR:
                self.vtor = value & _VTOR_MASK
            case Reg.AIRCR:
                # VECTCLRACTIVE and VECTRESET are for a debugger with the core halted (B3.2.6).
                if value >> 16 == _VECTKEY:
                    if self._profile.mainline:
                        table.set_prigroup(value >> 8)
                    if value & 4:
                        self.on_reset_request()
            case Reg.SCR:
                self.scr = value & _SCR_MASK
            case Reg.CCR:
                if not self._profile.mainline:
                    return
                self.ccr = value & _CCR_MASK
                self._set_traps()
            case Reg.SHCSR:
                self._write_shcsr(value)
            case Reg.CFSR:
                self.cfsr &= ~value
            case Reg.HFSR:
                self.hfsr &= ~value
            case Reg.DFSR:
                self.dfsr &= ~value
            case Reg.MMFAR:
                self.mmfar = value
            case Reg.BFAR:
                self.bfar = value
            case Reg.DCRDR:
                self.dcrdr = value
            case Reg.DEMCR:
                self._write_demcr(value)
            case Reg.STIR:
                self._pend_irq(value & 0x1FF)

    def _pend_irq(self, irq: int) -> None:
        if irq < self.table.lines:
            self.table.pend(1 << (FIRST_IRQ + irq))

    def _write_irq_word(self, offset: int, value: int) -> None:
        table = self.table
        implemented = ((1 << table.lines) - 1) << FIRST_IRQ
        mask = value << (FIRST_IRQ + (offset & 0x7F) // 4 * 32) & implemented
        if offset < Reg.ICER:
            table.enable(mask)
        elif offset < Reg.ISPR:
            table.disable(mask)
        elif offset < Reg.ICPR:
            table.pend(mask)
        else:
            table.unpend(mask)

    def _write_icsr(self, value: int) -> None:
        """B3.2.4: set bits win over clear bits (both at once is UNPREDICTABLE)."""
        table = self.table
        table.unpend((value >> 25 & 1) << exc.SYSTICK | (value >> 27 & 1) << exc.PENDSV)
        table.pend(
            (value >> 26 & 1) << exc.SYSTICK
            | (value >> 28 & 1) << exc.PENDSV
            | (value >> 31 & 1) << exc.NMI
        )

    def _write_shcsr(self, value: int) -> None:
        table = self.table
        ones, zeros = _scatter(_SHCSR_ENABLED, value)
        table.enable(ones)
        table.disable(zeros)
        ones, zeros = _scatter(_SHCSR_ACTIVE, value)
        table.set_active(ones, True)
        table.set_active(zeros, False)
        ones, zeros = _scatter(_SHCSR_PENDING, value)
        table.pend(ones)
        table.unpend(zeros)

    def _write_demcr(self, value: int) -> None:
        self.demcr = value & _DEMCR_MASK
        bit = 1 << exc.DEBUG_MONITOR
        if value & MON_EN:
            self.table.enable(bit)
        else:
            self.table.disable(bit)
        if value & MON_PEND:
            self.table.pend(bit)
        else:
            self.table.unpend(bit)
