"""Down-counters, computed from virtual time with exact integers.

A counter is not run: what it holds follows from its value at one tick (the anchor) and the
number of ticks since. Looking at it changes nothing, so a counter behaves the same however often
it is looked at, and costs nothing while nobody does.
"""

from __future__ import annotations

from ttd.devices.base import Clock, Steady, as_state
from ttd.devices.registers import RegisterBlock
from ttd.state import State
from ttd.values import dataclass

NS_PER_S = 1_000_000_000


@dataclass(slots=True)
class Countdown:
    """A counter that goes down by one per tick; the tick after zero brings `reload`.

    The period is thus `reload + 1` ticks, as DDI0479 has it for all CMSDK timers. Ticks are
    counted from time zero.
    """

    start: int = 0
    """The value at the anchor."""
    anchor: int = 0
    """The tick that `start` belongs to; only changes to the counter move it."""
    reload: int = 0
    """What follows zero; 0 with every tick, if it is that."""
    running: bool = False

    def value(self, tick: int) -> int:
        """Return what the counter holds at `tick`."""
        past = self._past_zero(tick)
        if past <= 0:
            return -past
        if not self.reload:
            return 0
        return self.reload - (past - 1) % (self.reload + 1)

    def zeros(self, tick: int) -> int:
        """Return how often it was decremented to zero since the anchor."""
        past = self._past_zero(tick)
        if past < 0:
            return 0
        first = 1 if self.start else 0
        return first + (past // (self.reload + 1) if self.reload else 0)

    def reloads(self, tick: int) -> int:
        """Return how often zero was followed by `reload` since the anchor."""
        past = self._past_zero(tick)
        if past <= 0:
            return 0
        return -(-past // (self.reload + 1))

    def next_zero(self) -> int | None:
        """Return the first tick after the anchor at which it is decremented to zero."""
        if not self.running:
            return None
        if self.start:
            return self.anchor + self.start
        return self.anchor + self.reload + 1 if self.reload else None

    def settle(self, tick: int) -> None:
        """Move the anchor to `tick`; zeros and reloads are counted from there."""
        self.start, self.anchor = self.value(tick), tick

    def _past_zero(self, tick: int) -> int:
        """Ticks since the counter was first zero, negative before."""
        return (tick - self.anchor if self.running else 0) - self.start


class CountdownBlock(RegisterBlock):
    """A register block with one `Countdown`; `counter_state` is it as data, for `STATE`.

    Its clock input is of `hz`. Ticks are those of a clock that runs from virtual time zero, so that
    a counter started between two of them keeps to the same edges whenever it is looked at.
    """

    def __init__(self, name: str, clock: Clock, hz: int) -> None:
        super().__init__(name, clock)
        self.hz = hz
        self.counter = Countdown()

    def tick(self) -> int:
        """Return the number of whole ticks of the clock until now."""
        return self.clock.now() * self.hz // NS_PER_S

    def time_of(self, tick: int) -> int:
        """Return the first nanosecond at which `tick()` returns `tick`."""
        return -(-tick * NS_PER_S // self.hz)

    def counter_steady(self, value: int) -> Steady:
        """How the counter goes on from `value`, which it holds now: down to zero."""
        if not self.counter.running or (value == 0 and not self.counter.reload):
            return Steady()
        return Steady(-1, self.hz, until_ns=self.time_of(self.tick() + value + 1))

    @property
    def counter_state(self) -> State:
        return as_state(self.counter)

    @counter_state.setter
    def counter_state(self, state: State) -> None:
        self.counter = Countdown(**state)
