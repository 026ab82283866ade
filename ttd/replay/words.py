"""Events in words: devices by name, characters as text, causes as people call them."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import msgpack

from ttd.contents import PAGE
from ttd.keys import AXES, BUTTONS, EV_ABS, EV_KEY, EV_REL, KEYS, WHEEL
from ttd.recording.errors import RecordingError
from ttd.recording.events import Event, Kind, to_number, to_small
from ttd.recording.varint import Reader
from ttd.replay.terms import Cause, Checkpoint
from ttd.text import printable
from ttd.values import dataclass

_SECTOR = 512
_MOST_SPANS = 4
"""Of a disk request that are told."""
_INPUT = struct.Struct("<HHi")
_CAUSES = {
    Cause.GUEST: "by the guest",
    Cause.GUEST_PANIC: "by a guest that cannot go on",
    Cause.HOST: "from the host",
    Cause.DEBUGGER: "by the debugger",
}
_KEY_NAMES = {code: name for name, code in KEYS.items()} | {
    # Both names of one key are QEMU's; the table's is the one that comes first there.
    KEYS["sysrq"]: "sysrq",
    KEYS["kp_multiply"]: "kp_multiply",
}
_BUTTON_NAMES = {code: f"button {name}" for name, code in BUTTONS.items()}
_WHEEL_NAMES = {turn: name for name, turn in WHEEL.items()}
_AXIS_NAMES = {code: name for name, code in AXES.items()}
_UNREADABLE = (RecordingError, LookupError, ValueError, TypeError, OverflowError, struct.error)
"""What comes of a payload that has another form than those that are recorded."""


class Told(NamedTuple):
    """What an event says, as far as its payload tells."""

    words: str = ""
    """What comes behind the kind, in one line."""
    device: str = ""
    name: str = ""
    """Of what it is one of its kind: an exception, a checkpoint, a cause, a call, a key."""
    data: str | None = None
    """Characters that passed; what is no text is escaped."""


@dataclass(frozen=True, slots=True)
class EventWords:
    """Tells events of one machine."""

    devices: Sequence[str] = ()
    """Those with a host side, as events number them."""
    exception: Callable[[int], str] = lambda number: ""
    """The name of an exception or interrupt; "" if nothing is known."""

    def text(self, event: Event) -> str:
        """The event on one line, for those who see its step beside it."""
        return line(event.kind, self.tell(event))

    def describe(self, event: Event) -> str:
        """The event in a sentence: its kind, what it says, and its step."""
        return f"{self.text(event)} at step {event.step}"

    def tell(self, event: Event) -> Told:
        """Whatever the payload is made of."""
        teller = _TELLERS.get(event.kind)
        if teller is None:
            return Told()
        try:
            return teller(self, event.payload)
        except _UNREADABLE:
            return Told(f"({len(event.payload)} bytes that say nothing)")

    def _split(self, payload: bytes) -> tuple[str, bytes]:
        """The device, and the rest."""
        number = payload[0]
        known = number < len(self.devices)
        return printable(self.devices[number]) if known else str(number), payload[1:]

    def _characters(self, payload: bytes) -> Told:
        device, data = self._split(payload)
        text = shown(data)
        return Told(f'{device} "{text}"', device, data=text)

    def _write(self, payload: bytes) -> Told:
        device, rest = self._split(payload)
        result = to_number(rest[8:])
        what = _errno(-result) if result < 0 else f"only {_bytes(result)} taken"
        return Told(f"{device}, {what}", device)

    def _read_error(self, payload: bytes) -> Told:
        device, rest = self._split(payload)
        return Told(f"{device}, {_errno(to_small(rest))}", device)

    def _exception(self, payload: bytes) -> Told:
        number = to_small(payload)
        name = self.exception(number)
        return Told(f"{number} ({name})" if name else f"{number}", name=name)

    def _packet(self, payload: bytes) -> Told:
        device, rest = self._split(payload)
        reader = Reader(rest)
        reader.varint()
        return Told(f"{device}, {_bytes(reader.left)}", device)

    def _sent(self, payload: bytes) -> Told:
        device, rest = self._split(payload)
        size, crc = Reader(rest[4:]).varint(), int.from_bytes(rest[:4], "little")
        return Told(f"{device}, {_bytes(size)} with CRC {crc:08x}", device)

    def _disk(self, payload: bytes) -> Told:
        device, rest = self._split(payload)
        reader = Reader(rest)
        request, errno = reader.varint(), reader.varint()
        pages = []
        while not reader.done:
            pages.append(reader.varint())
            reader.bytes(reader.varint())
        told = f"{device}, request {request}"
        if errno:
            told += f": {_errno(errno)}"
        elif pages:
            told += f": {_sectors(pages)} read from the image"
        else:
            told += " done, with nothing to be read from the image"
        return Told(told, device)

    def _input(self, payload: bytes) -> Told:
        device, rest = self._split(payload)
        kind, code, value = _INPUT.unpack(rest)
        name, what = "", f"type {kind}, code {code}, value {value}"
        if kind == EV_KEY:
            name = _KEY_NAMES.get(code) or _BUTTON_NAMES.get(code) or f"key {code}"
            what = f"{name} {_KEY_STATES.get(value, value)}"
        elif kind == EV_REL and (code, value) in _WHEEL_NAMES:
            what = name = _WHEEL_NAMES[code, value]
        elif kind in (EV_REL, EV_ABS):
            name = _AXIS_NAMES.get(code, f"axis {code}")
            what = f"{name} {'by' if kind == EV_REL else 'at'} {value}"
        return Told(f"{device} {what}", device, name)

    def _device(self, payload: bytes) -> Told:
        device, _ = self._split(payload)
        return Told(device, device)

    def _call(self, payload: bytes) -> Told:
        """All are semihosting's, and begin with an errno (`semihosting.host`)."""
        size = payload[0]
        tag = payload[1 : 1 + size].decode(errors="replace")
        name, result = printable(f"SYS_{tag.upper()}"), payload[5 + size :]
        errno = to_small(payload[1 + size : 5 + size])
        if errno:
            return Told(f"{name}: {_errno(errno)}", name=name)
        if tag == "read":
            data = shown(result)
            return Told(f'{name} "{data}"', name=name, data=data)
        return Told(f"{name} = {to_small(result)}" if result else name, name=name)

    def _changed(self, payload: bytes) -> Told:
        """As `machine.py` packs it."""
        what, where, value = msgpack.unpackb(payload)
        if what == "register":
            number = int.from_bytes(value, "little") if isinstance(value, bytes) else value
            name = printable(str(where))
            return Told(f"register {name} = {number:#x}", name=name)
        return Told(f"memory {where:#x}, {_bytes(len(value))}: {value[:16].hex(' ')}")

    def _number(self, payload: bytes) -> Told:
        return Told(f"{to_number(payload)}")

    def _warp(self, payload: bytes) -> Told:
        return Told(f"to {to_number(payload)} ns of idle time")

    def _cause(self, payload: bytes) -> Told:
        cause = Cause(to_small(payload))
        return Told(_CAUSES[cause], name=cause.name.lower())

    def _checkpoint(self, payload: bytes) -> Told:
        name = Checkpoint(to_small(payload)).name.lower()
        return Told(name, name=name)

    def _half(self, payload: bytes) -> Told:
        return Told(f"{to_small(payload)}")

    def _random(self, payload: bytes) -> Told:
        return Told(_bytes(len(payload)))

    def _end(self, payload: bytes) -> Told:
        text = printable(payload.decode(errors="replace"))
        return Told(f"({text})" if text else "", data=text)


