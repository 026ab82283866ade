"""The System Control Space: SCB, SysTick, NVIC, MPU and debug registers (DDI0403E B3.2 to B3.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ttd.devices.base import BusError, Clock, Device, Stateful
from ttd.devices.names import RegisterName, names, row
from ttd.engine._native import ffi, lib
from ttd.state import State

from .core import Field
from .exceptions import FIRST_IRQ, ExceptionTable
from .mpu import Mpu
from .profile import CPUID, Profile

# CCR (B3.2.8)
BFHFNMIGN, STKALIGN = 1 << 8, 1 << 9
# CFSR (B3.2.15)
IACCVIOL, DACCVIOL, MUNSTKERR, MSTKERR, MMARVALID = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 7
IBUSERR, PRECISERR, UNSTKERR, STKERR, BFARVALID = 1 << 8, 1 << 9, 1 << 11, 1 << 12, 1 << 15
UNDEFINSTR, INVSTATE, INVPC, NOCP = 1 << 16, 1 << 17, 1 << 18, 1 << 19
UNALIGNED, DIVBYZERO = 1 << 24, 1 << 25
# HFSR (B3.2.16)
VECTTBL, FORCED, DEBUGEVT = 1 << 1, 1 << 30, 1 << 31
# DFSR (C1.6.1)
DFSR_BKPT = 1 << 1

_TICKINT = 2


_SYSTICK = names(
    CTRL=(
        lib.SCS_SYST_CSR,
        {"ENABLE": 1, "TICKINT": _TICKINT, "CLKSOURCE": 4, "COUNTFLAG": 1 << 16},
    ),
    LOAD=lib.SCS_SYST_RVR,
    VAL=lib.SCS_SYST_CVR,
    CALIB=lib.SCS_SYST_CALIB,
)
_CAUSES = {
    "IACCVIOL": IACCVIOL,
    "DACCVIOL": DACCVIOL,
    "MUNSTKERR": MUNSTKERR,
    "MSTKERR": MSTKERR,
    "MMARVALID": MMARVALID,
    "IBUSERR": IBUSERR,
    "PRECISERR": PRECISERR,
    "UNSTKERR": UNSTKERR,
    "STKERR": STKERR,
    "BFARVALID": BFARVALID,
    "UNDEFINSTR": UNDEFINSTR,
    "INVSTATE": INVSTATE,
    "INVPC": INVPC,
    "NOCP": NOCP,
    "UNALIGNED": UNALIGNED,
    "DIVBYZERO": DIVBYZERO,
}
_SCB = names(
    CPUID=CPUID,
    ICSR=(
        lib.SCS_ICSR,
        {
            "VECTACTIVE": 0x1FF,
            "VECTPENDING": 0x1FF << 12,
            "PENDSTSET": 1 << 26,
            "PENDSVSET": 1 << 28,
            "NMIPENDSET": 1 << 31,
        },
    ),
    AIRCR=(lib.SCS_AIRCR, {"PRIGROUP": 7 << 8}),
    SCR=(lib.SCS_SCR, {"SLEEPONEXIT": 2, "SLEEPDEEP": 4, "SEVONPEND": 16}),
    CCR=(
        lib.SCS_CCR,
        {"UNALIGN_TRP": 8, "DIV_0_TRP": 16, "BFHFNMIGN": BFHFNMIGN, "STKALIGN": STKALIGN},
    ),
    SHPR2=lib.SCS_SHPR + 4,
    SHPR3=lib.SCS_SHPR + 8,
)
_SCB_MAINLINE = names(
    VTOR=lib.SCS_VTOR,
    SHPR1=lib.SCS_SHPR,
    SHCSR=(
        lib.SCS_SHCSR,
        {"MEMFAULTENA": 1 << 16, "BUSFAULTENA": 1 << 17, "USGFAULTENA": 1 << 18},
    ),
    CFSR=(lib.SCS_CFSR, _CAUSES),
    HFSR=(lib.SCS_HFSR, {"VECTTBL": VECTTBL, "FORCED": FORCED, "DEBUGEVT": DEBUGEVT}),
    DFSR=(lib.SCS_DFSR, {"BKPT": DFSR_BKPT}),
    MMFAR=lib.SCS_MMFAR,
    BFAR=lib.SCS_BFAR,
    STIR=lib.SCS_STIR,
)
_MPU = names(
    TYPE=lib.SCS_MPU,
    CTRL=(lib.SCS_MPU + 4, {"ENABLE": 1, "HFNMIENA": 2, "PRIVDEFENA": 4}),
    RNR=lib.SCS_MPU + 8,
    RBAR=lib.SCS_MPU + 12,
    RASR=lib.SCS_MPU + 16,
)


class SysTick(Stateful):
    """A view of the core's timer (B3.3), which is native (`systick.c`)."""

    STATE: ClassVar[tuple[str, ...]] = (
        "control",
        "reload",
        "value",
        "anchor",
        "seen",
        "countflag",
    )
    control, reload, value = Field("systick"), Field("systick"), Field("systick")
    anchor, seen, countflag = Field("systick"), Field("systick"), Field("systick")

    def __init__(self, core: Any) -> None:
        self.core = core

    def save(self) -> State:
        if not self.control & _TICKINT:
            # So that the data does not tell when somebody last looked.
            lib.armv7m_catch_up(self.core)
        return super().save()


