"""Events in their order by columns, and how a chunk of them becomes bytes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Self

from ttd.recording._native import ffi, lib
from ttd.recording.blob import reseal, seal, unseal
from ttd.recording.errors import RecordingError
from ttd.recording.events import (
    HEAD,
    KINDS,
    MARKS,
    MAX_EVENTS,
    MAX_PAYLOAD,
    NUMBERS,
    Event,
    Kind,
    number,
    small,
    to_number,
    to_small,
)
from ttd.recording.varint import Reader, put_column, put_series, put_steps, put_varint, varint

_MAX_RAW = 10 << 20
_TIGHT = 64 << 10
"""Bytes up to which a chunk is compressed as well as possible."""
_INPUTS = (Kind.CHAR_READ, Kind.WARP)
"""Of these there is more to say than a mark's key."""
_WITH_MORE = (*_INPUTS, Kind.NET_TX)
_NO_MARK = -1
_PACKET = 1 << 62
"""A mark that is a packet sent: `packet_key`."""
_CRC = 4
"""Bytes of it in the payload of NET_TX, behind the device."""
BYTES = [bytes((value,)) for value in range(256)]
# Looking up a member of an enumeration takes longer than what is done with it here.
_CHAR_READ, _WARP = int(Kind.CHAR_READ), int(Kind.WARP)
_EVENT_BYTES, _REST_BYTES = 10, 60
"""What an event takes in memory, and the rest of a payload besides its own bytes."""


def mark_key(kind: Kind, taken: int) -> int:
    """An interrupt or an exception, or the device of input, as one number."""
    return kind << 32 | taken


def packet_key(device: int, size: int, crc: int) -> int:
    """A packet that device number `device` has sent as one number (engine/native/marks.h)."""
    return _PACKET | device << 48 | size << 32 | crc


def _sent_packet(key: int) -> bytes:
    """The payload of that NET_TX."""
    crc, size = key & 0xFFFFFFFF, key >> 32 & 0xFFFF
    return bytes((key >> 48 & 0xFF,)) + crc.to_bytes(_CRC, "little") + varint(size)


def _key_of_sent(device: int, rest: bytes) -> int:
    """Inverse of that, of a payload without its device; `_NO_MARK` if no device has sent it so."""
    size = sum((byte & 0x7F) << 7 * at for at, byte in enumerate(rest[_CRC:]))
    if size >> 16 or rest[_CRC:] != varint(size):
        return _NO_MARK
    return packet_key(device, size, int.from_bytes(rest[:_CRC], "little"))


