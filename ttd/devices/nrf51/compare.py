"""What TIMER and RTC share: a counter that goes up, compared with registers, as data.

The counter is not run: it was `value` at tick `anchor`. Matches that anybody would notice happen in
the native part; those that the PPI connects to something are hosted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from ttd.devices.counting import Counting
from ttd.devices.declared import (
    ALL,
    NOTHING,
    Bits,
    Counter,
    Declaration,
    Effect,
    Flag,
    Match,
    Register,
    Word,
    constant,
    give,
    keep,
    set_bits,
)
from ttd.devices.names import row
from ttd.devices.nrf51.peripheral import EVENTS, HFCLK, TASKS_END, Peripheral, event_at

COMPARE0 = 16
"""Number of the first compare event."""
CC0, CC_COUNT = 0x540, 4
STARTED = Bits("value", 1)
"""In a write of a task's register."""


def task(*effects: Effect) -> Register:
    """The register of a task that does this; each of them when `STARTED`."""
    return Register(constant(0).read, effects)


class CompareCounter(Counting, Peripheral):
    """A counter with four compare registers.

    The subclass says how long a tick is (`divider`, of the clock of `HZ`), how many `bits` there
    are, and what happens when the counter comes to which value (`match`).
    """

    NAMES = (
        *Peripheral.NAMES,
        *row("EVENTS_COMPARE", event_at(COMPARE0), CC_COUNT),
        *row("CC", CC0, CC_COUNT),
    )

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "running", "value", "anchor", "cc")
    HZ: ClassVar[int] = HFCLK
    """Of the clock that is divided."""
    CC_MASK: ClassVar[int] = ALL
    HALTS: ClassVar[Bits] = NOTHING
    """The counter does not go up by itself."""

    cc0, cc1, cc2, cc3 = (Word() for _ in range(CC_COUNT))
    counted, most, control = Word(), Word(), Word()
    """What the counter held at its anchor, the most that it holds, and `running`."""
    running = Flag(control, 1)
    listened_to, unheeded = Word(), Word()
    """Bit n: the PPI hears of event n; nothing hears of it, and no shortcut starts with it."""

    @classmethod
    def declaration(cls) -> Declaration:
        runs = Bits("control", 1)
        return replace(
            super().declaration(),
            counters=[Counter("counted", "most", runs, halts=cls.HALTS)],
            matches=[cls.match(number) for number in cls.EVENTS],
        )

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        return {
            CC0 + 4 * n: Register((give(f"cc{n}"),), (keep(f"cc{n}", cls.CC_MASK),))
            for n in range(CC_COUNT)
        }

    @classmethod
    def match(cls, number: int) -> Match:
        """When the event with this number happens, and what happens then. (Of a register's value
        only as many bits count as the counter has.)"""
        bit = 1 << number
        return Match(
            [set_bits("events", bit)],
            target=Bits(f"cc{number - COMPARE0}") if number >= COMPARE0 else NOTHING,
            unless=Bits("events", bit, "unheeded"),
            tells=Bits("listened_to", bit),
        )

    def reset_registers(self) -> None:
        self.running = False
        self.value = 0
        self.anchor = 0
        self.cc = [0] * CC_COUNT

    @property
    def cc(self) -> list[int]:
        """The compare registers."""
        return [self.cc0, self.cc1, self.cc2, self.cc3]

    @cc.setter
    def cc(self, values: list[int]) -> None:
        self.cc0, self.cc1, self.cc2, self.cc3 = values

    @property
    def value(self) -> int:
        """What the counter held at tick `anchor`."""
        return self.counted

    @value.setter
    def value(self, value: int) -> None:
        self.counted = value

    @property
    def anchor(self) -> int:
        """See `value`."""
        return self.file.anchor(0)

    @anchor.setter
    def anchor(self, tick: int) -> None:
        self.file.set_anchor(0, tick)

    @property
    def divider(self) -> int:
        raise NotImplementedError

    @property
    def bits(self) -> int:
        raise NotImplementedError

    def derive(self) -> None:
        super().derive()
        self.most = (1 << self.bits) - 1
        self.counted &= self.most
        heard = (1 << number for number in self.EVENTS if self.listened(EVENTS + 4 * number))
        self.listened_to = sum(heard)
        self.unheeded = ALL & ~(self.listened_to | self.connected)
        self.file.set_rate(0, self.HZ, self.divider)
        self.file.host(self.listened_to != 0)

    def told(self, match: int) -> None:
        self.on_event(EVENTS + 4 * self.EVENTS[match])

    def task(self, offset: int) -> None:
        # Started by the PPI: as if it were by software.
        self.write(offset, 4, 1)

    def start(self, offset: int) -> None:
        """A task that is not declared is started."""

    def write_word(self, offset: int, value: int) -> None:
        if offset >= TASKS_END:
            super().write_word(offset, value)
        elif value & 1:
            self.start(offset)
            self.drive()
        # The length of a tick may have changed.
        self.file.anchor_here()
