"""Core-Local Interruptor: "SiFive FU540-C000 Manual", chapter "Core-Local Interruptor (CLINT)".

For one hart: MSIP at 0x0000, MTIMECMP at 0x4000, MTIME at 0xBFF8. The 64-bit registers are pairs
of words, the low one first; each half is there at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from ttd.devices.base import NS_PER_SECOND, Clock, Line, Steady, Timebase
from ttd.devices.registers import WORD, RegisterBlock

MSIP, MTIMECMP, MTIME = 0x0000, 0x4000, 0xBFF8
_HIGH = 4
_NEVER_NS = 1 << 63
"""292 years: no machine runs so long, and none that is idle is to be sent there."""


class Clint(RegisterBlock):
    """Timer and software interrupt of hart 0.

    MTIME is the core's real-time counter, which belongs to the state of the core. `timer` is its
    MTIP input, `software` its MSIP input.
    """

    STATE = ("msip", "mtimecmp", "due")
    size = 0x10000

    def __init__(
        self, name: str, clock: Clock, timebase: Timebase, *, timer: Line, software: Line
    ) -> None:
        super().__init__(name, clock)
        self.timebase = timebase
        self.timer = timer
        self.software = software
        self.reset()

    def reset(self) -> None:
        self.msip = False
        # Not reset in hardware; with anything else there would be an interrupt at once.
        self.mtimecmp = (1 << 64) - 1
        self.timebase.set(0)
        self._compare()

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        yield self.timer, self.due
        yield self.software, self.msip

    def peek_word(self, offset: int) -> int:
        if offset == MSIP:
            return int(self.msip)
        if offset in (MTIMECMP, MTIMECMP + _HIGH):
            return _half(self.mtimecmp, offset != MTIMECMP)
        if offset in (MTIME, MTIME + _HIGH):
            return _half(self.timebase.ticks(), offset != MTIME)
        return 0

    def steady(self, offset: int) -> Steady | None:
        if offset not in (MTIME, MTIME + _HIGH):
            return Steady()
        # Until the low word wraps, or a tick before that.
        left = WORD - (self.timebase.ticks() & WORD)
        until = self.clock.now() + left * NS_PER_SECOND // self.timebase.hz
        return Steady(int(offset == MTIME), self.timebase.hz, until_ns=until)

    def write_word(self, offset: int, value: int) -> None:
        if offset == MSIP:
            self.msip = bool(value & 1)
            self.drive()
        elif offset in (MTIMECMP, MTIMECMP + _HIGH):
            self.mtimecmp = _with_half(self.mtimecmp, offset != MTIMECMP, value)
            self._compare()
        elif offset in (MTIME, MTIME + _HIGH):
            self.timebase.set(_with_half(self.timebase.ticks(), offset != MTIME, value))
            self._compare()

    def _compare(self) -> None:
        """MTIP is high whenever MTIME has reached MTIMECMP; there is nothing to acknowledge."""
        self.due = self.timebase.ticks() >= self.mtimecmp
        self.drive()
        self.clock.rearm()

    def deadline(self) -> int | None:
        if self.due:
            return None
        at = self.timebase.deadline(self.mtimecmp)
        return at if at < _NEVER_NS else None

    def expire(self) -> None:
        self._compare()


def _half(value: int, high: bool) -> int:
    return value >> 32 if high else value & WORD


def _with_half(old: int, high: bool, value: int) -> int:
    return old & WORD | value << 32 if high else old & ~WORD | value
