"""Goldfish RTC: "Goldfish virtual hardware" (Android emulator), "Goldfish Real-Time Clock".

It counts nanoseconds of the host's wall clock, which it asks now and then (`HeldClock`). Reading
TIME_LOW takes the time and keeps its high word for TIME_HIGH. As in QEMU software may set the
time, and IRQ_ENABLED masks the interrupt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ttd.devices.base import Clock, HostTimer, Line, Steady
from ttd.devices.held_clock import HeldClock
from ttd.devices.names import names
from ttd.devices.registers import WORD, RegisterBlock
from ttd.state import State

TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH = 0x00, 0x04, 0x08, 0x0C
IRQ_ENABLED, CLEAR_ALARM, ALARM_STATUS, CLEAR_INTERRUPT = 0x10, 0x14, 0x18, 0x1C
_LONG = (1 << 64) - 1


class GoldfishRtc(RegisterBlock):
    """A clock with one alarm; `host_ns` is the host's time."""

    NAMES = names(
        TIME_LOW=TIME_LOW,
        TIME_HIGH=TIME_HIGH,
        ALARM_LOW=ALARM_LOW,
        ALARM_HIGH=ALARM_HIGH,
        IRQ_ENABLED=IRQ_ENABLED,
        CLEAR_ALARM=CLEAR_ALARM,
        ALARM_STATUS=ALARM_STATUS,
        CLEAR_INTERRUPT=CLEAR_INTERRUPT,
    )

    alone = True
    STATE = ("offset", "taken", "alarm", "armed", "enabled", "pending")

    def __init__(self, name: str, clock: Clock, host_ns: Callable[[], int], line: Line) -> None:
        super().__init__(name, clock)
        self.line = line
        self._held = HeldClock(clock, host_ns)
        self.reset()

    def reset(self) -> None:
        self.offset = 0
        """What is added to the host's time, in ns, modulo 2**64."""
        self.taken = 0
        """The time when the guest last read TIME_LOW."""
        self.alarm = 0
        """The time at which the alarm goes off; the high word is written first."""
        self.armed = False
        self.enabled = False
        self.pending = False
        self._held.reset()
        self.drive()

    def save(self) -> State:
        return super().save() | self._held.save()

    def load(self, state: State) -> None:
        super().load(state)
        self._held.load(state)

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        yield self.line, self.pending and self.enabled

    def _now(self) -> int:
        return (self._held.read() + self.offset) & _LONG

    def read_word(self, offset: int) -> int:
        if offset == TIME_LOW:
            self.taken = self._now()
        return self.peek_word(offset)

    def peek_word(self, offset: int) -> int:
        if offset == TIME_LOW:
            # A read of the clock would be an event of the recording.
            return self.taken & WORD
        if offset == TIME_HIGH:
            return self.taken >> 32
        if offset == ALARM_LOW:
            return self.alarm & WORD
        if offset == ALARM_HIGH:
            return self.alarm >> 32
        if offset == IRQ_ENABLED:
            return int(self.enabled)
        return int(self.armed) if offset == ALARM_STATUS else 0

    def steady(self, offset: int) -> Steady | None:
        if offset not in (TIME_LOW, TIME_HIGH):
            return Steady()
        # As long as a read of TIME_LOW takes the time that has been taken: for TIME_HIGH too, since
        # reading one steady register does not end that another one is.
        taken = (self._held.held + self.offset) & _LONG == self.taken
        return Steady(until_ns=self._held.held_until) if taken else None

    def write_word(self, offset: int, value: int) -> None:
        if offset in (TIME_LOW, TIME_HIGH):
            now = self._now()
            wanted = now & ~WORD | value if offset == TIME_LOW else value << 32 | now & WORD
            self.offset = (self.offset + wanted - now) & _LONG
        elif offset == ALARM_LOW:
            self.alarm = self.alarm & ~WORD | value
            self._arm()
        elif offset == ALARM_HIGH:
            self.alarm = value << 32 | self.alarm & WORD
        elif offset == IRQ_ENABLED:
            self.enabled = bool(value & 1)
        elif offset == CLEAR_ALARM:
            self.armed = False
        elif offset == CLEAR_INTERRUPT:
            self.pending = False
        self.drive()

    def _arm(self) -> None:
        self.armed = self.alarm > self._now()
        self.pending |= not self.armed

    def host_timer(self) -> HostTimer | None:
        return HostTimer("host", (self.alarm - self.offset) & _LONG) if self.armed else None

    @property
    def wakes(self) -> bool:
        return self.pending and self.enabled

    @property
    def minds_waits(self) -> bool:
        return self._held.remembers

    def host_time_passed(self) -> None:
        self._held.forget()

    def expire(self) -> None:
        if self.armed:
            self.armed = False
            self.pending = True
            self._held.forget()
            self.drive()
