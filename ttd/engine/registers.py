"""Registers that a device declares as data, done natively (`native/declared.h`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from math import gcd
from typing import Any, NamedTuple

from ttd.engine._native import ffi, lib
from ttd.engine.receiver import Receiver
from ttd.engine.types import NEVER

NS_PER_SECOND = 1_000_000_000
VALUE: int = lib.WORD_VALUE
ONES: int = lib.WORD_ONES
FIRST_WORD: int = lib.WORD_FIRST
"""The words of no device: what is being written, and all ones; and the first that is of one."""
WORDS: int = lib.TTD_WORDS
LINES: int = lib.TTD_LINES
COUNTERS: int = lib.TTD_COUNTERS
MATCHES: int = lib.TTD_MATCHES
"""As many of a device, at most."""
TERMS: int = lib.TTD_TERMS
"""Of a line."""
CLOSED: int = lib.TTD_CLOSED
"""Conditions under which nothing can be received, at most."""
_ALL = 0xFFFFFFFF


class Op(IntEnum):
    """What an effect does: `native/declared.h`."""

    ASK = lib.EFFECT_ASK
    ROOM = lib.EFFECT_ROOM
    COUNT = lib.EFFECT_COUNT
    GIVE = lib.EFFECT_GIVE
    KEEP = lib.EFFECT_KEEP
    SET = lib.EFFECT_SET
    CLEAR = lib.EFFECT_CLEAR
    PUSH = lib.EFFECT_PUSH
    PULSE = lib.EFFECT_PULSE
    CALL = lib.EFFECT_CALL
    DONE = lib.EFFECT_DONE
    APPEND = lib.EFFECT_APPEND
    DROP = lib.EFFECT_DROP
    PAUSE = lib.EFFECT_PAUSE


class WordBits(NamedTuple):
    """words[word] & words[also] >> shift & mask, words by their numbers."""

    word: int
    also: int = ONES
    shift: int = 0
    mask: int = _ALL


class WordCondition(NamedTuple):
    """Holds if the bits have ones, or, `unless`, if they have none."""

    bits: WordBits = WordBits(ONES)
    unless: bool = False


class WordEffect(NamedTuple):
    """One effect of an access; `when`: only if those bits have ones, or, `unless`, have none."""

    op: Op
    what: WordBits
    move: int = 0
    when: WordBits = WordBits(ONES)
    unless: bool = False


class Access(NamedTuple):
    """What a read and a write of a register do."""

    read: Sequence[WordEffect]
    write: Sequence[WordEffect]


class CounterRule(NamedTuple):
    """A `ttd_counter_rule`; words by their numbers."""

    value: int
    top: int
    down: bool
    runs: WordBits
    halts: WordBits
    once: WordBits


class MatchRule(NamedTuple):
    """A `ttd_match_rule`."""

    counter: int
    every: bool
    target: WordBits
    when: WordBits
    unless: WordBits
    tells: WordBits
    effects: Sequence[WordEffect]


class WordReceiving(NamedTuple):
    """What happens to bytes that come by the wire: `ttd_receiving` of `native/declared.h`."""

    closed: Sequence[WordCondition]
    arrive: Sequence[WordEffect]
    timeout: Sequence[WordEffect]
    state: int
    first: int


class LineSink(NamedTuple):
    """Who listens to a line in native code."""

    function: Any
    """A `ttd_line_sink`, which gets"""
    target: Any
    """this, kept alive here,"""
    number: int
    """this, and the level."""


def line_sink(name: str, target: Any, number: int) -> LineSink:
    """`name`: a function of the native part."""
    return LineSink(ffi.addressof(lib, name), target, number)


class RegisterMap:
    """The registers of a class of devices."""

    def __init__(
        self,
        registers: Mapping[int, Access],
        others: Access,
        lines: Sequence[Sequence[WordBits]],
        *,
        decode: int,
        unit: int,
        whole: bool = False,
        counters: Sequence[CounterRule] = (),
        matches: Sequence[MatchRule] = (),
        receiving: WordReceiving | None = None,
    ) -> None:
        """`registers` by offset, of `unit` bytes each; `others` is for all the other offsets.

        `decode`: the bits of an offset that count; one less than a power of two. `whole`: accesses
        are those of whole registers, others are not declared.
        """
        kinds = [others, *registers.values()]
        effects: list[WordEffect] = []
        spans = []
        for kind in kinds:
            at = len(effects)
            effects += kind.read
            middle = len(effects)
            effects += kind.write
            spans.append((at, middle, middle, len(effects)))
        happening = []
        for match in matches:
            happening.append((*match[:-1], len(effects), len(effects) + len(match.effects)))
            effects += match.effects
        self.counters = len(counters)
        self.is_timed = bool(counters) or receiving is not None
        """Something happens by itself."""
        receives: tuple[Any, ...] = (False,)
        if receiving is not None:
            at = len(effects)
            effects += receiving.arrive
            middle = len(effects)
            effects += receiving.timeout
            words = (receiving.state, receiving.first)
            spans_of = (at, middle, middle, len(effects))
            receives = (True, len(receiving.closed), *words, *spans_of, list(receiving.closed))
        places = [0] * ((decode + 1) // unit)
        for number, offset in enumerate(registers, 1):
            places[offset // unit] = number
        self._places = ffi.new("uint16_t[]", places)
        self._registers = ffi.new("ttd_register[]", spans)
        self._effects = ffi.new(
            "ttd_effect[]", [(f.op, f.move, f.what, f.when, f.unless) for f in effects]
        )
        rules = [(len(terms), list(terms)) for terms in lines]
        self._matches = ffi.new("ttd_match_rule[]", happening)
        self.native = ffi.new(
            "ttd_map *",
            {
                **{"decode": decode, "unit": unit, "whole": whole},
                **{"nlines": len(rules), "lines": rules},
                **{"ncounters": len(counters), "nmatches": len(happening), "counters": counters},
                **{"places": self._places, "registers": self._registers},
                **{"effects": self._effects, "matches": self._matches, "receiving": receives},
            },
        )


def _lost(data: bytes) -> None:
    """Nobody has been connected, and there is no room."""


def _nothing_moves() -> None:
    """There are no deadlines."""


class RegisterFile:
    """The registers of one device: its words, the levels of its lines, output that waits, what its
    counters come to, and what it receives."""

    def __init__(
        self,
        registers: RegisterMap,
        line: Callable[[int, bool], None],
        time: Callable[[], int],
        moved: Callable[[], None],
    ) -> None:
        """`line` hears of a line whose level has changed, unless somebody listens natively; `time`
        is virtual time (ns), asked where no engine knows it. `moved` is called when `deadline`, or
        that of the receiver, may be another after what Python does here."""
        self._time = time
        self._moved = moved if registers.is_timed else _nothing_moves
        self._map = registers
        self._put: Callable[[bytes], None] = _lost
        self._room: Callable[[], int] | None = None
        self._line = line
        self.native = ffi.new("ttd_registers *")
        self.native.map = registers.native
        self.words: Any = self.native.words
        self.words[ONES] = _ALL
        self._value = ffi.new("uint64_t *")
        self._sinks: list[LineSink] = []
        self._own: Any = None
        self.receiver = Receiver(self.native, self._bring_time, self._told, moved)

    def send_to(self, put: Callable[[bytes], None], room: Callable[[], int]) -> None:
        """`put` takes bytes of output, never more than `room` has said."""
        self._put, self._room = put, room

    def listen(self, line: int, sink: LineSink) -> None:
        """`sink` hears of this line from now on, at the very access."""
        self._sinks.append(sink)
        self.native.lines[line].set = sink.function
        self.native.lines[line].sink = sink.target
        self.native.lines[line].number = sink.number

    def call(self, function: str, own: Any) -> None:
        """What registers leave to the device's native code: a `ttd_call` of this name, which finds
        `own`, kept alive here, at the registers."""
        self._own = own
        self.native.call = ffi.addressof(lib, function)
        self.native.own = own

    def read(self, offset: int, size: int, *, look: bool = False) -> int | None:
        """What an access gives; None: that is not declared. `look`: without side effects."""
        self._bring_time()
        if self._map.counters:
            if look:
                done = lib.ttd_registers_look(self.native, offset, size, self._value)
                return self._value[0] if done else None
            self._catch_up()
        if not lib.ttd_registers_read(self.native, offset, size, look, self._value):
            return None
        self._told()
        if not look:
            self._moved()
        return self._value[0]  # type: ignore[no-any-return]

    def write(self, offset: int, size: int, value: int) -> bool:
        """False: what the access does is not declared, and nothing has been done."""
        self._bring_time()
        if self._room is not None:
            lib.ttd_registers_offer(self.native, self._room())
        if self._map.counters:
            self._catch_up()
        if not lib.ttd_registers_write(self.native, offset, size, value):
            return False
        if self.native.waiting:
            self.give_output()
        self._told()
        self._moved()
        return True

    # Counters ------------------------------------------------------------------------------

    def set_rate(self, counter: int, hz: int, divider: int = 1) -> None:
        """Ticks are those of a clock of `hz`, divided by `divider`, from virtual time zero. The
        anchor stays the tick number that it is."""
        native, per_s = self.native.counters[counter], NS_PER_SECOND * divider
        shared = gcd(hz, per_s)
        native.hz, native.divider = hz // shared, per_s // shared
        lib.registers_moved(self.native)

    def anchor(self, counter: int) -> int:
        """The tick at which the counter held what its word of that has."""
        return self.native.counters[counter].anchor  # type: ignore[no-any-return]

    def set_anchor(self, counter: int, tick: int) -> None:
        """See `anchor`."""
        self.native.counters[counter].anchor = tick
        lib.registers_moved(self.native)

    def count(self) -> None:
        """Bring the counters to now, that is, words and anchors."""
        self._bring_time()
        lib.ttd_registers_count(self.native)

    def anchor_here(self) -> None:
        """The counters hold now what their words say."""
        self._bring_time()
        lib.ttd_registers_anchor(self.native)
        lib.registers_moved(self.native)
        self._moved()

    def host(self, hosted: bool) -> None:
        """Somebody has to hear of matches: `expire` is to be called when `deadline` has come."""
        self.native.hosted = hosted
        lib.registers_moved(self.native)
        self._moved()

    @property
    def keeps_time(self) -> bool:
        """An engine sees to it that what is due happens."""
        return self.native.engine != ffi.NULL and not self.native.hosted

    def deadline(self) -> int | None:
        """Virtual time (ns) at which a counter next comes to what is waited for; None: never."""
        due: int = lib.ttd_registers_deadline(self.native)
        return None if due == NEVER else due

    def expire(self, told: Callable[[int], None]) -> None:
        """What is due happens. `told` hears of the matches that say so, by their numbers in the
        declaration; to the counters it is the very tick meanwhile."""
        self._bring_time()
        while which := lib.ttd_registers_expire(self.native):
            self._tell_matches(which, told)
        if self.native.stale:
            self.tell_lines()

    def step(self, counter: int, told: Callable[[int], None]) -> None:
        """A counter that does not run goes up by one: as `expire`."""
        self._tell_matches(lib.ttd_registers_step(self.native, counter), told)

    def _tell_matches(self, which: int, told: Callable[[int], None]) -> None:
        if self.native.stale:
            self.tell_lines()
        self.native.matching = True
        for number in range(which.bit_length()):
            if which >> number & 1:
                told(number)
        self.native.matching = False

    def _bring_time(self) -> None:
        if self.native.engine == ffi.NULL:
            self.native.ns = self._time()

    def _catch_up(self) -> None:
        if not self.native.hosted:
            lib.ttd_registers_expire(self.native)

    # Output and lines ----------------------------------------------------------------------

    def give_output(self) -> None:
        """Hand on what waits."""
        native = self.native
        data = bytes(ffi.buffer(native.output, native.waiting))
        native.waiting = 0
        self._put(data)
        if self._room is not None:
            lib.ttd_registers_offer(native, self._room())

    def drive(self) -> None:
        """The words have changed: the lines follow."""
        lib.ttd_registers_drive(self.native)
        self._told()

    def _told(self) -> None:
        if self.native.stale | self.native.pulsed:
            self.tell_lines()

    def pulse(self, number: int) -> None:
        """A line goes low, and high again if it was: who latches its edges hears of another."""
        lib.ttd_registers_pulse(self.native, number)
        self.tell_lines()

    def settle(self) -> list[bool]:
        """The words are of another state, whose lines all know already: the levels."""
        lib.ttd_receiver_show(self.native)
        lib.ttd_registers_settle(self.native)
        return [bool(self.native.lines[n].level) for n in range(self._map.native.nlines)]

    def tell_lines(self) -> None:
        """Let those hear of levels who do not listen natively."""
        native = self.native
        stale, pulsed = native.stale, native.pulsed
        native.stale = native.pulsed = 0
        for number in range((stale | pulsed).bit_length()):
            if pulsed >> number & 1:
                self._line(number, False)
            if (stale | pulsed) >> number & 1:
                self._line(number, bool(native.lines[number].level))
