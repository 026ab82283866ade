"""CMSDK dual-input timers: DDI0479 (Cortex-M System Design Kit TRM), section 4.2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ttd.devices.base import Clock, Line, as_state
from ttd.devices.countdown import Countdown, TimedBlock
from ttd.devices.registers import WORD, cmsdk_id
from ttd.state import State

LOAD, VALUE, CONTROL, INTCLR, RIS, MIS, BGLOAD = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
HALF_SIZE = 0x20
ITCR, ITOP = 0xF00, 0xF04
ENABLE, PERIODIC, IRQ, WIDE, ONE_SHOT = 1 << 7, 1 << 6, 1 << 5, 1 << 1, 1 << 0
PRESCALE_SHIFT = 2
PRESCALE = (1, 16, 256, 256)
"""Dividers by CONTROL[3:2]; the last is undefined in the manual."""
PART = 0x23


@dataclass(slots=True)
class _Half:
    """One of the two timers."""

    load: int = 0
    control: int = IRQ
    pending: bool = False
    counter: Countdown = field(default_factory=lambda: Countdown(start=0xFFFF))
    high: int = 0xFFFF0000
    """The bits of VALUE that do not count: in 16-bit mode, the upper half of what was loaded."""

    @property
    def divider(self) -> int:
        return PRESCALE[self.control >> PRESCALE_SHIFT & 0b11]

    @property
    def mask(self) -> int:
        return WORD if self.control & WIDE else 0xFFFF

    @property
    def masked(self) -> bool:
        return self.pending and bool(self.control & IRQ)

    def follow(self) -> None:
        """What comes after zero follows from mode and load value (section 4.2.1)."""
        if self.control & ONE_SHOT:
            self.counter.reload = None
        else:
            self.counter.reload = self.mask & (self.load if self.control & PERIODIC else WORD)
        self.counter.running = bool(self.control & ENABLE)


class CmsdkDualTimer(TimedBlock):
    """Two 32/16-bit down-counters: free-running, periodic or one-shot, with a prescaler.

    Each timer has an interrupt; boards use the combined one. The prescaler runs freely, so a
    timer that is enabled between two prescaled ticks counts first at the next of them.
    """

    alone = True
    STATE = ("itcr", "itop", "halves_state")

    def __init__(self, name: str, clock: Clock, hz: int, irq: Line) -> None:
        super().__init__(name, clock, hz)
        self.irq = irq
        self.reset()

    @property
    def halves_state(self) -> list[State]:
        return [as_state(half) | {"counter": as_state(half.counter)} for half in self.halves]

    @halves_state.setter
    def halves_state(self, states: list[State]) -> None:
        self.halves = [
            _Half(**{**state, "counter": Countdown(**state["counter"])}) for state in states
        ]

    def reset(self) -> None:
        self.itcr = 0
        self.itop = 0
        self.halves = [_Half(), _Half()]
        self.drive()

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        level = bool(self.itop) if self.itcr else any(half.masked for half in self.halves)
        yield self.irq, level

    def peek_word(self, offset: int) -> int:
        if offset == ITCR:
            return self.itcr
        if offset >= 2 * HALF_SIZE:
            return cmsdk_id(PART, offset)
        half = self.halves[offset // HALF_SIZE]
        tick = self.tick(half.divider)
        pending = half.pending or half.counter.zeros(tick) > 0
        return {
            LOAD: half.load,
            VALUE: half.high | half.counter.value(tick),
            CONTROL: half.control,
            RIS: int(pending),
            MIS: int(pending and bool(half.control & IRQ)),
            BGLOAD: half.load,
        }.get(offset % HALF_SIZE, 0)

    def write_word(self, offset: int, value: int) -> None:
        self.expire()
        if offset == ITCR:
            self.itcr = value & 1
        elif offset == ITOP:
            self.itop = value & 3
        elif offset < 2 * HALF_SIZE:
            self._write_half(self.halves[offset // HALF_SIZE], offset % HALF_SIZE, value)
        self.drive()
        self.clock.rearm()

    def _write_half(self, half: _Half, offset: int, value: int) -> None:
        if offset == LOAD:
            half.load = value
            half.high, half.counter.start = value & ~half.mask, value & half.mask
        elif offset == BGLOAD:
            half.load = value
        elif offset == CONTROL:
            whole = half.high | half.counter.start
            half.control = value & 0xEF
            half.high, half.counter.start = whole & ~half.mask, whole & half.mask
            half.counter.anchor = self.tick(half.divider)
        elif offset == INTCLR:
            half.pending = False
        half.follow()

    def deadline(self) -> int | None:
        times = [
            self.time_of(zero, half.divider)
            for half in self.halves
            if half.control & IRQ
            and not half.pending
            and (zero := half.counter.next_zero()) is not None
        ]
        return min(times, default=None)

    def expire(self) -> None:
        for half in self.halves:
            tick = self.tick(half.divider)
            half.pending = half.pending or half.counter.zeros(tick) > 0
            half.counter.settle(tick)
        self.drive()
