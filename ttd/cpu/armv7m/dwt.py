"""The rest of the Private Peripheral Bus: a cycle counter, and units that are not there."""

from __future__ import annotations

from typing import Any, ClassVar

from ttd.cpu.constants import arm_const as arm
from ttd.devices.base import BusError, Clock, Device
from ttd.engine import Engine
from ttd.engine._native import ffi, lib

from .core import Field


class PpbUnit(Device):
    """A debug unit that is not modelled: reads as zero, ignores writes; privileged only (B3.1)."""

    def __init__(self, name: str, clock: Clock, engine: Engine) -> None:
        super().__init__(name, clock)
        self._engine = engine

    def reset(self) -> None:
        pass

    def _check_privilege(self) -> None:
        control, xpsr = self._engine.regs_read((arm.UC_ARM_REG_CONTROL, arm.UC_ARM_REG_XPSR))
        if control & 1 and not xpsr & 0x1FF:
            raise BusError

    def read(self, offset: int, size: int) -> int:
        self._check_privilege()
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        self._check_privilege()

    def peek(self, offset: int, size: int) -> int:
        return 0


class CycleCounter(Device):
    """A view of DWT_CTRL and DWT_CYCCNT (C1.8.7, C1.8.8), which are native (`dwt.c`)."""

    STATE: ClassVar[tuple[str, ...]] = ("enabled", "count", "anchor")
    enabled, count, anchor = Field("cycles"), Field("cycles"), Field("cycles")

    def __init__(self, name: str, clock: Clock, core: Any) -> None:
        super().__init__(name, clock)
        self.core = core
        self._word = ffi.new("uint32_t *")

    def reset(self) -> None:
        self.enabled = False
        self.count = 0
        self.anchor = 0

    def read(self, offset: int, size: int) -> int:
        if lib.armv7m_dwt_read(self.core, offset, size, self._word) == lib.ARMV7M_REFUSED:
            raise BusError
        return self._word[0]  # type: ignore[no-any-return]

    def peek(self, offset: int, size: int) -> int:
        return lib.armv7m_dwt_peek(self.core, offset, size)  # type: ignore[no-any-return]

    def write(self, offset: int, size: int, value: int) -> None:
        if lib.armv7m_dwt_write(self.core, offset, size, value) == lib.ARMV7M_REFUSED:
            raise BusError
