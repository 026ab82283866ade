"""What TIMER and RTC share: a counter that goes up, compared with registers, computed from time.

The counter is not run: it was `value` at tick `anchor`. Matches that anybody would notice are
deadlines; the anchor moves at those and at writes only, so looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ttd.devices.base import Steady
from ttd.devices.nrf51.peripheral import Peripheral

COMPARE0 = 16
"""Number of the first compare event."""
CC0, CC_COUNT = 0x540, 4


class CompareCounter(Peripheral):
    """A counter with four compare registers.

    The subclass says how long a tick is (`divider`, of the clock of `hz`), how many `bits` there
    are, and in `clear` and `stop` what shortcuts do.
    """

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "running", "value", "anchor", "cc")

    _matching = False
    """Inside `expire`, which brings the counter to the ticks of its matches one by one."""

    def reset_registers(self) -> None:
        self.running = False
        self.value = 0
        self.anchor = 0
        self.cc = [0] * CC_COUNT

    @property
    def divider(self) -> int:
        raise NotImplementedError

    @property
    def bits(self) -> int:
        raise NotImplementedError

    @property
    def ticking(self) -> bool:
        """Does the counter go up by itself?"""
        return self.running

    def marks(self) -> Iterable[tuple[int, int]]:
        """(value, event): the event happens when the counter comes to that value."""
        for n, value in enumerate(self.cc):
            yield value, COMPARE0 + n

    def count(self) -> int:
        """What the counter holds now."""
        return (self.value + self._now() - self.anchor) & self._mask if self.ticking else self.value

    def _now(self) -> int:
        """The tick that it is: that of the match while one is being dealt with."""
        return self.anchor if self._matching else self.tick(self.divider)

    @property
    def _mask(self) -> int:
        return (1 << self.bits) - 1

    def set_count(self, value: int) -> None:
        """The counter goes on from `value`."""
        self.value = value & self._mask
        self.anchor = self._now()

    def settle(self) -> None:
        """Bring the anchor to now: before anything about the counter changes."""
        self.set_count(self.count())

    def _next(self) -> tuple[int, list[int]] | None:
        """The tick of the next matches that are noticed, and their events."""
        if not self.ticking:
            return None
        mask, first = self._mask, 0
        numbers: list[int] = []
        for target, number in self.marks():
            if target <= mask and self.is_noticed(number):
                distance = (target - self.value) & mask or mask + 1
                if not numbers or distance < first:
                    first, numbers = distance, [number]
                elif distance == first:
                    numbers.append(number)
        return (self.anchor + first, numbers) if numbers else None

    def deadline(self) -> int | None:
        found = self._next()
        return None if found is None else self.time_of(found[0], self.divider)

    def expire(self) -> None:
        while (found := self._next()) is not None and found[0] <= self.tick(self.divider):
            tick, numbers = found
            self.value = (self.value + tick - self.anchor) & self._mask
            self.anchor = tick
            self._matching = True
            for number in numbers:
                self.event(number)
            self._matching = False

    def steady_count(self) -> Steady:
        """How the counter goes on, for the register that shows it."""
        if not self.ticking:
            return Steady()
        end = self.tick(self.divider) + self._mask + 1 - self.count()
        return Steady(1, self.hz, self.divider, until_ns=self.time_of(end, self.divider))

    def write_word(self, offset: int, value: int) -> None:
        self.settle()
        super().write_word(offset, value)

    def peek_register(self, offset: int) -> int:
        at = (offset - CC0) // 4
        return self.cc[at] if 0 <= at < CC_COUNT else 0

    def write_register(self, offset: int, value: int) -> None:
        at = (offset - CC0) // 4
        if 0 <= at < CC_COUNT:
            self.cc[at] = value & self.cc_mask

    @property
    def cc_mask(self) -> int:
        return 0xFFFFFFFF
