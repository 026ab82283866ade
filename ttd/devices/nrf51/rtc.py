"""RTC: nRF51 Reference Manual, chapter "Real-time counter"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from ttd.devices.declared import (
    Bits,
    Match,
    Register,
    Word,
    clear_bits,
    give_count,
    keep,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.nrf51.compare import CC_COUNT, COMPARE0, STARTED, CompareCounter, task
from ttd.devices.nrf51.peripheral import INTEN, LFCLK, event_at, mask_registers

START, STOP, CLEAR, TRIGOVRFLW = 0x000, 0x004, 0x008, 0x00C
TICK, OVRFLW = 0, 1
EVTEN = 0x340
COUNTER, PRESCALER = 0x504, 0x508
BITS = 24
NEAR_OVERFLOW = 0xFFFFF0
"""Where TRIGOVRFLW sets the counter to."""


class Rtc(CompareCounter):
    """A 24-bit counter of 32 768 Hz / (PRESCALER + 1). Its events happen while they are enabled,
    in INTEN or EVTEN."""

    NAMES = (
        *CompareCounter.NAMES,
        *names(
            TASKS_START=START,
            TASKS_STOP=STOP,
            TASKS_CLEAR=CLEAR,
            TASKS_TRIGOVRFLW=TRIGOVRFLW,
            EVENTS_TICK=event_at(TICK),
            EVENTS_OVRFLW=event_at(OVRFLW),
            EVTEN=EVTEN,
            COUNTER=COUNTER,
            PRESCALER=PRESCALER,
        ),
    )

    STATE: ClassVar[tuple[str, ...]] = (*CompareCounter.STATE, "evten", "prescaler")
    EVENTS: ClassVar[tuple[int, ...]] = (TICK, OVRFLW, *range(COMPARE0, COMPARE0 + CC_COUNT))
    HZ = LFCLK
    CC_MASK = (1 << BITS) - 1
    evten, enabled, prescaler = Word(), Word(), Word()
    """`enabled`: in INTEN or EVTEN."""

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        mask = sum(1 << number for number in cls.EVENTS)
        either = keep("enabled", source="inten"), set_bits("enabled", source="evten")
        overflow = (
            clear_bits("counted", when=STARTED),
            set_bits("counted", NEAR_OVERFLOW, when=STARTED),
        )
        return {
            **super().more_registers(),
            **mask_registers(INTEN, "inten", mask, either),
            **mask_registers(EVTEN, "evten", mask, either),
            START: task(set_bits("control", 1, when=STARTED)),
            STOP: task(clear_bits("control", 1, when=STARTED)),
            CLEAR: task(clear_bits("counted", when=STARTED)),
            TRIGOVRFLW: task(*overflow),
            COUNTER: Register((give_count(),), ()),
        }

    @classmethod
    def match(cls, number: int) -> Match:
        enabled = Bits("enabled", 1 << number)
        return replace(super().match(number), every=number == TICK, when=enabled)

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

    def derive(self) -> None:
        super().derive()
        self.enabled = self.inten | self.evten

    def peek_register(self, offset: int) -> int:
        return self.prescaler if offset == PRESCALER else super().peek_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset == PRESCALER and not self.running:
            self.prescaler = value & 0xFFF
