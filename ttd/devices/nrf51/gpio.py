"""GPIO: nRF51 Reference Manual, chapter "General-Purpose Input/Output"."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ttd.devices.base import Clock, Steady
from ttd.devices.declared import Bits, Declaration, Register, Word, ask, give
from ttd.devices.nrf51.peripheral import set_clear
from ttd.devices.registers import WORD, RegisterBlock

OUT, OUTSET, OUTCLR, IN, DIR, DIRSET, DIRCLR = range(0x504, 0x520, 4)
PIN_CNF, PINS = 0x700, 32
_CNF_MASK = 0x0003070F
CNF_RESET = 2
"""Input buffer disconnected."""
PULL_UP = 3


class Gpio(RegisterBlock):
    """Thirty-two pins.

    A pin has the level that it is driven to: by an output (of a GPIOTE channel if one has taken
    it), else by the board, else by its pull resistor; else low. Sets of pins are ints.
    """

    STATE: ClassVar[tuple[str, ...]] = ("out", "dir", "cnf", "outside", "levels", "taken", "driven")
    out, dir, seen = Word(), Word(), Word()
    """`seen`: IN."""
    low, input = Word(), Word()
    """What is zero in OUT, and in DIR."""

    @classmethod
    def declaration(cls) -> Declaration:
        out, direction = (give("out"),), (give("dir"),)
        return Declaration(
            {
                OUT: Register(out),
                # What is set already stays as it is, and so does what is not.
                OUTSET: Register(out, (ask(when=Bits("value", also="low")),)),
                OUTCLR: Register(out, (ask(when=Bits("value", also="out")),)),
                IN: Register((give("seen"),), ()),
                DIR: Register(direction),
                DIRSET: Register(direction, (ask(when=Bits("value", also="input")),)),
                DIRCLR: Register(direction, (ask(when=Bits("value", also="dir")),)),
            }
        )

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self.on_levels: list[Callable[[int, int], None]] = []
        """Called with (levels, pins that outputs drive) when one of them changes."""
        self.outside = [0, 0]
        """Pins that the board drives, and their levels."""
        self.reset()

    def reset(self) -> None:
        self.out = 0
        self.dir = 0
        self.cnf = [CNF_RESET] * PINS
        self.taken = 0
        """Pins that GPIOTE channels drive, and to what."""
        self.driven = 0
        self.levels = [0, 0]
        self.derive()
        self._update()

    def drive_pin(self, pin: int, level: bool) -> None:
        """The board drives a pin."""
        self.outside[0] |= 1 << pin
        self.outside[1] = self.outside[1] & ~(1 << pin) | level << pin
        self._update()

    def take(self, pins: int) -> None:
        """GPIOTE channels drive these pins."""
        self.taken = pins
        self._update()

    def put(self, pin: int, level: int) -> None:
        """What a GPIOTE channel drives its pin to."""
        self.driven = self.driven & ~(1 << pin) | level << pin
        self._update()

    def level(self, pin: int) -> int:
        """The level of a pin."""
        return self.levels[0] >> pin & 1

    def _update(self) -> None:
        outputs = self.dir | self.taken
        high = self.dir & self.out & ~self.taken | self.taken & self.driven
        free = ~outputs & WORD
        driven, levels = self.outside
        high |= free & (driven & levels | ~driven & self._pulled_up)
        if self.levels != [high, outputs]:
            self.levels = [high, outputs]
            self._show()
            for hear in self.on_levels:
                hear(high, outputs)

    def derive(self) -> None:
        self._connected = self._pulled_up = 0
        for pin, cnf in enumerate(self.cnf):
            self._connected |= (~cnf >> 1 & 1) << pin
            self._pulled_up |= int(cnf >> 2 & 3 == PULL_UP) << pin
        self._show()

    def _show(self) -> None:
        self.low, self.input = ~self.out & WORD, ~self.dir & WORD
        self.seen = self.levels[0] & self._connected

    def peek_word(self, offset: int) -> int:
        pin = (offset - PIN_CNF) // 4
        return self.cnf[pin] if 0 <= pin < PINS else 0

    def steady(self, offset: int) -> Steady | None:
        return Steady()

    def write_word(self, offset: int, value: int) -> None:
        pin = (offset - PIN_CNF) // 4
        if offset in (OUT, OUTSET, OUTCLR):
            self.out = set_clear(self.out, offset, OUT, value, WORD)
            self._show()
        elif offset in (DIR, DIRSET, DIRCLR):
            self.dir = set_clear(self.dir, offset, DIR, value, WORD)
            for pin in range(PINS):
                self.cnf[pin] = self.cnf[pin] & ~1 | self.dir >> pin & 1
            self._show()
        elif 0 <= pin < PINS:
            self.cnf[pin] = value & _CNF_MASK
            self.dir = self.dir & ~(1 << pin) | (value & 1) << pin
            self.derive()
        self._update()
