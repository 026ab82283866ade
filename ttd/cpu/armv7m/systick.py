"""SysTick, the core's timer (DDI0403E B3.3), computed from the time instead of counted."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.base import Clock, Stateful, Steady
from ttd.state import State

NANOSECONDS = 1_000_000_000

ENABLE, TICKINT, CLKSOURCE = 1, 2, 4
COUNTFLAG = 1 << 16
NOREF, SKEW = 1 << 31, 1 << 30
RELOAD_MASK = 0xFFFFFF


class SysTick(Stateful):
    """A 24-bit down counter: n, n-1, ..., 1, 0, RVR, RVR-1, ...

    Its value is a function of the time: it was `value` at tick `anchor` of the selected clock,
    where tick k begins at k / hz seconds of virtual time. The counter reaches zero at ticks
    z, z + (RVR+1), z + 2(RVR+1), ...; each time sets COUNTFLAG and, with TICKINT, pends the
    exception. Only registers written move the anchor, so it does not matter who looks when.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "control",
        "reload",
        "value",
        "anchor",
        "seen",
        "countflag",
    )

    def __init__(self, clock: Clock, hz: int, reference_hz: int) -> None:
        """`reference_hz` 0: no reference clock, CLKSOURCE reads as one."""
        self.clock = clock
        self.hz = hz
        self.reference_hz = reference_hz
        self.reset()

    def reset(self) -> None:
        """B3.3.3: disabled; RVR and CVR are UNKNOWN, here zero."""
        self.control = 0 if self.reference_hz else CLKSOURCE
        self.reload = 0
        self.value = 0
        self.anchor = 0
        self.seen = 0
        """Zero crossings since the anchor that COUNTFLAG and the exception have heard of."""
        self.countflag = False

    def save(self) -> State:
        if not self.control & TICKINT:
            self.catch_up()  # so that the data does not tell when somebody last looked
        return super().save()

    # The counter as a function of time -------------------------------------------------------

    def _rate(self) -> int:
        return self.hz if self.control & CLKSOURCE else self.reference_hz

    def _tick(self) -> int:
        return self.clock.now() * self._rate() // NANOSECONDS

    def _first_zero(self) -> int | None:
        """Ticks from the anchor to the first time the counter reaches zero; None for never."""
        if self.value:
            return self.value
        return self.reload + 1 if self.reload else None

    def _crossings(self) -> int:
        """How often the counter has reached zero since the anchor."""
        first = self._first_zero()
        elapsed = self._tick() - self.anchor
        if not self.control & ENABLE or first is None or elapsed < first:
            return 0
        return 1 + (elapsed - first) // (self.reload + 1) if self.reload else 1

    def _current(self) -> int:
        if not self.control & ENABLE:
            return self.value
        elapsed = self._tick() - self.anchor
        if elapsed <= self.value:
            return self.value - elapsed
        if not self.reload:
            return 0
        return (self.value - elapsed) % (self.reload + 1)

    def _set_anchor(self, value: int) -> None:
        self.value = value
        self.anchor = self._tick()
        self.seen = 0

    def catch_up(self) -> bool:
        """Account for the time until now; True if the exception is to be made pending."""
        crossings = self._crossings()
        new = crossings > self.seen
        self.seen = crossings
        self.countflag |= new
        return new and bool(self.control & TICKINT)

    def deadline(self) -> int | None:
        """When the exception becomes pending next, in virtual ns; None with TICKINT off."""
        first = self._first_zero()
        if self.control & (ENABLE | TICKINT) != ENABLE | TICKINT or first is None:
            return None
        if self.seen and not self.reload:
            return None
        zero = self.anchor + first + self.seen * (self.reload + 1)
        return -(-zero * NANOSECONDS // self._rate())

    # Registers: the caller has called `catch_up` at this very time ---------------------------

    def read_csr(self) -> int:
        """B3.3.3; the read clears COUNTFLAG."""
        value = self.control | (COUNTFLAG if self.countflag else 0)
        self.countflag = False
        return value

    def write_csr(self, value: int) -> None:
        current = self._current()
        self.control = value & (ENABLE | TICKINT | CLKSOURCE)
        if not self.reference_hz:
            self.control |= CLKSOURCE
        self._set_anchor(current)

    def write_rvr(self, value: int) -> None:
        """B3.3.4: taken when the counter next reloads."""
        current = self._current()
        self.reload = value & RELOAD_MASK
        self._set_anchor(current)

    def read_cvr(self) -> int:
        return self._current()

    def steady(self) -> Steady:
        """How the counter goes on: down to zero, ticks counted from time zero."""
        current = self._current()
        if not self.control & ENABLE or (current == 0 and not self.reload):
            return Steady()
        end = -(-(self._tick() + current + 1) * NANOSECONDS // self._rate())
        return Steady(-1, self._rate(), until_ns=end)

    def write_cvr(self) -> None:
        """B3.3.5: any write clears the counter and COUNTFLAG, and pends nothing."""
        self.countflag = False
        self._set_anchor(0)

    def read_calib(self) -> int:
        """B3.3.6: the reload value for 10 ms of the reference clock, if there is one."""
        if not self.reference_hz:
            return NOREF
        ticks = self.reference_hz // 100
        skew = SKEW if self.reference_hz % 100 else 0
        return skew | max(ticks - 1, 0) & RELOAD_MASK