class Events:
    """Events of which each is made only when it is asked for.

    Those of one kind whose payloads begin alike (with the device, or the interrupt's number) are a
    *stream*. Columns are the steps, the streams and, where there is one, the rest of the payload.
    """

    __slots__ = ("_heads", "_ids", "_keys", "_numbers", "_of_marks", "_places", "_rests", "steps")

    def __init__(self) -> None:
        self.steps = array("q")
        self._ids = array("H")
        self._heads: list[tuple[Kind, bytes]] = []
        """Of each stream the kind and the common head."""
        self._numbers: dict[tuple[Kind, bytes], int] = {}
        """Inverse of that."""
        self._keys: list[int] = []
        """`mark_key` of each stream; of other kinds `_NO_MARK`."""
        self._of_marks: dict[int, int] = {}
        """`mark_key` -> stream."""
        self._places = array("I")
        """Which events have more than the head, ascending, and what."""
        self._rests: list[bytes] = []

    @classmethod
    def of(cls, events: Iterable[Event]) -> Self:
        """These events."""
        made = cls()
        for event in events:
            made.append(event)
        return made

    def append(self, event: Event) -> None:
        """One more at the end."""
        step, kind, payload = event
        cut = HEAD.get(kind, 0)
        head = (kind, payload[:cut])
        stream = self._numbers.get(head)
        if stream is None:
            stream = self._begin(head)
        if len(payload) > cut:
            self._places.append(len(self._ids))
            self._rests.append(payload[cut:])
        self.steps.append(step)
        self._ids.append(stream)

    def append_marks(self, steps: array[int], keys: array[int], values: array[int] | None) -> None:
        """More events by their `mark_key`, and of NET_TX by `packet_key`; with values CHAR_READ
        and WARP."""
        done = 0
        if len(keys) and max(keys) >= _PACKET:
            for place, key in enumerate(keys):
                if key >= _PACKET:
                    if done < place:
                        self._append_marks(steps, keys, values, slice(done, place))
                    self.append(Event(steps[place], Kind.NET_TX, _sent_packet(key)))
                    done = place + 1
        self._append_marks(steps, keys, values, slice(done, len(keys)))

    def _append_marks(
        self, steps: array[int], keys: array[int], values: array[int] | None, part: slice
    ) -> None:
        steps, keys = steps[part], keys[part]
        if values is not None:
            self._append_rests(keys, values[part])
        ids = array("H", bytes(2 * len(keys)))
        raw, out = ffi.from_buffer("int64_t[]", keys), ffi.from_buffer("uint16_t[]", ids)
        done = self._put_streams(raw, len(keys), out)
        while done < len(keys):
            self._begin_marks(keys[done])
            done += self._put_streams(raw + done, len(keys) - done, out + done)
        self.steps.extend(steps)
        self._ids.extend(ids)

    def _append_rests(self, keys: array[int], values: array[int]) -> None:
        first, places, rests = len(self._ids), self._places, self._rests
        for at, key in enumerate(keys):
            kind = key >> 32
            if kind == _CHAR_READ:
                places.append(first + at)
                rests.append(BYTES[values[at]])
            elif kind == _WARP:
                places.append(first + at)
                rests.append(number(values[at]))

    def _put_streams(self, keys: Any, count: int, out: Any) -> int:
        """The stream of each key, up to the first that is new; how many."""
        known, streams = array("q", self._of_marks), array("H", self._of_marks.values())
        return lib.streams_of(  # type: ignore[no-any-return]
            keys,
            count,
            ffi.from_buffer("int64_t[]", known),
            ffi.from_buffer("uint16_t[]", streams),
            len(known),
            out,
        )

    def _begin_marks(self, key: int) -> None:
        kind = KINDS[key >> 32]
        head = (kind, small(key & 0xFFFFFFFF) if HEAD.get(kind) else b"")
        stream = self._numbers.get(head)
        self._of_marks[key] = self._begin(head) if stream is None else stream

    def _begin(self, head: tuple[Kind, bytes]) -> int:
        kind, payload = head
        stream = self._numbers[head] = len(self._heads)
        self._heads.append(head)
        taken = to_small(payload)
        mark = kind in _INPUTS or (kind in MARKS and payload == small(taken))
        key = mark_key(kind, taken) if mark else _NO_MARK
        self._keys.append(_PACKET if kind is Kind.NET_TX else key)
        return stream

    # --- looking

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, place: int) -> Event:
        kind, payload = self._heads[self._ids[place]]
        if self._rests:
            at = bisect_left(self._places, place)
            if at < len(self._places) and self._places[at] == place:
                payload += self._rests[at]
        return Event(self.steps[place], kind, payload)

    def __iter__(self) -> Iterator[Event]:
        return map(self.__getitem__, range(len(self)))

    @property
    def memory(self) -> int:
        """Bytes that they take, about."""
        return _EVENT_BYTES * len(self) + sum(_REST_BYTES + len(rest) for rest in self._rests)

    def counts(self) -> Counter[Kind]:
        """How many there are of each kind."""
        found: Counter[Kind] = Counter()
        for (kind, _), count in zip(self._heads, self._stream_counts(), strict=True):
            found[kind] += count
        return found

    def _stream_counts(self) -> list[int]:
        counts = ffi.new("uint32_t[]", len(self._heads))
        lib.count_streams(ffi.from_buffer("uint16_t[]", self._ids), len(self._ids), counts)
        return ffi.unpack(counts, len(counts))  # type: ignore[no-any-return]

    def places(self, kinds: Iterable[Kind], places: range) -> Iterator[int]:
        """Those of `places` at which an event is one of `kinds`, in their order."""
        wanted = {stream for stream, (kind, _) in enumerate(self._heads) if kind in kinds}
        ids = self._ids
        return (place for place in places if ids[place] in wanted)

    def part(self, begin: int, end: int) -> Events:
        """A copy of the events from place `begin` up to `end`."""
        part = Events()
        ids = self._ids[begin:end]
        used = list(dict.fromkeys(ids))
        streams = {stream: part._begin(self._heads[stream]) for stream in used}
        part._ids.extend(map(streams.__getitem__, ids))
        part.steps.extend(self.steps[begin:end])
        first, last = self._rests_in(begin, end)
        part._places.extend(place - begin for place in self._places[first:last])
        part._rests = self._rests[first:last]
        return part

    def marks_from(
        self, place: int, devices: Collection[int]
    ) -> tuple[array[int], array[int], array[int] | None]:
        """Steps, keys and, if there is input, values of the marks from `place` up to the next event
        that is none. CHAR_READ of one byte is one for these devices, and WARP before such a one."""
        keys, ids = self._keys, self._ids
        if any(kind in _WITH_MORE for kind, _ in self._heads):
            return self._more_from(place, devices)
        at = bisect_left(self._places, place)
        end = self._places[at] if at < len(self._places) else len(ids)
        if _NO_MARK in keys:
            end = next((at for at in range(place, end) if keys[ids[at]] == _NO_MARK), end)
        return self.steps[place:end], array("q", map(keys.__getitem__, ids[place:end])), None

    def _more_from(
        self, place: int, devices: Collection[int]
    ) -> tuple[array[int], array[int], array[int]]:
        """As `marks_from`, among packets and input."""
        keys, values = array("q"), array("q")
        at, ends = bisect_left(self._places, place), len(self._places)
        warps = 0  # so many at the end wait for the byte that comes after them
        for event in range(place, len(self._ids)):
            stream, rest, value = self._ids[event], None, 0
            key = self._keys[stream]
            kind = key >> 32
            if at < ends and self._places[at] == event:
                rest = self._rests[at]
                at += 1
            if kind == _CHAR_READ and rest is not None and len(rest) == 1:
                if key & 0xFFFFFFFF not in devices:
                    break
                value, warps = rest[0], 0
            elif kind == _WARP and rest is not None and len(rest) == 8:
                value, warps = to_number(rest), warps + 1
            elif key == _PACKET and rest is not None and not warps:
                key = _key_of_sent(self._heads[stream][1][0], rest)
            elif rest is not None or warps or kind in (_CHAR_READ, _WARP):
                break
            if key in (_NO_MARK, _PACKET):
                break
            keys.append(key)
            values.append(value)
        count = len(keys) - warps
        return self.steps[place : place + count], keys[:count], values[:count]

    def fold(self, digest: bytes, begin: int, end: int) -> bytes:
        """A hash of the events before `begin`, as it becomes with those up to `end`."""
        count = end - begin
        first, last = self._rests_in(begin, end)
        state = ffi.new("uint8_t[16]", digest)
        sizes = rests = ffi.NULL
        if first < last:
            lengths = array("I", bytes(4 * count))
            for place, rest in zip(self._places[first:last], self._rests[first:last], strict=True):
                lengths[place - begin] = len(rest)
            sizes = ffi.from_buffer("uint32_t[]", lengths)
            rests = ffi.from_buffer("uint8_t[]", b"".join(self._rests[first:last]))
        heads = ffi.new("stream_head[]", [(kind, len(head), head) for kind, head in self._heads])
        lib.events_fold(
            state,
            ffi.from_buffer("int64_t[]", self.steps) + begin,
            ffi.from_buffer("uint16_t[]", self._ids) + begin,
            count,
            heads,
            sizes,
            rests,
        )
        return bytes(ffi.buffer(state))

    def _rests_in(self, begin: int, end: int) -> tuple[int, int]:
        """Which rests are of the events from place `begin` up to `end`."""
        return bisect_left(self._places, begin), bisect_left(self._places, end)

    # --- bytes

    def encode(self, first: int, branch: int = 0) -> bytes:
        """As a chunk; `first` is the sequence number of the first, `branch` whose chunk it is.
        docs/recording-format.md says of what it is made."""
        out = bytearray()
        put_varint(out, len(self))
        put_varint(out, len(self._heads))
        for kind, head in self._heads:
            out.append(kind)
            put_varint(out, len(head))
            out += head
        put_steps(out, self.steps, self._ids, len(self._heads))
        counts = self._stream_counts()
        rests = self._by_stream()
        for stream, (kind, _) in enumerate(self._heads):
            if kind in NUMBERS:
                put_series(out, map(to_number, rests.get(stream, [b""])))
            elif stream not in rests:
                out += bytes(counts[stream])
            else:
                put_column(out, [len(rest) for rest in rests[stream]])
                out += b"".join(rests[stream])
        # What is long is contents from outside, of disks and networks, and there is much of it.
        return seal(bytes(out), _context(first, branch), tight=len(out) <= _TIGHT)

    def _by_stream(self) -> dict[int, list[bytes]]:
        """What follows the head in the payloads of each event, of the streams that have such."""
        found: dict[int, list[bytes]] = {self._ids[place]: [] for place in self._places}
        if not found:
            return found
        rests = dict(zip(self._places, self._rests, strict=True))
        for place, stream in enumerate(self._ids):
            if stream in found:
                found[stream].append(rests.get(place, b""))
        return found

    @classmethod
    def decode(cls, blob: bytes, first: int, branch: int = 0) -> Self:
        """Inverse of `encode`; `RecordingError` for anything that it cannot have written."""
        reader = Reader(unseal(blob, _context(first, branch), _MAX_RAW))
        made = cls()
        count, heads = _heads(reader)
        for head in heads:
            made._begin(head)
        made.steps, made._ids, counts = reader.steps(count, len(heads))
        rests: dict[int, Iterator[bytes]] = {}
        for stream, (kind, _) in enumerate(heads):
            found = _rests(reader, kind, counts[stream])
            if found is not None:
                rests[stream] = iter(found)
        if not reader.done:
            raise RecordingError("the recording is damaged: a chunk is longer than it says")
        if rests:
            for place, stream in enumerate(made._ids):
                rest = next(rests[stream]) if stream in rests else b""
                if rest:
                    made._places.append(place)
                    made._rests.append(rest)
        return made


