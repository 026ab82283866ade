"""Arm PrimeCell Real Time Clock (PL031): DDI0224, chapter 3.

As in QEMU the data register starts with the time of the clock it is connected to; a real one
starts at zero and is set by software.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ttd.devices.base import Clock, HostTimer, Line, Steady
from ttd.devices.registers import WORD, RegisterBlock

DR, MR, LR, CR, IMSC, RIS, MIS, ICR = range(0x00, 0x20, 4)
SECOND = 1_000_000_000
HOLD_NS = 100_000
"""Virtual time for which an answer of the host's clock holds. It is short beside a second, and a
guest that polls the clock need not ask for each read."""
_ID = (0x31, 0x10, 0x04, 0x00, 0x0D, 0xF0, 0x05, 0xB1)
"""RTCPeriphID0-3, RTCPCellID0-3 (DDI0224, 3.3.9, 3.3.10)."""


class Pl031(RegisterBlock):
    """A counter of seconds with an alarm.

    `seconds` is the clock it counts: one of the host's (`timer` then names it, and the alarm goes
    off when the host's time has come), or None for virtual time.
    """

    STATE = ("offset", "match", "load_value", "mask", "raw", "alarm", "held", "held_until")

    def __init__(
        self,
        name: str,
        clock: Clock,
        line: Line,
        seconds: Callable[[], int] | None = None,
        timer: str = "",
    ) -> None:
        super().__init__(name, clock)
        self.line = line
        self._seconds = seconds
        self._timer = timer
        self.reset()

    def reset(self) -> None:
        self.offset = 0
        """What is added to the clock, modulo 2**32."""
        self.match = 0
        self.load_value = 0
        self.mask = 0
        self.raw = 0
        self.alarm: int | None = None
        """Second of the clock at which DR reaches MR."""
        self.held = 0
        """What the host's clock last said."""
        self.held_until = 0
        """Virtual time (ns) at which it is asked again."""
        self.drive()

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        yield self.line, bool(self.raw & self.mask)

    def _now(self) -> int:
        now = self.clock.now()
        if self._seconds is None:
            return now // SECOND
        if now >= self.held_until:
            self.held = self._seconds()
            self.held_until = now + HOLD_NS
        return self.held

    def read_word(self, offset: int) -> int:
        if offset == DR:
            return (self._now() + self.offset) & WORD
        return self.peek_word(offset)

    def peek_word(self, offset: int) -> int:
        if offset == DR:
            # To ask the host's clock would be an event of the recording.
            now = self.held if self._seconds is not None else self._now()
            return (now + self.offset) & WORD
        if offset == MR:
            return self.match
        if offset == LR:
            return self.load_value
        if offset == CR:
            return 1  # 3.3.4: once started it cannot be stopped
        if offset == IMSC:
            return self.mask
        if offset == RIS:
            return self.raw
        if offset == MIS:
            return self.raw & self.mask
        return _ID[(offset - 0xFE0) // 4] if 0xFE0 <= offset <= 0xFFC else 0

    def steady(self, offset: int) -> Steady | None:
        if offset != DR:
            return Steady()
        return Steady(1) if self._seconds is None else Steady(until_ns=self.held_until)

    def write_word(self, offset: int, value: int) -> None:
        if offset == MR:
            self.match = value
            self._arm()
        elif offset == LR:
            self.load_value = value
            self.offset = (value - self._now()) & WORD
            self._arm()
        elif offset == IMSC:
            self.mask = value & 1
        elif offset == ICR:
            self.raw &= ~value
        self.drive()

    def _arm(self) -> None:
        now = self._now()
        ticks = (self.match - now - self.offset) & WORD
        self.alarm = now + ticks if ticks else None
        if not ticks:
            self.raw = 1
        self.clock.rearm()

    def deadline(self) -> int | None:
        return None if self._timer or self.alarm is None else self.alarm * SECOND

    def host_timer(self) -> HostTimer | None:
        if not self._timer or self.alarm is None:
            return None
        return HostTimer(self._timer, self.alarm * SECOND)

    def expire(self) -> None:
        if self.alarm is not None:
            self.alarm = None
            # The host's time has come: what was held is of before.
            self.held_until = 0
            self.raw = 1
            self.drive()
