"""PPI: nRF51 Reference Manual, chapter "Programmable Peripheral Interconnect"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ttd.devices.base import Clock, Steady
from ttd.devices.names import names, row
from ttd.devices.nrf51.peripheral import EVENTS_END, Peripheral, set_clear
from ttd.devices.registers import RegisterBlock
from ttd.state import State

CHEN, CHENSET, CHENCLR, CH, CHG = 0x500, 0x504, 0x508, 0x510, 0x800
CHANNELS, GROUPS = 16, 4
_MASK = 0xFFF0FFFF
_LONGEST_CHAIN = 16
_RADIO, _TIMER0, _RTC0 = 0x40001000, 0x40008000, 0x4000B000
_COMPARE0, _COMPARE1 = 0x140, 0x144
FIXED = {  # channel -> event, task
    20: (_TIMER0 + _COMPARE0, _RADIO + 0x000),  # TXEN
    21: (_TIMER0 + _COMPARE0, _RADIO + 0x004),  # RXEN
    22: (_TIMER0 + _COMPARE1, _RADIO + 0x010),  # DISABLE
    26: (_RADIO + 0x104, _TIMER0 + 0x044),  # ADDRESS, CAPTURE[1]
    27: (_RADIO + 0x10C, _TIMER0 + 0x048),  # END, CAPTURE[2]
    28: (_RTC0 + _COMPARE0, _RADIO + 0x000),
    29: (_RTC0 + _COMPARE0, _RADIO + 0x004),
    30: (_RTC0 + _COMPARE0, _TIMER0 + 0x00C),  # CLEAR
    31: (_RTC0 + _COMPARE0, _TIMER0 + 0x000),  # START
}
"""Those of the pre-programmed channels whose two ends are modelled."""


class Ppi(RegisterBlock):
    """Channels from events to tasks, which start in the same instant.

    Sixteen can be programmed, the others are fixed. Hardware takes a clock for each; here a chain
    that leads back to itself is cut off after `_LONGEST_CHAIN`.
    """

    NAMES = (
        *names(CHEN=CHEN, CHENSET=CHENSET, CHENCLR=CHENCLR),
        *row("CHG", CHG, GROUPS),
        *row("EEP", CH, CHANNELS, 8),
        *row("TEP", CH + 4, CHANNELS, 8),
    )

    STATE: ClassVar[tuple[str, ...]] = ("enabled", "ends", "groups")

    def __init__(self, name: str, clock: Clock, peripherals: Mapping[int, Peripheral]) -> None:
        """`peripherals`: what has tasks and events, by base address."""
        super().__init__(name, clock)
        self._peripherals = peripherals
        self._depth = 0
        for base, peripheral in peripherals.items():
            self._listen(base, peripheral)
        self.reset()

    def _listen(self, base: int, peripheral: Peripheral) -> None:
        peripheral.on_event = lambda offset: self._event(base + offset)
        peripheral.listened = lambda offset: bool(self._tasks(base + offset))

    def reset(self) -> None:
        self.enabled = 0
        self.ends = [[0, 0] for _ in range(CHANNELS)]
        """Event and task of each channel, by address."""
        self.groups = [0] * GROUPS
        self._say_who_listens()

    def _tasks(self, event: int) -> list[int]:
        """The tasks that an event starts."""
        if not self.enabled:
            return []
        channels = (*enumerate(self.ends), *FIXED.items())
        return [task for n, (source, task) in channels if self.enabled >> n & 1 and source == event]

    def _event(self, event: int) -> None:
        if not self.enabled or self._depth == _LONGEST_CHAIN:
            return
        self._depth += 1
        for task in self._tasks(event):
            offset = task & 0xFFF
            peripheral = self._peripherals.get(task & ~0xFFF)
            if peripheral is not None and offset < EVENTS_END:
                peripheral.task(offset)
                peripheral.derive()
                peripheral.clock.rearm()
                peripheral.drive()
        self._depth -= 1

    def _say_who_listens(self) -> None:
        """Peripherals keep whether anybody hears of their events."""
        for peripheral in self._peripherals.values():
            peripheral.derive()
            peripheral.clock.rearm()

    def load(self, state: State) -> None:
        super().load(state)
        self._say_who_listens()  # those that were loaded before this could not know

    def peek_word(self, offset: int) -> int:
        if offset in (CHEN, CHENSET, CHENCLR):
            return self.enabled
        channel, end = divmod((offset - CH) // 4, 2)
        if 0 <= channel < CHANNELS:
            return self.ends[channel][end]
        group = (offset - CHG) // 4
        return self.groups[group] if 0 <= group < GROUPS else 0

    def steady(self, offset: int) -> Steady | None:
        return Steady()

    def write_word(self, offset: int, value: int) -> None:
        channel, end = divmod((offset - CH) // 4, 2)
        group = (offset - CHG) // 4
        if offset < 8 * GROUPS:
            if value & 1:
                which = self.groups[offset // 8]
                self.enabled = self.enabled & ~which if offset & 4 else self.enabled | which
        elif offset in (CHEN, CHENSET, CHENCLR):
            self.enabled = set_clear(self.enabled, offset, CHEN, value, _MASK)
        elif 0 <= channel < CHANNELS:
            self.ends[channel][end] = value
        elif 0 <= group < GROUPS:
            self.groups[group] = value & _MASK
        self._say_who_listens()