def encode_chunk(events: Iterable[Event], first: int = 0) -> bytes:
    """Events in their order as bytes; `first` is the sequence number of the first."""
    return as_columns(events).encode(first)


def decode_chunk(blob: bytes, first: int = 0, branch: int = 0) -> Events:
    """Inverse of `encode_chunk`; `RecordingError` for anything that it cannot have written."""
    return Events.decode(blob, first, branch)


def move_chunk(blob: bytes, first: int, branch: int, to: int) -> bytes:
    """The same chunk for another branch."""
    return reseal(blob, _context(first, branch), _context(first, to))


def as_columns(events: Iterable[Event]) -> Events:
    """The same events, by columns."""
    return events if isinstance(events, Events) else Events.of(events)


def count_kinds(blob: bytes, first: int = 0, branch: int = 0) -> Counter[Kind]:
    """How many events of each kind a chunk has, without decoding their payloads."""
    reader = Reader(unseal(blob, _context(first, branch), _MAX_RAW))
    count, heads = _heads(reader)
    _, _, counts = reader.steps(count, len(heads))
    found: Counter[Kind] = Counter()
    for (kind, _), events in zip(heads, counts, strict=True):
        found[kind] += events
    return found


def _heads(reader: Reader) -> tuple[int, list[tuple[Kind, bytes]]]:
    """The beginning of a chunk: how many events it has; kind and head of each stream."""
    count = reader.varint()
    streams = reader.varint()
    if count > MAX_EVENTS or streams > count:
        raise RecordingError("the recording is damaged: a chunk claims too many events")
    heads: list[tuple[Kind, bytes]] = []
    for _ in range(streams):
        kind = KINDS.get(reader.bytes(1)[0])
        if kind is None:
            raise RecordingError("the recording has an event of an unknown kind")
        length = reader.varint()
        if length > HEAD.get(kind, 0):
            raise RecordingError("the recording is damaged: a stream of events has a wrong head")
        heads.append((kind, reader.bytes(length)))
    return count, heads


def _rests(reader: Reader, kind: Kind, count: int) -> list[bytes] | None:
    """What follows the head in the payloads of one stream; None: nothing."""
    if kind in NUMBERS:
        return [number(value) for value in reader.series(count)]
    lengths = reader.column(count)
    if not any(lengths):
        return None
    if any(length > MAX_PAYLOAD for length in lengths):
        raise RecordingError("the recording is damaged: an event claims to be too large")
    return [reader.bytes(length) for length in lengths]


def _context(first: int, branch: int) -> bytes:
    return b"events %d of %d" % (first, branch) if branch else b"events %d" % first
