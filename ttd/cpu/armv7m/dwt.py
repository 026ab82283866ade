"""The rest of the Private Peripheral Bus: a cycle counter, and units that are not there."""

from __future__ import annotations

from typing import ClassVar

from unicorn import arm_const as arm

from ttd.devices.base import BusError, Clock, Device

from .access import ArmCore
from .systick import NANOSECONDS

_CTRL, _CYCCNT = 0x000, 0x004
_CYCCNTENA = 1


class PpbUnit(Device):
    """A debug unit that is not modelled: reads as zero, ignores writes; privileged only (B3.1)."""

    def __init__(self, name: str, clock: Clock, engine: ArmCore) -> None:
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


class CycleCounter(PpbUnit):
    """DWT_CTRL and DWT_CYCCNT (C1.8.7, C1.8.8): cycles of the core clock in virtual time."""

    STATE: ClassVar[tuple[str, ...]] = ("enabled", "count", "anchor")

    def __init__(self, name: str, clock: Clock, engine: ArmCore, hz: int) -> None:
        super().__init__(name, clock, engine)
        self.hz = hz
        self.reset()

    def reset(self) -> None:
        self.enabled = False
        self.count = 0
        self.anchor = 0

    def _cycles(self) -> int:
        return self.clock.now() * self.hz // NANOSECONDS

    def _current(self) -> int:
        running = self._cycles() - self.anchor if self.enabled else 0
        return (self.count + running) & 0xFFFFFFFF

    def _set(self, count: int, enabled: bool) -> None:
        self.count = count
        self.anchor = self._cycles()
        self.enabled = enabled

    def read(self, offset: int, size: int) -> int:
        self._check_privilege()
        return self.peek(offset, size)

    def peek(self, offset: int, size: int) -> int:
        word = {_CTRL: int(self.enabled), _CYCCNT: self._current()}.get(offset & ~3, 0)
        return word >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        self._check_privilege()
        if offset == _CTRL:
            self._set(self._current(), bool(value & _CYCCNTENA))
        elif offset == _CYCCNT and size == 4:
            self._set(value, self.enabled)
