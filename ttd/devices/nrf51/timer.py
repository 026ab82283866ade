"""TIMER: nRF51 Reference Manual, chapter "Timer/counter"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from ttd.devices.base import Clock, Line
from ttd.devices.declared import Bits, Match, Register, Word, clear_bits, keep, set_bits
from ttd.devices.names import names, row
from ttd.devices.nrf51.compare import CC_COUNT, COMPARE0, STARTED, CompareCounter, task

START, STOP, COUNT, CLEAR, SHUTDOWN, CAPTURE0 = 0x000, 0x004, 0x008, 0x00C, 0x010, 0x040
MODE, BITMODE, PRESCALER = 0x504, 0x508, 0x510
STOP_SHORTCUT = 8
"""Bit of SHORTS from the first compare event to STOP; those to CLEAR begin at 0."""
_BITS = (16, 8, 24, 32)
"""By BITMODE."""


class Timer(CompareCounter):
    """A timer of 16 MHz / 2**PRESCALER, or a counter of COUNT tasks."""

    NAMES = (
        *CompareCounter.NAMES,
        *names(
            TASKS_START=START,
            TASKS_STOP=STOP,
            TASKS_COUNT=COUNT,
            TASKS_CLEAR=CLEAR,
            TASKS_SHUTDOWN=SHUTDOWN,
            MODE=MODE,
            BITMODE=BITMODE,
            PRESCALER=PRESCALER,
        ),
        *row("TASKS_CAPTURE", CAPTURE0, CC_COUNT),
    )

    EVENTS: ClassVar[tuple[int, ...]] = tuple(range(COMPARE0, COMPARE0 + CC_COUNT))
    SHORTCUTS = {n: (COMPARE0 + n, CLEAR) for n in range(CC_COUNT)} | {
        STOP_SHORTCUT + n: (COMPARE0 + n, STOP) for n in range(CC_COUNT)
    }
    PLAIN = {MODE: 0, BITMODE: 0, PRESCALER: 4}
    HALTS = Bits("mode", 1)
    mode = Word()
    """MODE: 1 for a counter."""

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        stop = task(clear_bits("control", 1, when=STARTED))
        return {
            **super().more_registers(),
            START: task(set_bits("control", 1, when=STARTED)),
            **{STOP: stop, SHUTDOWN: stop},
            CLEAR: task(clear_bits("counted", when=STARTED)),
            **{
                CAPTURE0 + 4 * n: task(keep(f"cc{n}", source="counted", when=STARTED))
                for n in range(CC_COUNT)
            },
        }

    @classmethod
    def match(cls, number: int) -> Match:
        match, n = super().match(number), number - COMPARE0
        shortcuts = (
            clear_bits("counted", when=Bits("shorts", 1 << n)),
            clear_bits("control", 1, when=Bits("shorts", 1 << STOP_SHORTCUT + n)),
        )
        return replace(match, effects=[*match.effects, *shortcuts])

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

    def derive(self) -> None:
        super().derive()
        self.mode = self.get(MODE) & 1

    def start(self, offset: int) -> None:
        if offset == COUNT and self.running and self.mode:
            self.file.step(0, self.told)
