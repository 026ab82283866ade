"""RTC: nRF51 Reference Manual, chapter "Real-time counter"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.nrf51.compare import CC_COUNT, COMPARE0, CompareCounter
from ttd.devices.nrf51.peripheral import LFCLK, set_clear

START, STOP, CLEAR, TRIGOVRFLW = 0x000, 0x004, 0x008, 0x00C
TICK, OVRFLW = 0, 1
EVTEN, EVTENSET, EVTENCLR = 0x340, 0x344, 0x348
COUNTER, PRESCALER = 0x504, 0x508
BITS = 24


class Rtc(CompareCounter):
    """A 24-bit counter of 32 768 Hz / (PRESCALER + 1). Its events happen while they are enabled,
    in INTEN or EVTEN."""

    STATE: ClassVar[tuple[str, ...]] = (*CompareCounter.STATE, "evten", "prescaler")
    EVENTS: ClassVar[tuple[int, ...]] = (TICK, OVRFLW, *range(COMPARE0, COMPARE0 + CC_COUNT))

    def __init__(self, name: str, clock: Clock, irq: Line) -> None:
        super().__init__(name, clock, irq, LFCLK)

    def reset_registers(self) -> None:
        super().reset_registers()
        self.evten = 0
        self.prescaler = 0

    @property
    def divider(self) -> int:
        return self.prescaler + 1

    @property
    def bits(self) -> int:
        return BITS

    @property
    def cc_mask(self) -> int:
        return (1 << BITS) - 1

    def marks(self) -> Iterable[tuple[int, int]]:
        yield (self.value + 1) & self.cc_mask, TICK
        yield 0, OVRFLW
        yield from super().marks()

    def is_noticed(self, number: int) -> bool:
        enabled = (self.inten | self.evten) >> number & 1
        return bool(enabled) and super().is_noticed(number)

    def task(self, offset: int) -> None:
        if offset == CLEAR:
            self.set_count(0)
        elif offset == TRIGOVRFLW:
            self.set_count(0xFFFFF0)
        elif offset in (START, STOP):
            self.settle()
            self.running = offset == START
        self.clock.rearm()

    def steady(self, offset: int) -> Steady | None:
        return self.steady_count() if offset == COUNTER else Steady()

    def peek_register(self, offset: int) -> int:
        if offset == COUNTER:
            return self.count()
        if offset == PRESCALER:
            return self.prescaler
        if offset in (EVTEN, EVTENSET, EVTENCLR):
            return self.evten
        return super().peek_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset == PRESCALER:
            if not self.running:
                self.prescaler = value & 0xFFF
                self.set_count(self.value)
        elif offset in (EVTEN, EVTENSET, EVTENCLR):
            self.evten = set_clear(self.evten, offset, EVTEN, value, self._interrupts)
        else:
            super().write_register(offset, value)
