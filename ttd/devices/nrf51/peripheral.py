"""Tasks, events, shortcuts and interrupts: nRF51 Reference Manual, chapter "Peripheral interface".

A write of 1 to a task's register starts the task. An event sets its register, which software
clears; it starts the tasks that shortcuts connect it to, goes to the PPI, and requests the
peripheral's interrupt while it is enabled and its register is set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from ttd.devices.base import Clock, Line, Steady
from ttd.devices.declared import (
    Bits,
    Declaration,
    Effect,
    Receiving,
    Register,
    Word,
    ask,
    clear_bits,
    constant,
    give,
    keep,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.registers import RegisterBlock

HFCLK = 16_000_000
LFCLK = 32_768
TASKS_END, EVENTS, EVENTS_END = 0x100, 0x100, 0x200
SHORTS, INTEN, INTENSET, INTENCLR = 0x200, 0x300, 0x304, 0x308


def event_at(number: int) -> int:
    """The offset of the register of an event."""
    return EVENTS + 4 * number


def set_clear(old: int, offset: int, register: int, value: int, mask: int) -> int:
    """A register with its SET and CLR at the next two words (ones act): the value after a write."""
    if offset == register:
        return value & mask
    return old | value & mask if offset == register + 4 else old & ~value


def mask_registers(
    offset: int, word: str, mask: int, then: Sequence[Effect] = ()
) -> dict[int, Register]:
    """Such three registers as data; `then`: what a write does afterwards."""
    shown = (give(word),)
    return {
        offset: Register(shown, (keep(word, mask), *then)),
        offset + 4: Register(shown, (set_bits(word, mask, source="value"), *then)),
        offset + 8: Register(shown, (clear_bits(word, source="value"), *then)),
    }


class Peripheral(RegisterBlock):
    """Base of the peripherals that have tasks and events.

    Subclasses name their events (numbers: bit of INTEN, register 0x100 + 4 * number), what
    shortcuts there are, and plain registers with their reset values. They implement `task` and,
    for further registers, `peek_register` and `write_register`.
    """

    NAMES = names(SHORTS=SHORTS, INTEN=INTEN, INTENSET=INTENSET, INTENCLR=INTENCLR)

    STATE: ClassVar[tuple[str, ...]] = ("events", "shorts", "inten", "plain", "due")
    EVENTS: ClassVar[tuple[int, ...]] = ()
    SHORTCUTS: ClassVar[Mapping[int, tuple[int, int]]] = {}
    """Bit of SHORTS -> number of the event, offset of the task."""
    PLAIN: ClassVar[Mapping[int, int]] = {}
    """Offset -> reset value of registers that only hold what is written."""
    NOTICED: ClassVar[bool] = False
    """What happens next depends on which events are set and enabled, and `deadline` asks."""
    events = Word()
    """Bit n: event register n is set."""
    shorts, inten = Word(), Word()

    @classmethod
    def declaration(cls) -> Declaration:
        mask = sum(1 << number for number in cls.EVENTS)
        events = {EVENTS + 4 * n: constant(0) for n in range((EVENTS_END - EVENTS) // 4)}
        for number in cls.EVENTS:
            bit = 1 << number
            writes: tuple[Effect, ...] = (keep("events", bit, number),)
            if cls.NOTICED:
                writes = (ask(when=Bits("events", bit)), ask(when=Bits("value", 1)))
            events[EVENTS + 4 * number] = Register((give(Bits("events", bit), -number),), writes)
        masks = mask_registers(INTEN, "inten", mask)
        if cls.NOTICED:
            masks = dict.fromkeys(masks, Register((give("inten"),)))
        return Declaration(
            {
                **events,
                **masks,
                SHORTS: Register((give("shorts"),)),
                **cls.more_registers(),
            },
            lines={"irq": [Bits("events", also="inten")]},
            receiving=cls.receives(),
        )

    @classmethod
    def more_registers(cls) -> Mapping[int, Register]:
        """Further ones that the subclass declares."""
        return {}

    @classmethod
    def receives(cls) -> Receiving | None:
        """What bytes from a wire do, if there is one."""
        return None

    def __init__(self, name: str, clock: Clock, irq: Line) -> None:
        super().__init__(name, clock)
        self.connect(irq=irq)
        self.on_event: Callable[[int], None] = lambda offset: None
        """Hears of each event, by the offset of its register (the PPI)."""
        self.listened: Callable[[int], bool] = lambda offset: False
        """Does anybody hear of the event with this offset?"""
        self._interrupts = sum(1 << number for number in self.EVENTS)
        self._shortcuts = sum(1 << bit for bit in self.SHORTCUTS)
        self._places = {offset: at for at, offset in enumerate(self.PLAIN)}
        self.reset()

    def reset(self) -> None:
        self.events = 0
        self.shorts = 0
        self.inten = 0
        self.plain = list(self.PLAIN.values())
        self.due: list[list[int]] = []
        """What happens later: virtual time (ns) and a number, given to `happens`."""
        self.reset_registers()
        self.derive()
        self.drive()

    def reset_registers(self) -> None:
        """Put what the subclass has to its reset values."""

    # Events and tasks ------------------------------------------------------------------------

    def event(self, number: int) -> None:
        """The event happens now."""
        self.events |= 1 << number
        if self.connected >> number & 1:
            for bit, (source, task) in self.SHORTCUTS.items():
                if source == number and self.shorts >> bit & 1:
                    self.task(task)
        self.on_event(EVENTS + 4 * number)
        self.drive()

    def derive(self) -> None:
        self.connected = 0
        """Bit n: event n starts a task."""
        for bit, (source, _) in self.SHORTCUTS.items():
            self.connected |= (self.shorts >> bit & 1) << source

    def task(self, offset: int) -> None:
        """The task at this offset is started, by software, a shortcut or the PPI."""

    def is_noticed(self, number: int) -> bool:
        """Would anything change if the event happened now?"""
        return (
            not self.events >> number & 1
            or bool(self.connected >> number & 1)
            or self.listened(EVENTS + 4 * number)
        )

    def later(self, ns: int, number: int) -> None:
        """Call `happens(number)` in so many nanoseconds."""
        self.due.append([self.clock.now() + ns, number])
        self.due.sort()
        self.clock.rearm()

    def forget(self, *numbers: int) -> None:
        """What was to happen later does not."""
        self.due = [entry for entry in self.due if entry[1] not in numbers]
        self.clock.rearm()

    def awaits(self, number: int) -> bool:
        """Is it going to happen?"""
        return any(entry[1] == number for entry in self.due)

    def happens(self, number: int) -> None:
        """Something that `later` was told of; an event unless the subclass has more to do."""
        self.event(number)

    def deadline(self) -> int | None:
        return self.due[0][0] if self.due else None

    def expire(self) -> None:
        while self.due and self.due[0][0] <= self.clock.now():
            _, number = self.due.pop(0)
            self.happens(number)

    # Registers -------------------------------------------------------------------------------

    def peek_register(self, offset: int) -> int:
        """A register that is none of the common ones; zero where there is none."""
        return 0

    def write_register(self, offset: int, value: int) -> None:
        """Write a register that is none of the common ones."""

    def get(self, offset: int) -> int:
        """The value of a plain register."""
        return self.plain[self._places[offset]]

    def steady(self, offset: int) -> Steady | None:
        # All changes but those of counters come at deadlines, which end a run of the engine.
        return Steady()

    def peek_word(self, offset: int) -> int:
        place = self._places.get(offset)
        return self.peek_register(offset) if place is None else self.plain[place]

    def write_word(self, offset: int, value: int) -> None:
        if offset < TASKS_END:
            if value & 1:
                self.task(offset)
        elif offset < EVENTS_END:
            self._write_event((offset - EVENTS) // 4, value)
        elif offset == SHORTS:
            self.shorts = value & self._shortcuts
        elif offset in (INTEN, INTENSET, INTENCLR):
            self.inten = set_clear(self.inten, offset, INTEN, value, self._interrupts)
        else:
            place = self._places.get(offset)
            if place is not None:
                self.plain[place] = value
            self.write_register(offset, value)
        self.derive()
        self.clock.rearm()
        self.drive()

    def _write_event(self, number: int, value: int) -> None:
        """Software clears events; setting one has the register set, and no other effect."""
        if number in self.EVENTS:
            self.events = self.events & ~(1 << number) | (value & 1) << number
