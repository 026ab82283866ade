"""Registers declared as data, so that accesses of them cost no call of Python.

A device says of its words (`Word`, `Flag`: attributes that are kept natively) what reads and writes
of its registers do to them, and which of their bits raise its lines. What cannot be said so is
`ask`ed: the device's own methods do it, as they do for a register that is not declared at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple, Protocol, overload

from ttd.devices.base import Clock, Device, Line
from ttd.devices.chars import CharFront
from ttd.engine.registers import (
    CLOSED,
    COUNTERS,
    FIRST_WORD,
    LINES,
    MATCHES,
    ONES,
    TERMS,
    VALUE,
    WORDS,
    Access,
    CounterRule,
    MatchRule,
    Op,
    RegisterFile,
    RegisterMap,
    WordBits,
    WordCondition,
    WordEffect,
    WordReceiving,
)
from ttd.state import State
from ttd.values import dataclass

ALL = 0xFFFFFFFF
MOST_NUMBERS = 16


class HasWords(Protocol):
    """What the words belong to."""

    words: Any


class Word:
    """An attribute of 32 bits that registers are made of."""

    index = 0

    def __set_name__(self, owner: type, name: str) -> None:
        above = {key for base in owner.__mro__[1:] for key, _ in words_of(vars(base))}
        own = [key for key, _ in words_of(vars(owner))]
        self.index = FIRST_WORD + len(above) + own.index(name)

    @overload
    def __get__(self, device: None, owner: type) -> Word: ...
    @overload
    def __get__(self, device: HasWords, owner: type) -> int: ...
    def __get__(self, device: HasWords | None, owner: type) -> Word | int:
        return self if device is None else device.words[self.index]

    def __set__(self, device: HasWords, value: int) -> None:
        device.words[self.index] = value


class Flag:
    """An attribute that is a bit of a word."""

    def __init__(self, word: Word, bit: int) -> None:
        self.word = word
        self.mask = bit

    @overload
    def __get__(self, device: None, owner: type) -> Flag: ...
    @overload
    def __get__(self, device: HasWords, owner: type) -> bool: ...
    def __get__(self, device: HasWords | None, owner: type) -> Flag | bool:
        return self if device is None else bool(device.words[self.word.index] & self.mask)

    def __set__(self, device: HasWords, value: object) -> None:
        old = device.words[self.word.index]
        device.words[self.word.index] = old | self.mask if value else old & ~self.mask


def words_of(names: Mapping[str, object]) -> list[tuple[str, Word]]:
    """Those of a class, in its order."""
    return [(name, word) for name, word in names.items() if isinstance(word, Word)]


class Bits(NamedTuple):
    """Bits of a word; of those, only the ones that another word, shifted to the right, has too."""

    word: str
    mask: int = ALL
    also: str | None = None
    shift: int = 0


NOTHING, ALWAYS = Bits("ones", 0), Bits("ones")
"""Bits that are zeros, and ones."""


class Condition(NamedTuple):
    """The bits have ones, or, `unless`, have none."""

    bits: Bits
    unless: bool = False


class Effect(NamedTuple):
    """Made by the functions below."""

    op: Op
    what: Bits
    move: int = 0
    when: Bits | None = None
    unless: bool = False


def _effect(op: Op, what: Bits, move: int, when: Bits | None, unless: Bits | None) -> Effect:
    return Effect(op, what, move, when or unless, unless is not None)


def ask(*, when: Bits | None = None, unless: Bits | None = None) -> Effect:
    """The device's own methods do the access, if `when` has ones (`unless` has none)."""
    return _effect(Op.ASK, Bits("ones"), 0, when, unless)


def give(
    what: Bits | str, move: int = 0, *, when: Bits | None = None, unless: Bits | None = None
) -> Effect:
    """What is read has these bits, moved to the left (negative: to the right)."""
    bits = Bits(what) if isinstance(what, str) else what
    return _effect(Op.GIVE, bits, move, when, unless)


def keep(
    word: str, mask: int = ALL, move: int = 0, *, source: str = "value", when: Bits | None = None
) -> Effect:
    """The bits `mask` of `word` become those of what is written, or of `source`, moved."""
    return _effect(Op.KEEP, Bits(word, mask, source), move, when, None)


def set_bits(
    word: str,
    mask: int = ALL,
    move: int = 0,
    *,
    source: str = "ones",
    when: Bits | None = None,
    unless: Bits | None = None,
) -> Effect:
    """Bits become ones: all of `mask`, or where `source`, moved, has ones."""
    return _effect(Op.SET, Bits(word, mask, source), move, when, unless)


