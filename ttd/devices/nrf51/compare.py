"""What TIMER and RTC share: a counter that goes up, compared with registers, computed from time.

The counter is not run: it was `value` at tick `anchor`. Matches that anybody would notice are
deadlines; the anchor moves at those and at writes only, so looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ttd.devices.base import Steady
from ttd.devices.declared import Register, Word, give
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

    NOTICED = True
    cc0, cc1, cc2, cc3 = (Word() for _ in range(CC_COUNT))

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        return {CC0 + 4 * n: Register((give(f"cc{n}"),)) for n in range(CC_COUNT)}

    most = 0
    """The most that the counter holds."""
    _matching = False
    """Inside `expire`, which brings the counter to the ticks of its matches one by one."""

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

    def set_cc(self, n: int, value: int) -> None:
        """Set one of them."""
        self.cc = [value if at == n else old for at, old in enumerate(self.cc)]

    def derive(self) -> None:
        super().derive()
        self.most = (1 << self.bits) - 1
        counter = self._counter
        counter.hz, counter.divider, counter.mask = self.hz, self.divider, self.most
        counter.ticking = self.ticking

    @property
    def _counter(self) -> Any:
        """The native side of it."""
        assert self.registers is not None
        return self.registers.native.counter

    @property
    def value(self) -> int:
        """What the counter held at tick `anchor`."""
        return self._counter.value  # type: ignore[no-any-return]

    @value.setter
    def value(self, value: int) -> None:
        self._counter.value = value

    @property
    def anchor(self) -> int:
        """See `value`."""
        return self._counter.anchor  # type: ignore[no-any-return]

    @anchor.setter
    def anchor(self, tick: int) -> None:
        self._counter.anchor = tick

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
        """(value, event): the event happens when the counter comes to that value, of which only as
        many bits count as the counter has."""
        for n, value in enumerate(self.cc):
            yield value, COMPARE0 + n

    def count(self) -> int:
        """What the counter holds now."""
        return (self.value + self._now() - self.anchor) & self.most if self.ticking else self.value

    def _now(self) -> int:
        """The tick that it is: that of the match while one is being dealt with."""
        return self.anchor if self._matching else self.tick(self.divider)

    def set_count(self, value: int) -> None:
        """The counter goes on from `value`."""
        self.value = value & self.most
        self.anchor = self._now()

    def settle(self) -> None:
        """Bring the anchor to now: before anything about the counter changes."""
        self.set_count(self.count())

    def _next(self) -> tuple[int, list[int]] | None:
        """The tick of the next matches that are noticed, and their events."""
        if not self.ticking:
            return None
        mask, first = self.most, 0
        numbers: list[int] = []
        for target, number in self.marks():
            if self.is_noticed(number):
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
            self.value = (self.value + tick - self.anchor) & self.most
            self.anchor = tick
            self._matching = True
            for number in numbers:
                self.event(number)
            self._matching = False
        self.derive()

    def steady_count(self) -> Steady:
        """How the counter goes on, for the register that shows it."""
        if not self.ticking:
            return Steady()
        end = self.tick(self.divider) + self.most + 1 - self.count()
        return Steady(1, self.hz, self.divider, until_ns=self.time_of(end, self.divider))

    def write_word(self, offset: int, value: int) -> None:
        self.settle()
        super().write_word(offset, value)

    def write_register(self, offset: int, value: int) -> None:
        at = (offset - CC0) // 4
        if 0 <= at < CC_COUNT:
            self.set_cc(at, value & self.cc_mask)

    @property
    def cc_mask(self) -> int:
        return 0xFFFFFFFF
