"""The System Control Space: SCB, SysTick, NVIC, MPU and debug registers (DDI0403E B3.2 to B3.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ttd.devices.base import BusError, Clock, Device, Stateful
from ttd.engine._native import ffi, lib
from ttd.state import State

from .core import Field
from .exceptions import ExceptionTable
from .mpu import Mpu
from .profile import Profile

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
