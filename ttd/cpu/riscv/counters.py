"""The counters: cycle, time, instret."""

from __future__ import annotations

from typing import ClassVar

from unicorn import riscv_const as rv

from ttd.devices.base import Clock, Timebase

from . import bits
from .access import RiscvCore
from .csrs import CsrUnit

_ALL = (1 << 64) - 1
_CYCLE, _TIME, _INSTRET = 0, 1, 2
_USER, _MACHINE, _HIGH = 0xC00, 0xB00, 0x80
_NUMBERS = {_USER + _CYCLE, _USER + _TIME, _USER + _INSTRET, _MACHINE + _CYCLE, _MACHINE + _INSTRET}
_ENABLES = (rv.UC_RISCV_REG_MCOUNTEREN, rv.UC_RISCV_REG_SCOUNTEREN)


class Counters(CsrUnit):
    """`cycle` and `instret` are the number of steps, plus what software has moved them by.

    Unprivileged architecture, chapter "Counters"; privileged architecture, sections "Hardware
    Performance Monitor" and "Counter-Enable Registers". Most reads never come here: the engine
    answers them once it is told how (`tell`).
    """

    STATE: ClassVar[tuple[str, ...]] = ("cycle_offset", "instret_offset")

    def __init__(
        self, engine: RiscvCore, clock: Clock, xlen: int, ns_per_step: int, timebase: Timebase
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._xlen = xlen
        self._ns_per_step = ns_per_step
        self._timebase = timebase
        self._told: tuple[int, ...] = ()
        self.cycle_offset = 0
        self.instret_offset = 0

    def reset(self) -> None:
        """The counters begin at 0."""
        self.cycle_offset = self.instret_offset = -self._engine.step & _ALL

    def has(self, number: int) -> bool:
        if self._xlen == 32:
            number &= ~_HIGH
        return number in _NUMBERS

    def visible(self, number: int, privilege: int) -> bool:
        if number & ~0xFF != _USER or privilege == bits.MACHINE:
            return True
        machine, supervisor = self._engine.regs_read(_ENABLES)
        enabled = machine & supervisor if privilege == bits.USER else machine
        return bool(enabled >> (number & 31) & 1)

    def read(self, number: int) -> int:
        value = self._count(number)
        return value >> (32 if number & _HIGH else 0) & (1 << self._xlen) - 1

    def write(self, number: int, value: int, at: int) -> None:
        if self._xlen == 32:
            now = self._count(number)
            if number & _HIGH:
                value = value << 32 | now & 0xFFFFFFFF
            else:
                value |= now & ~0xFFFFFFFF
        if number & 3 == _CYCLE:
            self.cycle_offset = (value - at) & _ALL
        elif number & 3 == _INSTRET:
            self.instret_offset = (value - at) & _ALL

    def _count(self, number: int) -> int:
        if number & 3 == _TIME:
            return self._timebase.ticks()
        offset = self.cycle_offset if number & 3 == _CYCLE else self.instret_offset
        return (self._engine.step + offset) & _ALL

    def tell(self) -> None:
        """Tell the engine, which is about to run, how to answer by itself."""
        engine = self._engine
        how = (
            self._ns_per_step,
            self._clock.now() - engine.step * self._ns_per_step,
            self._timebase.hz,
            self._timebase.offset,
            self.cycle_offset,
            self.instret_offset,
        )
        if how != self._told:
            engine.set_counters(*how)
            self._told = how
