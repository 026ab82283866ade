"""The total order of the events of a run: appended at the end, read anywhere."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator
from functools import cache

from ttd.recording.chunk import Events, as_columns
from ttd.recording.errors import RecordingError
from ttd.recording.events import MAX_EVENTS, MAX_PAYLOAD, Event, Kind
from ttd.recording.index import ChunkInfo
from ttd.recording.recording import Recording

CHUNK_EVENTS = MAX_EVENTS
"""Events in a full chunk."""
CHUNK_BYTES = 1 << 18
"""Payload bytes that make a chunk full."""
CACHED_BYTES = 16 << 20
"""What may be kept of decoded chunks, roughly; the latest one is."""
_EVENT_BYTES = 8
"""What an event counts for a chunk besides its payload."""
_MARK_BYTES = _EVENT_BYTES + 1
"""What an interrupt or an exception counts."""


class EventLog:
    """All events of a recording, by sequence number, steps never decreasing. The first is 0, unless
    the recording was cut out of another one.

    The last chunk is kept as it grows, so that a live machine can read at once what it has just
    recorded, and whenever the recording commits, it is handed what is new in it; the others are
    decoded when they are asked for, the latest few kept. Without a recording all of them are kept.
    """

    def __init__(self, recording: Recording | None = None) -> None:
        self._recording = recording
        # Of each chunk the number of its first event, its last step and its kinds, in as little
        # memory as possible: hours of interrupts have many chunks.
        self._starts = array("q")
        self._last_steps = array("q")
        self._kinds = array("q")
        self._cache: OrderedDict[int, Events] = OrderedDict()
        self._cached_bytes = 0
        self._part = Events()
        self._part_first = 0
        self._tail = Events()
        self._tail_first = 0
        self._tail_bytes = 0
        self._tail_written = 0
        self._begin = self._end = 0 if recording is None else recording.file.begin.sequence
        if recording is not None:
            for info in recording.chunks():
                self._add_info(info)
            self._tail_first = self._end
            if recording.writable:
                recording.before_commit = self.flush

    def __len__(self) -> int:
        return self._end

    @property
    def branch(self) -> int | None:
        """The number of the branch whose history this is; None: of no recording."""
        return None if self._recording is None else self._recording.branch

    def rest(self, begin: int) -> EventLog:
        """The events from number `begin` on with their numbers, whatever becomes of the
        recording."""
        log = EventLog()
        log._begin = log._end = log._tail_first = begin
        for number in range(begin, len(self)):
            event = self.get(number)
            assert event is not None
            log.append(event)
        return log

    @property
    def last_step(self) -> int:
        """Step of the last event; 0 if there is none."""
        if len(self._tail):
            return self._tail.steps[-1]
        return self._last_steps[-1] if self._last_steps else 0

    def append(self, event: Event) -> int:
        """Record an event at the end; returns its sequence number."""
        if len(event.payload) > MAX_PAYLOAD:
            raise RecordingError(f"an event of {len(event.payload)} bytes is too large to record")
        self._tail.append(event)
        self._tail_bytes += len(event.payload) + _EVENT_BYTES
        self._end += 1
        if len(self._tail) >= CHUNK_EVENTS or self._tail_bytes >= CHUNK_BYTES:
            self._close_tail()
        return self._end - 1

    def append_marks(
        self, steps: array[int], keys: array[int], values: array[int] | None = None
    ) -> None:
        """Record events as marks (arrays of "q"): their steps and keys. INTERRUPT and EXCEPTION
        (`mark_key`), NET_TX (`packet_key`), and, if there are values, CHAR_READ of one byte (its
        value) and WARP (the sum)."""
        done = 0
        while done < len(steps):
            room = CHUNK_EVENTS - len(self._tail)
            part = slice(done, done + room)
            more = None if values is None else values[part]
            self._tail.append_marks(steps[part], keys[part], more)
            count = min(room, len(steps) - done)
            self._tail_bytes += _MARK_BYTES * count
            self._end += count
            done += count
            if len(self._tail) >= CHUNK_EVENTS or self._tail_bytes >= CHUNK_BYTES:
                self._close_tail()

    def marks_from(
        self, sequence: int, devices: Collection[int] = ()
    ) -> tuple[array[int], array[int], array[int] | None]:
        """Events from this number on, as `append_marks` takes them, CHAR_READ for `devices`, and
        the WARP before one: up to the next event of another kind, or to the end of a chunk."""
        if not self._begin <= sequence < self._end:
            return array("q"), array("q"), None
        first, events = self._events_around(sequence)
        return events.marks_from(sequence - first, devices)

    def fold(self, digest: bytes, begin: int, end: int) -> bytes:
        """A hash of all events before number `begin`, as it becomes with those before `end`."""
        end = min(end, self._end)
        while begin < end:
            first, events = self._events_around(begin)
            last = min(end, first + len(events))
            digest = events.fold(digest, begin - first, last - first)
            begin = last
        return digest

    def flush(self, end: int | None = None) -> None:
        """Hand the events up to number `end` (None: all) to the recording."""
        count = len(self._tail) if end is None else end - self._tail_first
        begin = self._tail_written
        if self._recording is not None and count > begin:
            # A small chunk of its own: the full one takes the place of all of these.
            self._tail_written = count
            self._recording.add_chunk(self._tail_first + begin, self._tail.part(begin, count))

    def get(self, sequence: int) -> Event | None:
        """The event with this number; None at and beyond the end."""
        at = sequence - self._part_first
        if 0 <= at < len(self._part):
            return self._part[at]
        if not self._begin <= sequence < self._end:
            return None
        self._part_first, self._part = self._events_around(sequence)
        return self._part[sequence - self._part_first]

    def first_at(self, step: int) -> int:
        """Sequence number of the first event at `step` or later; `len(self)` if there is none."""
        at = bisect_left(self._last_steps, step)
        if at < len(self._starts):
            first, events = self._starts[at], self._chunk(at)
        else:
            first, events = self._tail_first, self._tail
        return first + bisect_left(events.steps, step)

    def next_of(self, kinds: Collection[Kind], sequence: int) -> tuple[int, Event] | None:
        """The first event of `kinds` from `sequence` on, with its number.

        Chunks without these kinds are not decoded.
        """
        return next(self._scan(kinds, sequence), None)

    def next_at(self, kinds: Collection[Kind], sequence: int) -> tuple[int, int] | None:
        """As `next_of`: its number, and its step."""
        mask = _mask(kinds)
        begin = max(0, bisect_right(self._starts, sequence) - 1)
        for at in range(begin, len(self._starts) + 1):
            tail = at == len(self._starts)
            if not tail and not self._kinds[at] & mask:
                continue
            first = self._tail_first if tail else self._starts[at]
            events = self._tail if tail else self._chunk(at)
            places = events.places(kinds, range(max(0, sequence - first), len(events)))
            found = next(places, None)
            if found is not None:
                return first + found, events.steps[found]
        return None

    def last_of(self, kinds: Collection[Kind], sequence: int) -> tuple[int, Event] | None:
        """The last event of `kinds` before `sequence`, with its number."""
        mask = _mask(kinds)
        for at in range(len(self._starts), -1, -1):
            if at == len(self._starts):
                first, events = self._tail_first, self._tail
            elif self._kinds[at] & mask and self._starts[at] < sequence:
                first, events = self._starts[at], self._chunk(at)
            else:
                continue
            before = range(min(len(events), sequence - first) - 1, -1, -1)
            for place in events.places(kinds, before):
                return first + place, events[place]
        return None

    def select(
        self,
        kinds: Collection[Kind] | None = None,
        from_step: int = 0,
        to_step: int | None = None,
    ) -> Iterator[tuple[int, Event]]:
        """Events of `kinds` (None: all) with from_step <= step <= to_step, with their numbers."""
        for number, event in self._scan(
            tuple(Kind) if kinds is None else kinds, self.first_at(from_step)
        ):
            if to_step is not None and event.step > to_step:
                return
            yield number, event

    def counts(self) -> Counter[Kind]:
        """How many events there are of each kind."""
        found = self._tail.counts()
        for at, first in enumerate(self._starts):
            if self._recording is None:
                found += self._cache[at].counts()
            else:
                found += self._recording.count_kinds(first)
        return found

    def cut_before(self, sequence: int, latest: int | None = None) -> tuple[int, Events]:
        """The chunk in which the event of this number is, or would be: the number of its first
        event, and those that come before. `latest`: it is to begin with that number or before."""
        if sequence >= self._tail_first:
            first, events = self._tail_first, self._tail
        else:
            first, events = self._events_around(sequence)
        if latest is not None and latest < first:
            found = (self.get(number) for number in range(latest, sequence))
            return latest, as_columns(event for event in found if event is not None)
        return first, events.part(0, sequence - first)

    def _scan(self, kinds: Collection[Kind], sequence: int) -> Iterator[tuple[int, Event]]:
        mask = _mask(kinds)
        at = max(0, bisect_right(self._starts, sequence) - 1)
        while at < len(self._starts):
            if self._kinds[at] & mask:
                yield from _select(self._chunk(at), self._starts[at], kinds, sequence)
            at += 1
        yield from _select(self._tail, self._tail_first, kinds, sequence)

    def _events_around(self, sequence: int) -> tuple[int, Events]:
        if sequence >= self._tail_first:
            return self._tail_first, self._tail
        at = bisect_right(self._starts, sequence) - 1
        return self._starts[at], self._chunk(at)

    def _chunk(self, at: int) -> Events:
        known = self._cache.get(at)
        if known is not None:
            self._cache.move_to_end(at)
            return known
        assert self._recording is not None, "without a recording all chunks are kept"
        first, *after = self._starts[at : at + 2]
        events = self._recording.read_chunk(first, (*after, self._tail_first)[0] - first)
        self._cache[at] = events
        self._cached_bytes += events.memory
        while self._cached_bytes > CACHED_BYTES and len(self._cache) > 1:
            self._cached_bytes -= self._cache.popitem(last=False)[1].memory
        return events

    def _close_tail(self) -> None:
        if self._recording is None:
            self._cache[len(self._starts)] = self._tail
        else:
            self._recording.add_chunk(self._tail_first, self._tail)
        self._add_info(ChunkInfo.of(self._tail_first, self._tail))
        self._tail = Events()
        self._tail_first = self._end
        self._tail_bytes = self._tail_written = 0

    def _add_info(self, info: ChunkInfo) -> None:
        self._starts.append(info.first)
        self._last_steps.append(info.last_step)
        self._kinds.append(info.kinds)
        self._end = info.first + info.events


def _select(
    events: Events, first: int, kinds: Collection[Kind], sequence: int
) -> Iterator[tuple[int, Event]]:
    """Of a chunk that begins with number `first`, the events of `kinds` from `sequence` on."""
    for place in events.places(kinds, range(max(0, sequence - first), len(events))):
        yield first + place, events[place]


def _mask(kinds: Collection[Kind]) -> int:
    return _mask_of(tuple(kinds))


@cache
def _mask_of(kinds: tuple[Kind, ...]) -> int:
    return sum(1 << kind for kind in set(kinds))
