"""The five by five lights: three rows of nine, which software lights one row after the other.

Wiring: schematic of the BBC micro:bit (version 1), sheet "LED matrix".
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from ttd.devices.base import Clock, Device, View
from ttd.devices.nrf51.gpio import Gpio, Levels

SIDE = 5
ROW_PINS = (13, 14, 15)
"""High while a row has current; rows 1 to 3 of the wiring."""
COLUMN_PINS = tuple(range(4, 13))
"""Low while the lights of a column take it."""
WIRING = (
    ((1, 1), (2, 4), (1, 2), (2, 5), (1, 3)),
    ((3, 4), (3, 5), (3, 6), (3, 7), (3, 8)),
    ((2, 2), (1, 9), (2, 3), (3, 9), (2, 1)),
    ((1, 8), (1, 7), (1, 6), (1, 5), (1, 4)),
    ((3, 3), (2, 7), (3, 1), (2, 6), (3, 2)),
)
"""Row and column of the wiring for each light, as one sees them from left to right."""
EYE_NS = 20_000_000
"""The time that the eye sees as one."""
FULL = len(ROW_PINS)
"""A light that is on a third of the time is as bright as it gets when all rows take turns."""
LEVELS = 9
_MOST_CHANGES = 128
_ROWS = sum(1 << pin for pin in ROW_PINS)
_COLUMNS = sum(1 << pin for pin in COLUMN_PINS)
_LIGHTS = tuple(
    (1 << ROW_PINS[row - 1], 1 << COLUMN_PINS[column - 1])
    for line in WIRING
    for row, column in line
)


@lru_cache(512)
def _lit(rows: int, columns: int) -> int:
    """The lights of these rows and columns, by their pins: bit 5 * y + x."""
    return sum(
        1 << number
        for number, (row, column) in enumerate(_LIGHTS)
        if rows & row and columns & column
    )


def _current(now: Levels) -> tuple[int, int]:
    """Rows that have current, and columns that take it."""
    return now.high & now.outputs & _ROWS, now.outputs & ~now.high & _COLUMNS


class LedMatrix(Device):
    """What of the lights was on during the last `EYE_NS` of virtual time."""

    STATE: ClassVar[tuple[str, ...]] = ("history",)

    def __init__(self, name: str, clock: Clock, gpio: Gpio) -> None:
        super().__init__(name, clock)
        self.reset()
        gpio.listeners.append(self)

    def reset(self) -> None:
        self.history: list[list[int]] = [[0, 0]]
        """Since when (ns), which lights were on: bit 5 * y + x. The first is older than the eye
        remembers, or the oldest that is kept."""

    def minds(self, now: Levels) -> int:
        rows, columns = _current(now)
        # Whatever the others do, it stays dark without one of the two.
        if not columns:
            return _COLUMNS
        return _ROWS | _COLUMNS if rows else _ROWS

    def levels_changed(self, was: Levels, now: Levels) -> None:
        lit = _lit(*_current(now))
        if lit != self.history[-1][1]:
            time = self.clock.now()
            kept = self.history[-_MOST_CHANGES:]
            while len(kept) > 1 and kept[1][0] <= time - EYE_NS:
                del kept[0]
            self.history = [*kept, [time, lit]]

    def brightness(self) -> list[int]:
        """Of each light, row by row: 0 (dark) to 9."""
        now = self.clock.now()
        begin = max(0, now - EYE_NS)
        time_on = [0] * len(_LIGHTS)
        ends = [entry[0] for entry in self.history[1:]] + [now]
        for (start, lit), end in zip(self.history, ends, strict=True):
            share = end - max(start, begin)
            if share > 0:
                for number in range(len(_LIGHTS)):
                    if lit >> number & 1:
                        time_on[number] += share
        most = max(1, now - begin)
        return [min(LEVELS, -(-LEVELS * FULL * on // most)) for on in time_on]

    def show(self) -> str:
        """The lights as lines of text: a dot where it is dark, else how bright it is."""
        marks = [str(level) if level else "." for level in self.brightness()]
        rows = [marks[at : at + SIDE] for at in range(0, len(marks), SIDE)]
        return "".join(" ".join(row) + "\n" for row in rows)

    def views(self) -> tuple[View, ...]:
        return (View(self.name, "the lights, . dark to 9 bright", self.show),)
