"""TIMER: nRF51 Reference Manual, chapter "Timer/counter"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ttd.devices.base import Clock, Line
from ttd.devices.declared import Bits, Register, constant, count
from ttd.devices.nrf51.compare import CC_COUNT, COMPARE0, CompareCounter

START, STOP, COUNT, CLEAR, SHUTDOWN, CAPTURE0 = 0x000, 0x004, 0x008, 0x00C, 0x010, 0x040
MODE, BITMODE, PRESCALER = 0x504, 0x508, 0x510
_BITS = (16, 8, 24, 32)
"""By BITMODE."""


class Timer(CompareCounter):
    """A timer of 16 MHz / 2**PRESCALER, or a counter of COUNT tasks."""

    EVENTS: ClassVar[tuple[int, ...]] = tuple(range(COMPARE0, COMPARE0 + CC_COUNT))
    SHORTCUTS = {n: (COMPARE0 + n, CLEAR) for n in range(CC_COUNT)} | {
        8 + n: (COMPARE0 + n, STOP) for n in range(CC_COUNT)
    }
    PLAIN = {MODE: 0, BITMODE: 0, PRESCALER: 4}

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        # What is captured is met again when the counter has been all around: no match that was to
        # come comes any earlier.
        return {
            **super().more_registers(),
            **{
                CAPTURE0 + 4 * n: Register(
                    constant(0).read,
                    (count(f"cc{n}", when=Bits("value", 1)),),
                )
                for n in range(CC_COUNT)
            },
        }

    def __init__(self, name: str, clock: Clock, irq: Line, most_bits: int = 32) -> None:
        """`most_bits`: a larger BITMODE than this timer has means so many."""
        self._most_bits = most_bits
        super().__init__(name, clock, irq)

    @property
    def divider(self) -> int:
        return 1 << min(self.get(PRESCALER) & 0xF, 9)

    @property
    def bits(self) -> int:
        return min(_BITS[self.get(BITMODE) & 3], self._most_bits)

    @property
    def ticking(self) -> bool:
        return self.running and not self.get(MODE) & 1

    def task(self, offset: int) -> None:
        if offset == CLEAR:
            self.set_count(0)
        elif CAPTURE0 <= offset < CAPTURE0 + 4 * CC_COUNT:
            self.set_cc((offset - CAPTURE0) // 4, self.count())
        elif offset == COUNT:
            self._count_one()
        else:
            self.settle()
            self.running = offset == START or (self.running and offset not in (STOP, SHUTDOWN))
        self.clock.rearm()

    def _count_one(self) -> None:
        if self.running and self.get(MODE) & 1:
            self.set_count(self.value + 1)
            for target, number in self.marks():
                if target & self.most == self.value:
                    self.event(number)
