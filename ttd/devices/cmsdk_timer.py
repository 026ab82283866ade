"""CMSDK APB timer: DDI0479 (Cortex-M System Design Kit TRM), section 4.1, "APB timer"."""

from __future__ import annotations

from collections.abc import Iterable

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.countdown import Countdown, CountdownBlock
from ttd.devices.registers import cmsdk_id

CTRL, VALUE, RELOAD, INTSTATUS = 0x000, 0x004, 0x008, 0x00C
CTRL_ENABLE, CTRL_IRQ = 1 << 0, 1 << 3
PART = 0x22


class CmsdkTimer(CountdownBlock):
    """A 32-bit down-counter that reloads itself and interrupts at zero.

    The external input (EXTIN, CTRL bits 1 and 2) is tied low on the boards modelled here: with
    either bit set the counter stands still.
    """

    alone = True
    STATE = ("ctrl", "pending", "counter_state")

    def __init__(self, name: str, clock: Clock, hz: int, irq: Line) -> None:
        super().__init__(name, clock, hz)
        self.irq = irq
        self.reset()

    def reset(self) -> None:
        self.ctrl = 0
        self.pending = False
        self.counter = Countdown(reload=0)
        self.drive()

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        yield self.irq, self.pending

    def peek_word(self, offset: int) -> int:
        if offset == CTRL:
            return self.ctrl
        if offset == VALUE:
            return self.counter.value(self.tick())
        if offset == RELOAD:
            return self.counter.reload or 0
        if offset == INTSTATUS:
            return int(self._interrupt_due())
        return cmsdk_id(PART, offset)

    def steady(self, offset: int) -> Steady | None:
        if offset in (CTRL, RELOAD):
            return Steady()
        if offset == VALUE:
            return self.counter_steady(self.counter.value(self.tick()))
        return None

    def write_word(self, offset: int, value: int) -> None:
        self.expire()
        if offset == CTRL:
            self.ctrl = value & 0xF
            self.counter.running = (self.ctrl & 0b111) == CTRL_ENABLE
        elif offset == VALUE:
            self.counter.start = value
        elif offset == RELOAD:
            # "A write to this register sets the current value" (table 4-2).
            self.counter.reload = self.counter.start = value
        elif offset == INTSTATUS and value & 1:
            self.pending = False
        self.drive()
        self.clock.rearm()

    def _interrupt_due(self) -> bool:
        return self.pending or bool(self.ctrl & CTRL_IRQ and self.counter.zeros(self.tick()))

    def deadline(self) -> int | None:
        zero = self.counter.next_zero()
        if zero is None or self.pending or not self.ctrl & CTRL_IRQ:
            return None
        return self.time_of(zero)

    def expire(self) -> None:
        self.pending = self._interrupt_due()
        self.counter.settle(self.tick())
        self.drive()
