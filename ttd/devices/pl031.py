"""Arm PrimeCell Real Time Clock (PL031): DDI0224, chapter 3.

As in QEMU the data register starts with the time of the clock it is connected to; a real one
starts at zero and is set by software.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ttd.devices.base import Clock, HostTimer, Line, Steady
from ttd.devices.held_clock import HeldClock
from ttd.devices.names import names
from ttd.devices.registers import WORD, RegisterBlock
from ttd.state import State

DR, MR, LR, CR, IMSC, RIS, MIS, ICR = range(0x00, 0x20, 4)
SECOND = 1_000_000_000
_ID = (0x31, 0x10, 0x04, 0x00, 0x0D, 0xF0, 0x05, 0xB1)
"""RTCPeriphID0-3, RTCPCellID0-3 (DDI0224, 3.3.9, 3.3.10)."""


class Pl031(RegisterBlock):
    """A counter of seconds with an alarm.

    `seconds` is the clock it counts: one of the host's (`timer` then names it, and the alarm goes
    off when the host's time has come), or None for virtual time.
    """

    NAMES = names(DR=DR, MR=MR, LR=LR, CR=CR, IMSC=IMSC, RIS=RIS, MIS=MIS, ICR=ICR)

    alone = True
    STATE = ("offset", "match", "load_value", "mask", "raw", "alarm")

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
        self._virtual = seconds is None
        self._held = HeldClock(clock, seconds or self._virtual_seconds)
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
        self._held.reset()
        self.drive()

    def save(self) -> State:
        return super().save() | self._held.save()

    def load(self, state: State) -> None:
        super().load(state)
        self._held.load(state)

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        yield self.line, bool(self.raw & self.mask)

    def _virtual_seconds(self) -> int:
        return self.clock.now() // SECOND

    def _now(self) -> int:
        return self._virtual_seconds() if self._virtual else self._held.read()

    def read_word(self, offset: int) -> int:
        if offset == DR:
            return (self._now() + self.offset) & WORD
        return self.peek_word(offset)

    def peek_word(self, offset: int) -> int:
        if offset == DR:
            # To ask the host's clock would be an event of the recording.
            now = self._now() if self._virtual else self._held.held
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
        return Steady(1) if self._virtual else Steady(until_ns=self._held.held_until)

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

    @property
    def wakes(self) -> bool:
        return bool(self.raw & self.mask)

    @property
    def minds_waits(self) -> bool:
        return self._held.remembers

    def host_time_passed(self) -> None:
        self._held.forget()

    def expire(self) -> None:
        if self.alarm is not None:
            self.alarm = None
            self._held.forget()
            self.raw = 1
            self.drive()