def clear_bits(
    word: str,
    mask: int = ALL,
    move: int = 0,
    *,
    source: str = "ones",
    when: Bits | None = None,
    unless: Bits | None = None,
) -> Effect:
    """Bits become zeros: as `set_bits`."""
    return _effect(Op.CLEAR, Bits(word, mask, source), move, when, unless)


def send(*, when: Bits | None = None) -> Effect:
    """The byte that is written leaves the device, by `put`; `ask` if that is not certain."""
    return _effect(Op.PUSH, Bits("value"), 0, when, None)


def give_count(counter: int = 0, mask: int = ALL) -> Effect:
    """What is read has these bits of what a counter holds, by its number in the declaration."""
    return _effect(Op.COUNT, Bits(str(counter), mask), 0, None, None)


def pulse(line: int, *, when: Bits | None = None) -> Effect:
    """The line with this number goes low, and then to the level that the words give it."""
    return _effect(Op.PULSE, Bits(str(line)), 0, when, None)


def call(what: int) -> Effect:
    """Native code of the device's own (`RegisterFile.call`) does it, alone, being told `what`; or
    leaves it to the device's methods."""
    return _effect(Op.CALL, Bits(str(what)), 0, None, None)


def done(*, when: Bits | None = None, unless: Bits | None = None) -> Effect:
    """What follows is left out."""
    return _effect(Op.DONE, Bits("ones"), 0, when, unless)


def append(*, when: Bits | None = None) -> Effect:
    """The byte goes to the receive FIFO, if there is room."""
    return _effect(Op.APPEND, Bits("value"), 0, when, None)


def drop(*, when: Bits | None = None) -> Effect:
    """The first byte of the receive FIFO goes."""
    return _effect(Op.DROP, Bits("ones"), 0, when, None)


def pause(*, when: Bits | None = None) -> Effect:
    """The wire is busy for a character's time, unless it is already: at the end of that the host
    side is asked what it has."""
    return _effect(Op.PAUSE, Bits("ones"), 0, when, None)


@dataclass(frozen=True, slots=True)
class Register:
    """What a read and a write of a register do, in this order; `ask` comes first."""

    read: Sequence[Effect] = (ask(),)
    write: Sequence[Effect] = (ask(),)


def constant(value: int) -> Register:
    """A register that gives a value; writes do nothing."""
    return Register((give(Bits("ones", value)),), ())


def kept(word: str, mask: int = ALL) -> Register:
    """A register that holds what is written."""
    return Register((give(word),), (keep(word, mask),))


ASKED = Register()


class Receiving(NamedTuple):
    """What bytes from the wire do."""

    closed: Sequence[Condition]
    """Nothing can come, or not without a loss, while any of these holds."""
    arrive: Sequence[Effect]
    """The byte is "value"."""
    timeout: Sequence[Effect] = ()
    """What happens when the FIFO has not been read for long."""
    state: str = ""
    """The word that shows what is in the FIFO (SOME and its kin), and"""
    first: str = ""
    """the one that is its first byte; none if there is no FIFO."""


class Counter(NamedTuple):
    """A counter, by words: what it held at its anchor (`value`), from where it goes on or begins
    anew (`top`): `ttd_counter_rule` of `native/declared.h`.

    It counts while `runs` has ones and `halts` none. A write of any register brings `value` to what
    it holds now, before effects and methods of the device see it.
    """

    value: str
    top: str
    runs: Bits
    halts: Bits = NOTHING
    once: Bits = NOTHING
    down: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """What happens when a counter comes to `target`, or with every tick.

    It is waited for while `when` has ones and `unless` none: while it would change anything. While
    `tells` has ones the device hears of it, when the effects have happened.
    """

    effects: Sequence[Effect]
    target: Bits = NOTHING
    every: bool = False
    when: Bits = ALWAYS
    unless: Bits = NOTHING
    tells: Bits = NOTHING
    counter: int = 0


@dataclass(frozen=True, slots=True)
class Declaration:
    """The registers of a class of devices, by offset."""

    registers: Mapping[int, Register]
    others: Register = ASKED
    """All that are not named."""
    lines: Mapping[str, Sequence[Bits]] = field(default_factory=dict)
    """Interrupt lines by their names: high where any of these bits are ones."""
    decode: int = 0xFFF
    """The bits of an offset that count; one less than a power of two."""
    whole: bool = False
    """Other accesses than those of whole registers are asked."""
    counters: Sequence[Counter] = ()
    matches: Sequence[Match] = ()
    receiving: Receiving | None = None