class SystemControlSpace(Device):
    """A view of 0xE000E000..0xE000EFFF, the register interface of the exception model.

    It is native (`scs.c`, `scb.c`); done here is what that leaves to us: requests for a reset.
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
    vtor, scr, ccr, actlr, demcr, dcrdr = Field(), Field(), Field(), Field(), Field(), Field()
    cfsr, hfsr, dfsr, mmfar, bfar = Field(), Field(), Field(), Field(), Field()

    def __init__(self, name: str, clock: Clock, core: Any, *, profile: Profile, vtor: int) -> None:
        super().__init__(name, clock)
        self.core = core
        self._profile = profile
        self.table = ExceptionTable(core)
        self.systick = SysTick(core)
        self.mpu = Mpu(core)
        self._initial_vtor = vtor
        self._word = ffi.new("uint32_t *")
        self.on_reset_request: Callable[[], None] = lambda: None
        """Called when AIRCR.SYSRESETREQ is written (B3.2.6)."""

    def reset(self) -> None:
        for field in self.STATE:
            setattr(self, field, 0)
        self.vtor = self._initial_vtor
        self.ccr = STKALIGN  # Cortex-M3 from r2p0 on
        lib.armv7m_set_traps(self.core)
        lib.armv7m_reset_exceptions(self.core)
        lib.armv7m_reset_systick(self.core)
        lib.armv7m_reset_mpu(self.core)

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
        lib.armv7m_set_traps(self.core)

    def register_names(self) -> Mapping[str, tuple[RegisterName, ...]]:
        irqs = self.table.count - FIRST_IRQ
        sets = {
            "ISER": lib.SCS_ISER,
            "ICER": lib.SCS_ICER,
            "ISPR": lib.SCS_ISPR,
            "ICPR": lib.SCS_ICPR,
        }
        mainline = self._profile.mainline
        if mainline:
            sets["IABR"] = lib.SCS_IABR
        nvic = [one for name, at in sets.items() for one in row(name, at, -(-irqs // 32))]
        nvic += row("IPR", lib.SCS_IPR, -(-irqs // 4))
        blocks = {
            "SysTick": _SYSTICK,
            "NVIC": tuple(nvic),
            "SCB": (*_SCB, *_SCB_MAINLINE) if mainline else _SCB,
        }
        return blocks | ({"MPU": _MPU} if self._profile.mpu_regions else {})

    # Access ----------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> int:
        done = lib.armv7m_scs_read(self.core, offset, size, self._word)
        if done == lib.ARMV7M_REFUSED:
            raise BusError
        return self._word[0]  # type: ignore[no-any-return]

    def peek(self, offset: int, size: int) -> int:
        return lib.armv7m_scs_peek(self.core, offset, size)  # type: ignore[no-any-return]

    def write(self, offset: int, size: int, value: int) -> None:
        done = lib.armv7m_scs_write(self.core, offset, size, value)
        if done == lib.ARMV7M_REFUSED:
            raise BusError
        if done == lib.ARMV7M_ASK:
            if self._profile.mainline:
                lib.armv7m_set_prigroup(self.core, value >> 8)
            self.on_reset_request()
