"""GPIO: nRF51 Reference Manual, chapter "General-Purpose Input/Output"."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol

from ttd.devices.base import Clock, Steady
from ttd.devices.declared import Bits, Declaration, Register, Word, ask, clear_bits, give, set_bits
from ttd.devices.names import names, row
from ttd.devices.nrf51.peripheral import set_clear
from ttd.devices.registers import WORD, RegisterBlock

OUT, OUTSET, OUTCLR, IN, DIR, DIRSET, DIRCLR = range(0x504, 0x520, 4)
PIN_CNF, PINS = 0x700, 32
_CNF_MASK = 0x0003070F
CNF_RESET = 2
"""Input buffer disconnected."""
PULL_UP = 3
SENSE_HIGH, SENSE_LOW = 2, 3


class Levels(NamedTuple):
    """Sets of pins."""

    high: int
    outputs: int
    """Those that outputs drive."""


class PinListener(Protocol):
    """Who is connected to pins."""

    def levels_changed(self, was: Levels, now: Levels) -> None:
        """Pins have changed; others than those it `minds` may have before."""

    def minds(self, now: Levels) -> int:
        """The pins of which it has to hear, while they have these levels."""


class Gpio(RegisterBlock):
    """Thirty-two pins.

    A pin has the level that it is driven to: by an output (of a GPIOTE channel if one has taken
    it), else by the board, else by its pull resistor; else low. Sets of pins are ints.
    """

    NAMES = (
        *names(OUT=OUT, OUTSET=OUTSET, OUTCLR=OUTCLR, IN=IN, DIR=DIR, DIRSET=DIRSET, DIRCLR=DIRCLR),
        *row("PIN_CNF", PIN_CNF, PINS),
    )

    STATE: ClassVar[tuple[str, ...]] = ("out", "dir", "cnf", "outside", "taken", "driven")
    out, dir, seen = Word(), Word(), Word()
    """`seen`: IN."""
    low, high, input = Word(), Word(), Word()
    """What is zero, or one, in OUT of pins that somebody minds; what is zero in DIR."""

    @classmethod
    def declaration(cls) -> Declaration:
        out, direction = (give("out"),), (give("dir"),)
        rise, fall = set_bits("out", source="value"), clear_bits("out", source="value")
        return Declaration(
            {
                OUT: Register(out),
                OUTSET: Register(out, (ask(when=Bits("value", also="low")), rise)),
                OUTCLR: Register(out, (ask(when=Bits("value", also="high")), fall)),
                IN: Register((give("seen"),), ()),
                DIR: Register(direction),
                # What is an output already stays one, and so does what is none.
                DIRSET: Register(direction, (ask(when=Bits("value", also="input")),)),
                DIRCLR: Register(direction, (ask(when=Bits("value", also="dir")),)),
            }
        )

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self.listeners: list[PinListener] = []
        self.outside = [0, 0]
        """Pins that the board drives, and their levels."""
        self.cnf = [CNF_RESET] * PINS
        self.taken = 0
        """Pins that GPIOTE channels drive, and to what."""
        self.driven = 0
        self.derive()
        self.reset()

    def reset(self) -> None:
        was = self.levels
        self.out = 0
        self.dir = 0
        self.cnf = [CNF_RESET] * PINS
        self.taken = 0
        self.driven = 0
        self.derive()
        self._changed(was)

    def drive_pin(self, pin: int, level: bool) -> None:
        """The board drives a pin."""
        was = self.levels
        self.outside[0] |= 1 << pin
        self.outside[1] = self.outside[1] & ~(1 << pin) | level << pin
        self._changed(was)

    def take(self, pins: int) -> None:
        """GPIOTE channels drive these pins."""
        was = self.levels
        self.taken = pins
        self._changed(was)

    def put(self, pin: int, level: int) -> None:
        """What a GPIOTE channel drives its pin to."""
        was = self.levels
        self.driven = self.driven & ~(1 << pin) | level << pin
        self._changed(was)

    def level(self, pin: int) -> int:
        """The level of a pin."""
        return self.levels.high >> pin & 1

    @property
    def levels(self) -> Levels:
        """What the pins are."""
        outputs = self.dir | self.taken
        high = self.dir & self.out & ~self.taken | self.taken & self.driven
        free = ~outputs & WORD
        driven, levels = self.outside
        return Levels(high | free & (driven & levels | ~driven & self._pulled_up), outputs)

    def _changed(self, was: Levels) -> None:
        if (now := self.levels) != was:
            for listener in self.listeners:
                listener.levels_changed(was, now)
        self.show()

    def derive(self) -> None:
        self._connected = self._pulled_up = 0
        self.sensed_high = self.sensed_low = 0
        """Pins whose PIN_CNF.SENSE waits for that level."""
        for pin, cnf in enumerate(self.cnf):
            self._connected |= (~cnf >> 1 & 1) << pin
            self._pulled_up |= int(cnf >> 2 & 3 == PULL_UP) << pin
            self.sensed_high |= int(cnf >> 16 & 3 == SENSE_HIGH) << pin
            self.sensed_low |= int(cnf >> 16 & 3 == SENSE_LOW) << pin
        self.show()

    def show(self) -> None:
        """Bring to what they must be the words that follow from the pins and from who minds them.

        Outputs that nobody minds, and that IN does not show, are switched without Python.
        """
        now = self.levels
        minded = ~(self.dir & ~self.taken) | self._connected
        for listener in self.listeners:
            minded |= listener.minds(now)
        self.low, self.high = ~self.out & minded & WORD, self.out & minded & WORD
        self.input = ~self.dir & WORD
        self.seen = now.high & self._connected

    def peek_word(self, offset: int) -> int:
        pin = (offset - PIN_CNF) // 4
        return self.cnf[pin] if 0 <= pin < PINS else 0

    def steady(self, offset: int) -> Steady | None:
        return Steady()

    def write_word(self, offset: int, value: int) -> None:
        was = self.levels
        pin = (offset - PIN_CNF) // 4
        if offset in (OUT, OUTSET, OUTCLR):
            self.out = set_clear(self.out, offset, OUT, value, WORD)
        elif offset in (DIR, DIRSET, DIRCLR):
            self.dir = set_clear(self.dir, offset, DIR, value, WORD)
            for pin in range(PINS):
                self.cnf[pin] = self.cnf[pin] & ~1 | self.dir >> pin & 1
        elif 0 <= pin < PINS:
            self.cnf[pin] = value & _CNF_MASK
            self.dir = self.dir & ~(1 << pin) | (value & 1) << pin
            self.derive()
        self._changed(was)