class Declared(Device):
    """A device whose class declares registers, if it does.

    Its `read`, `write` and `peek` ask `registers` first, and do what that leaves to them.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self._lines: list[Line] = []
        found = _map_of(type(self))
        if found is not None:
            self.registers = RegisterFile(found, self._tell, self._now, self._rearm)
            self.words = self.registers.words

    @classmethod
    def declaration(cls) -> Declaration | None:
        """The registers that this class declares."""
        return None

    def connect(self, **lines: Line) -> None:
        """Say who listens to the lines, by their names in the declaration."""
        declaration = self.declaration()
        assert declaration is not None
        self._lines = [lines[name] for name in declaration.lines]
        for number, line in enumerate(self._lines):
            if line.native is not None and self.registers is not None:
                self.registers.listen(number, line.native)

    def send_to(self, front: CharFront) -> None:
        """Say where `send` sends to."""
        if self.registers is not None:
            self.registers.send_to(front.put, front.room)

    def _now(self) -> int:
        return self.clock.now()  # of the clock that it has by then

    def _rearm(self) -> None:
        self.clock.rearm()  # likewise

    def _tell(self, number: int, level: bool) -> None:
        self._lines[number].set(level)

    def drive_lines(self) -> None:
        """Bring the declared lines to the levels that follow from the words."""
        if self.registers is not None:
            self.registers.drive()

    def derive(self) -> None:
        """Bring words that follow from the rest of the state to what they must be."""

    def load(self, state: State) -> None:
        super().load(state)
        self.derive()
        # The listener is being restored too, to a state that knows these levels already: tell it
        # nothing, or a restored high line would look like a new edge.
        if self.registers is not None:
            for line, level in zip(self._lines, self.registers.settle(), strict=True):
                line.level = level


_MAPS: dict[type[Declared], RegisterMap | None] = {}


def _map_of(owner: type[Declared]) -> RegisterMap | None:
    if owner not in _MAPS:
        declaration = owner.declaration()
        _MAPS[owner] = None if declaration is None else _compiled(owner, declaration)
    return _MAPS[owner]


def _compiled(owner: type[Declared], declaration: Declaration) -> RegisterMap:
    numbers = {"value": VALUE, "ones": ONES}
    for base in owner.__mro__:
        numbers |= {name: word.index for name, word in words_of(vars(base))}
    assert len(numbers) <= WORDS and len(declaration.lines) <= LINES, owner

    def bits(some: Bits) -> WordBits:
        also = ONES if some.also is None else numbers[some.also]
        return WordBits(numbers[some.word], also, some.shift, some.mask)

    # Of lines, and of what is left to a device's own code.
    numbers |= {str(number): number for number in range(MOST_NUMBERS)}

    def row(effects: Sequence[Effect]) -> list[WordEffect]:
        found = [
            WordEffect(
                f.op,
                bits(f.what),
                f.move,
                WordBits(ONES) if f.when is None else bits(f.when),
                f.unless,
            )
            for f in effects
        ]
        # Whether there is room is asked before anything is done.
        guards = [f for f in found if f.op is Op.ASK]
        guards += [WordEffect(Op.ROOM, *f[1:]) for f in found if f.op is Op.PUSH]
        return guards + [f for f in found if f.op is not Op.ASK]

    def access(register: Register) -> Access:
        return Access(row(register.read), row(register.write))

    def receiving(how: Receiving) -> WordReceiving:
        assert len(how.closed) <= CLOSED, owner
        return WordReceiving(
            [WordCondition(bits(some.bits), some.unless) for some in how.closed],
            row(how.arrive),
            row(how.timeout),
            numbers[how.state] if how.state else 0,
            numbers[how.first] if how.first else 0,
        )

    lines = [[bits(term) for term in terms] for terms in declaration.lines.values()]
    assert all(len(terms) <= TERMS for terms in lines), owner
    counters = [
        CounterRule(
            *(numbers[c.value], numbers[c.top], c.down), bits(c.runs), bits(c.halts), bits(c.once)
        )
        for c in declaration.counters
    ]
    matches = [
        MatchRule(
            *(m.counter, m.every, bits(m.target), bits(m.when), bits(m.unless), bits(m.tells)),
            row(m.effects),
        )
        for m in declaration.matches
    ]
    assert len(counters) <= COUNTERS and len(matches) <= MATCHES, owner
    return RegisterMap(
        {offset: access(register) for offset, register in declaration.registers.items()},
        access(declaration.others),
        lines,
        decode=declaration.decode,
        unit=owner.unit,
        whole=declaration.whole,
        counters=counters,
        matches=matches,
        receiving=None if declaration.receiving is None else receiving(declaration.receiving),
    )