_TELLERS: dict[Kind, Callable[[EventWords, bytes], Told]] = {
    Kind.END: EventWords._end,
    Kind.CLOCK_HOST: EventWords._number,
    Kind.CLOCK_VIRTUAL_RT: EventWords._number,
    Kind.CHAR_READ: EventWords._characters,
    Kind.CHAR_WRITE: EventWords._write,
    Kind.CHAR_READ_ALL: EventWords._characters,
    Kind.CHAR_READ_ALL_ERROR: EventWords._read_error,
    Kind.INTERRUPT: EventWords._exception,
    Kind.EXCEPTION: EventWords._exception,
    Kind.SHUTDOWN: EventWords._cause,
    Kind.RESET: EventWords._cause,
    Kind.SUSPEND: EventWords._cause,
    Kind.CHECKPOINT: EventWords._checkpoint,
    Kind.WARP: EventWords._warp,
    Kind.HOST_CALL: EventWords._call,
    Kind.DEBUG_WRITE: EventWords._changed,
    Kind.NET: EventWords._packet,
    Kind.BLOCK: EventWords._disk,
    Kind.INPUT: EventWords._input,
    Kind.INPUT_SYNC: EventWords._device,
    Kind.BH: EventWords._half,
    Kind.RANDOM: EventWords._random,
    Kind.NET_TX: EventWords._sent,
}
_KEY_STATES = {0: "released", 1: "pressed", 2: "held"}


def line(kind: Kind, told: Told) -> str:
    """An event of this kind that says so much, on one line."""
    name = kind.name.lower()
    return f"{name} {told.words}" if told.words else name


def shown(data: bytes) -> str:
    """Characters of a guest's on one line: what is not printable, and no UTF-8, is escaped."""
    return printable(data.decode(errors="backslashreplace"))


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _errno(number: int) -> str:
    return os.strerror(number).lower()


def _sectors(pages: Sequence[int]) -> str:
    """Pages of a disk as spans of sectors."""
    each = PAGE // _SECTOR
    spans = []
    for _, group in groupby(enumerate(pages), lambda entry: entry[1] - entry[0]):
        found = [page for _, page in group]
        spans.append(f"sectors {found[0] * each} to {(found[-1] + 1) * each - 1}")
    more = len(spans) - _MOST_SPANS
    return ", ".join(spans[:_MOST_SPANS]) + (f" and {more} spans more" if more > 0 else "")
