"""RNG: nRF51 Reference Manual, chapter "Random number generator".

How long a byte takes is in the nRF51822 Product Specification, table of the RNG's specifications.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.names import names
from ttd.devices.nrf51.peripheral import Peripheral, event_at

START, STOP = 0x000, 0x004
VALRDY = 0
CONFIG, VALUE = 0x504, 0x508
RAW_NS, CORRECTED_NS = 167_000, 677_000
"""Time for a byte without and with bias correction (CONFIG.DERCEN)."""


class Rng(Peripheral):
    """Random bytes from the host. One is fetched when the guest reads a new value, so that a
    generator that runs on unread leaves nothing in the recording."""

    NAMES = (
        *Peripheral.NAMES,
        *names(
            TASKS_START=START,
            TASKS_STOP=STOP,
            EVENTS_VALRDY=event_at(VALRDY),
            CONFIG=CONFIG,
            VALUE=VALUE,
        ),
    )

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "running", "value", "fresh")
    EVENTS: ClassVar[tuple[int, ...]] = (VALRDY,)
    SHORTCUTS = {0: (VALRDY, STOP)}
    PLAIN = {CONFIG: 0}
    NOTICED = True

    def __init__(self, name: str, clock: Clock, irq: Line, random: Callable[[int], bytes]) -> None:
        self.random = random
        super().__init__(name, clock, irq)

    def reset_registers(self) -> None:
        self.running = False
        self.value = 0
        self.fresh = False
        """VALUE has a new byte, which nobody has seen."""

    def task(self, offset: int) -> None:
        if offset == START:
            self.running = True
        elif offset == STOP:
            self.running = False
            self.forget(VALRDY)
        self._go_on()

    def _go_on(self) -> None:
        """The next byte, if anybody would notice."""
        if self.running and not self.awaits(VALRDY) and self.is_noticed(VALRDY):
            self.later(CORRECTED_NS if self.get(CONFIG) & 1 else RAW_NS, VALRDY)

    def happens(self, number: int) -> None:
        self.fresh = True
        self.event(VALRDY)
        self._go_on()

    def write_word(self, offset: int, value: int) -> None:
        super().write_word(offset, value)
        self._go_on()

    def peek_register(self, offset: int) -> int:
        return self.value if offset == VALUE else 0

    def read_word(self, offset: int) -> int:
        if offset == VALUE and self.fresh:
            self.fresh = False
            self.value = self.random(1)[0]
        return self.peek_word(offset)

    def steady(self, offset: int) -> Steady | None:
        return None if offset == VALUE and self.fresh else Steady()
