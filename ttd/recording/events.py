"""The nondeterministic events of a run, and how a chunk of them becomes bytes."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

from ttd.recording.blob import seal, unseal
from ttd.recording.errors import RecordingError
from ttd.recording.varint import Reader, put_column, put_series, put_varint

MAX_PAYLOAD = 8 << 20
"""Longest payload of one event, in bytes."""
MAX_EVENTS = 1 << 12
"""Most events in one chunk."""
_MAX_RAW = 10 << 20
_MAX_STEP = 1 << 63
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


_KINDS = {int(kind): kind for kind in Kind}
_HEAD = {
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
_NUMBERS = frozenset({Kind.CLOCK_HOST, Kind.CLOCK_VIRTUAL_RT, Kind.WARP})


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


def encode_chunk(events: Sequence[Event], first: int = 0) -> bytes:
    """Events in their order as bytes; `first` is the sequence number of the first.

    Events of the same kind (and device, or interrupt number) are a *stream*. A chunk holds the
    table of the streams, for each event the number of its stream, then per stream its steps and
    its payloads, column by column; docs/recording-format.md has the details.
    """
    streams: dict[tuple[Kind, bytes], tuple[list[int], list[bytes]]] = {}
    numbers: dict[tuple[Kind, bytes], int] = {}
    order = []
    for step, kind, payload in events:
        cut = _HEAD.get(kind, 0)
        key = (kind, payload[:cut])
        stream = streams.get(key)
        if stream is None:
            stream = streams[key] = ([], [])
            numbers[key] = len(numbers)
        order.append(numbers[key])
        stream[0].append(step)
        stream[1].append(payload[cut:])
    out = bytearray()
    put_varint(out, len(order))
    put_varint(out, len(streams))
    for kind, head in streams:
        out.append(kind)
        put_varint(out, len(head))
        out += head
    put_column(out, order)
    for steps, _ in streams.values():
        put_series(out, steps)
    for (kind, _), (_, rests) in streams.items():
        _put_payloads(out, kind, rests)
    return seal(bytes(out), _context(first), tight=True)


def decode_chunk(blob: bytes, first: int = 0) -> list[Event]:
    """Inverse of `encode_chunk`; `RecordingError` for anything that it cannot have written."""
    reader = Reader(unseal(blob, _context(first), _MAX_RAW))
    heads, order, counts = _streams(reader)
    steps = [iter(reader.series(n)) for n in counts]
    payloads = [
        iter(_payloads(reader, kind, head, n))
        for (kind, head), n in zip(heads, counts, strict=True)
    ]
    if not reader.done:
        raise RecordingError("the recording is damaged: a chunk is longer than it says")
    events = [Event(next(steps[s]), heads[s][0], next(payloads[s])) for s in order]
    if events and not 0 <= events[0].step <= events[-1].step < _MAX_STEP:
        raise RecordingError("the recording is damaged: an event has an impossible step")
    if any(a.step > b.step for a, b in pairwise(events)):
        raise RecordingError("the recording is damaged: its events are not in order")
    return events


def count_kinds(blob: bytes, first: int = 0) -> Counter[Kind]:
    """How many events of each kind a chunk has, without decoding them."""
    heads, _, counts = _streams(Reader(unseal(blob, _context(first), _MAX_RAW)))
    found: Counter[Kind] = Counter()
    for (kind, _), count in zip(heads, counts, strict=True):
        found[kind] += count
    return found


def _streams(reader: Reader) -> tuple[list[tuple[Kind, bytes]], list[int], list[int]]:
    """The beginning of a chunk: kind and head of each stream, the stream of each event, and how
    many events each has."""
    count = reader.varint()
    stream_count = reader.varint()
    if count > MAX_EVENTS or stream_count > count:
        raise RecordingError("the recording is damaged: a chunk claims too many events")
    heads: list[tuple[Kind, bytes]] = []
    for _ in range(stream_count):
        kind = _KINDS.get(reader.bytes(1)[0])
        if kind is None:
            raise RecordingError("the recording has an event of an unknown kind")
        length = reader.varint()
        if length > _HEAD.get(kind, 0):
            raise RecordingError("the recording is damaged: a stream of events has a wrong head")
        heads.append((kind, reader.bytes(length)))
    order = reader.column(count)
    counts = [0] * stream_count
    for stream in order:
        if stream >= stream_count:
            raise RecordingError("the recording is damaged: a chunk names a missing stream")
        counts[stream] += 1
    return heads, order, counts


def _put_payloads(out: bytearray, kind: Kind, rests: list[bytes]) -> None:
    """Lengths, then the bytes; or, for the kinds that are numbers, a series."""
    if kind in _NUMBERS:
        put_series(out, [to_number(rest) for rest in rests])
        return
    put_column(out, [len(rest) for rest in rests])
    for rest in rests:
        out += rest


def _payloads(reader: Reader, kind: Kind, head: bytes, count: int) -> list[bytes]:
    if kind in _NUMBERS:
        try:
            return [_NUMBER.pack(value) for value in reader.series(count)]
        except struct.error:
            raise RecordingError("the recording is damaged: a number is too large") from None
    lengths = reader.column(count)
    if not any(lengths):
        return [head] * count
    if any(length > MAX_PAYLOAD for length in lengths):
        raise RecordingError("the recording is damaged: an event claims to be too large")
    return [head + reader.bytes(length) for length in lengths]


def _context(first: int) -> bytes:
    return b"events %d" % first
