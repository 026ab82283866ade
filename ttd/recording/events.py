"""The nondeterministic events of a run."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from ttd.recording.errors import RecordingError

MAX_PAYLOAD = 8 << 20
"""Longest payload of one event, in bytes."""
MAX_EVENTS = 1 << 12
"""Most events in one chunk."""
_NUMBER = struct.Struct("<q")


class Kind(IntEnum):
    """What an event is. The numbers are part of the file format. Payloads in brackets."""

    END = 0
    """The recording was finished here [reason, utf-8]."""
    CLOCK_HOST = 1
    """A read of the host's clock that gave a new value [value, 8 bytes LE]."""
    CLOCK_VIRTUAL_RT = 2
    """The same for the clock that runs only while the machine does."""
    CHAR_READ = 3
    """Bytes came in from a character backend [device, data]."""
    CHAR_WRITE = 4
    """A write to a backend that was not a plain full success [device, offset, result]."""
    CHAR_READ_ALL = 5
    """A synchronous read from a backend [device, data]."""
    CHAR_READ_ALL_ERROR = 6
    """A synchronous read that failed [device, errno]."""
    INTERRUPT = 7
    """An interrupt was taken [number]."""
    EXCEPTION = 8
    """A synchronous exception was taken [number]."""
    SHUTDOWN = 9
    """The machine was asked to stop [cause]."""
    RESET = 10
    """The machine was asked to reset [cause]."""
    SUSPEND = 11
    """The machine was asked to suspend [cause]."""
    CHECKPOINT = 12
    """A checkpoint whose place among the other events matters [`Checkpoint`]."""
    SNAPSHOT = 13
    """A snapshot was taken [state hash, 16 bytes, digest of the index of the interval before]."""
    WARP = 14
    """What follows entered when the idle warps had reached this sum [ns, 8 bytes LE]."""
    HOST_CALL = 15
    """A call to the host was answered [tag, result]."""
    DEBUG_WRITE = 16
    """The debugger changed memory or a register [opaque]."""
    NET = 17
    """A packet came in [device, flags, varint, packet]."""
    BLOCK = 18
    """A disk request completed [device, opaque]."""
    INPUT = 19
    """A key, a button or a movement [device, opaque]."""
    INPUT_SYNC = 20
    """A group of input events ended [device]."""
    BH = 21
    """A bottom half ran [id]."""
    RANDOM = 22
    """Random bytes from the host [data]."""
    NET_TX = 23
    """The guest sent a packet [device, CRC-32 of it, 4 bytes LE, its size, varint]."""
    LOOK = 24
    """Somebody had seen the machine here: what follows at this step came after the position."""


class Event(NamedTuple):
    """One event: it happened at `step`, before that step ran or while it was running."""

    step: int
    kind: Kind
    payload: bytes


KINDS = {int(kind): kind for kind in Kind}
"""The kinds by their numbers."""
MARKS = (Kind.INTERRUPT, Kind.EXCEPTION)
"""Exceptions that were taken."""
HEAD = {
    Kind.CHAR_READ: 1,
    Kind.CHAR_WRITE: 1,
    Kind.CHAR_READ_ALL: 1,
    Kind.CHAR_READ_ALL_ERROR: 1,
    Kind.NET: 1,
    Kind.NET_TX: 1,
    Kind.BLOCK: 1,
    Kind.INPUT: 1,
    Kind.INPUT_SYNC: 1,
    Kind.INTERRUPT: 4,
    Kind.EXCEPTION: 4,
    Kind.CHECKPOINT: 4,
}
"""Payload bytes that tell the streams of a kind apart: which device, which interrupt."""
NUMBERS = frozenset({Kind.CLOCK_HOST, Kind.CLOCK_VIRTUAL_RT, Kind.WARP})
"""Kinds whose payload is a `number`."""


def number(value: int) -> bytes:
    """The payload of a CLOCK_* or WARP event."""
    return _NUMBER.pack(value)


def to_number(payload: bytes) -> int:
    """Inverse of `number`."""
    if len(payload) != _NUMBER.size:
        raise RecordingError("the recording is damaged: an event has a payload of a wrong size")
    return int(_NUMBER.unpack(payload)[0])


def small(value: int) -> bytes:
    """A small unsigned number (interrupt, cause, id) as a payload: little endian, no zeros."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little")


def to_small(payload: bytes) -> int:
    """Inverse of `small`."""
    return int.from_bytes(payload, "little")
