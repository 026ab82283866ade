"""What came from outside in another future, for a branch: it comes again, at the same steps.

A branch has no terminal and no network of its own; without what its guest has heard of before, it
would mostly sleep. Here is what the log that it has left says next of input, of what the guest read
and of random bytes. It is offered as a host offers it, so the branch's own log has what of it
entered, and when.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ttd.recording.events import Event, Kind, to_number
from ttd.recording.log import EventLog
from ttd.recording.varint import Reader

INPUT = (Kind.CHAR_READ, Kind.NET, Kind.INPUT, Kind.INPUT_SYNC)
"""Kinds of events that come again."""
_READS = (Kind.CHAR_READ_ALL, Kind.CHAR_READ_ALL_ERROR)
_FOR_EVER = 1 << 62


class Change(NamedTuple):
    """What is otherwise with an event: dropped (None), or its payload, and how much later."""

    payload: bytes | None
    later: int = 0


class _Due(NamedTuple):
    step: int
    warp_ns: int | None
    """It came to an idle machine, when the sum of its idle warps was this."""
    event: Event


class Again:
    """The events of `log` from number `begin` on, with `changes` to some of them, by number."""

    def __init__(self, log: EventLog, begin: int, changes: Mapping[int, Change]) -> None:
        self._log = log
        self._changes = dict(changes)
        self._next = self._reads = self._random = begin
        self._begin = begin
        self._waiting: list[_Due] = []
        """Found, and not given yet, in the order in which they come."""
        self._due: list[Event] = []
        """Its time has come, and the machine has not been able to take it."""
        self._found = -1
        """The step up to which all have been found."""
        self._pages: dict[tuple[bytes, int], int] | None = None

    def part_from(self, branch: int) -> None:
        """This branch is about to go: what comes again of its events is kept here."""
        if self._log.branch == branch:
            self._log = self._log.rest(self._begin)

    # --- input

    def due(self, step: int, warp_ns: int) -> list[Event]:
        """The input that comes by now, in its order; until it is `taken`."""
        while (head := self._head()) is not None and _is_due(head, step, warp_ns):
            self._due.append(self._waiting.pop(0).event)
        return list(self._due)

    def taken(self, event: Event, rest: bytes | None) -> None:
        """One of those has entered, but for this payload."""
        at = self._due.index(event)
        if rest is None:
            del self._due[at]
        else:
            self._due[at] = Event(event.step, event.kind, rest)

    def hurry(self) -> bool:
        """The next input comes before its time: the machine waits for nothing else. False if there
        is none."""
        if self._head() is None:
            return False
        self._due.append(self._waiting.pop(0).event)
        return True

    def room(self, step: int) -> int | None:
        """Steps to the next input; None if there is none, or it comes while the machine sleeps
        here."""
        head = self._head()
        return None if head is None or head.step <= step else head.step - step

    def next_warp(self, step: int) -> int | None:
        """The sum of idle warps (ns) at which a machine that sleeps at `step` gets input."""
        head = self._head()
        return None if head is None or head.step > step else head.warp_ns

    def _head(self) -> _Due | None:
        # What comes later than it did may have others before it.
        while not self._waiting or self._waiting[0].step > self._found:
            found = self._find()
            if found is None:
                break
            self._waiting.append(found)
            self._waiting.sort(key=lambda due: due.step)
        return self._waiting[0] if self._waiting else None

    def _find(self) -> _Due | None:
        while (found := self._log.next_of(INPUT, self._next)) is not None:
            number, event = found
            self._next = number + 1
            self._found = event.step
            change = self._changes.get(number, Change(event.payload))
            if change.payload is None:
                continue
            before = self._log.last_of((Kind.WARP,), number)
            warp = None
            if before is not None and before[1].step == event.step and not change.later:
                warp = to_number(before[1].payload)
            step = event.step + change.later
            return _Due(step, warp, Event(step, event.kind, change.payload))
        self._found = _FOR_EVER
        return None

    # --- what the guest asks for

    def read(self, device: bytes) -> Event | None:
        """The next answer to a read that waits, of this device."""
        at = self._reads
        while (found := self._next_of(_READS, at)) is not None:
            at = found[0] + 1
            if found[1].payload.startswith(device):
                self._reads = at
                return found[1]
        return None

    def random(self, count: int) -> bytes | None:
        """The next random bytes, if they are so many."""
        found = self._next_of((Kind.RANDOM,), self._random)
        if found is None or len(found[1].payload) != count:
            return None
        self._random = found[0] + 1
        return found[1].payload

    def _next_of(self, kinds: Collection[Kind], begin: int) -> tuple[int, Event] | None:
        found = self._log.next_of(kinds, begin)
        while found is not None and (change := self._changes.get(found[0])) is not None:
            if change.payload is not None:
                return found[0], Event(found[1].step, found[1].kind, change.payload)
            found = self._log.next_of(kinds, found[0] + 1)
        return found

    def page(self, device: bytes, page: int) -> bytes | None:
        """What was read of a page of a disk, if the recording has it."""
        if self._pages is None:
            self._pages = {}
            number = self._begin
            while (found := self._log.next_of((Kind.BLOCK,), number)) is not None:
                number = found[0] + 1
                for at, _ in _pages_of(found[1].payload[1:]):
                    self._pages.setdefault((found[1].payload[:1], at), found[0])
        event = self._log.get(self._pages.get((device, page), -1))
        if event is None:
            return None
        return next(data for at, data in _pages_of(event.payload[1:]) if at == page)


def _is_due(head: _Due, step: int, warp_ns: int) -> bool:
    if step != head.step:
        return step > head.step
    return head.warp_ns is None or warp_ns >= head.warp_ns


def _pages_of(payload: bytes) -> list[tuple[int, bytes]]:
    """The pages in the event of a disk (`BlockDriver`)."""
    reader = Reader(payload)
    reader.varint(), reader.varint()
    found = []
    while not reader.done:
        page, length = reader.varint(), reader.varint()
        if length:
            found.append((page, reader.bytes(length)))
    return found
