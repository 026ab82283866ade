"""ADC: nRF51 Reference Manual, chapter "Analog to Digital Converter"."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.names import names
from ttd.devices.nrf51.peripheral import Peripheral, event_at

START, STOP = 0x000, 0x004
END = 0
BUSY, ENABLE, CONFIG, RESULT = 0x400, 0x500, 0x504, 0x508
_TIMES_NS = (20_000, 36_000, 68_000, 68_000)
"""By resolution (CONFIG.RES): 8, 9, 10 bits."""
SUPPLY_MV = 3000
BANDGAP_MV = 1200


class Adc(Peripheral):
    """A converter whose input pins are all at 0 V; its own supply is at 3 V."""

    NAMES = (
        *Peripheral.NAMES,
        *names(
            TASKS_START=START,
            TASKS_STOP=STOP,
            EVENTS_END=event_at(END),
            BUSY=BUSY,
            ENABLE=ENABLE,
            CONFIG=CONFIG,
            RESULT=RESULT,
        ),
    )

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "result")
    EVENTS: ClassVar[tuple[int, ...]] = (END,)
    PLAIN = {ENABLE: 0, CONFIG: 0x18}

    def reset_registers(self) -> None:
        self.result = 0

    def task(self, offset: int) -> None:
        if offset == START and self.get(ENABLE) & 3 == 1 and not self.awaits(END):
            self.later(_TIMES_NS[self.get(CONFIG) & 3], END)
        elif offset == STOP:
            self.forget(END)

    def happens(self, number: int) -> None:
        self.result = self._convert()
        self.event(END)

    def _convert(self) -> int:
        """CONFIG: RES [1:0], INPSEL [4:2], REFSEL [6:5]."""
        config = self.get(CONFIG)
        # INPSEL 5 and 6 are the supply times 2/3 and 1/3; the others are pins.
        level = {5: SUPPLY_MV * 2 // 3, 6: SUPPLY_MV // 3}.get(config >> 2 & 7, 0)
        # REFSEL: band gap, external (none here), supply / 2, supply / 3.
        reference = (BANDGAP_MV, BANDGAP_MV, SUPPLY_MV // 2, SUPPLY_MV // 3)[config >> 5 & 3]
        most = (1 << 8 + min(config & 3, 2)) - 1
        return min(level * most // reference, most)

    def peek_register(self, offset: int) -> int:
        if offset == BUSY:
            return int(self.awaits(END))
        return self.result if offset == RESULT else 0
