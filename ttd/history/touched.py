"""What each interval between stored snapshots has read, written and executed: pages, words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ttd.engine import Access
from ttd.engine.pages import WORD
from ttd.index import Index, Ranges
from ttd.machine import Machine
from ttd.recording.blob import digest
from ttd.recording.errors import RecordingError
from ttd.recording.recording import Recording
from ttd.recording.varint import Reader

EVERYWHERE = 1 << 60
"""In a list of pages: they are too many, or DMA was at what page tables may show anywhere."""
KINDS = (Access.READ, Access.WRITE, Access.FETCH)
"""The order of the lists of an interval: of pages of memory, then of the addresses that were used,
if those are others."""
PAGES_LOOKED_UP = 256
"""Pages that are asked for one by one; of a larger area something will have been touched."""


class Touched:
    """Of one line of history, as its recorder has noted it. What is not known, damaged or not what
    was recorded excludes nothing."""

    def __init__(self, machine: Machine, recording: Recording, index: Index) -> None:
        self._machine = machine
        self._recording = recording
        self._index = index
        self._read: tuple[int, list[frozenset[int]]] = (-1, [])
        """What `_lists` says, and of which interval: it is asked for many addresses of one."""

    def may_touch(
        self, low: int, kind: Access, address: int, size: int, *, physical: bool = False
    ) -> bool:
        """False if nothing accessed [address, address + size) in the interval of step `low`.

        The interval is the recorded one in which `low` is; the address as the guest used it, unless
        it is said to be `physical`.
        """
        engine, number = self._machine.engine, self._index.number_at(low)
        if (
            kind is Access.FETCH
            and not physical
            and not self._index.may_execute(number, address, address + size)
        ):
            return False
        if size > PAGES_LOOKED_UP * engine.page_size:
            return True
        moves = engine.moves_addresses and not physical
        if kind is Access.WRITE:
            index = self._index
            words = index.written_in_place(number) if moves else index.written(number)
            if words is not None:
                return self._meets(words, address, size)
        touched = self._listed(low, kind, physical=physical)
        first = address - address % engine.page_size
        for at in range(first, address + size, engine.page_size):
            page = at // engine.page_size if moves else engine.find_page(at)
            if page is None or touched is None or page in touched:
                return True
            if moves and self._touched_elsewhere(low, kind, at):
                return True
        return False

    def _meets(self, words: Ranges, address: int, size: int) -> bool:
        """Whether one of the words is of memory at [address, address + size), or there is none."""
        engine = self._machine.engine
        for at in range(address - address % engine.page_size, address + size, engine.page_size):
            page = engine.find_page(at)
            if page is None:
                return True
            begin, end = max(at, address), min(at + engine.page_size, address + size)
            first = page * engine.page_size - at
            if words.meets((first + begin) // WORD, (first + end - 1) // WORD + 1):
                return True
        return False

    def _touched_elsewhere(self, low: int, kind: Access, address: int) -> bool:
        """The memory that is seen at `address` now was touched, at whatever address."""
        engine = self._machine.engine
        physical = engine.translate(address)[0]
        page = None if physical is None else engine.find_page(physical)
        touched = self._listed(low, kind, physical=True)
        return touched is None or (page is not None and page in touched)

    def interval(self, number: int) -> bytes | None:
        """What is stored of an interval; None if nothing is, or not what was recorded."""
        recording = self._recording
        try:
            data = recording.interval(number)
        except RecordingError:
            return None
        if data is None or recording.writable:
            return data
        return data if digest(data) == self._index_of(number) else None

    def _index_of(self, number: int) -> bytes:
        """Hash of what was recorded of an interval; b"" if nothing was."""
        infos = self._recording.snapshots
        if number + 1 >= len(infos):
            return b""
        return self._machine.replay.index_digest(infos[number + 1].sequence) or b""

    def check(self) -> None:
        """`RecordingError` unless of each interval there is what was recorded, be it nothing."""
        for number in range(len(self._recording.snapshots)):
            found = self._recording.interval(number)
            if (b"" if found is None else digest(found)) != self._index_of(number):
                raise RecordingError("the recording is damaged: its index is not what was recorded")

    def _listed(self, low: int, kind: Access, *, physical: bool = False) -> frozenset[int] | None:
        """The pages that `may_touch` goes by; None: not known. By addresses of the guest, unless
        `physical` is said."""
        number = self._index.number_at(low)
        if number < 0:
            return None
        if number != self._read[0]:
            lists: list[Sequence[int]] = []
            with suppress(RecordingError):  # then it says nothing, and not that nothing was touched
                lists = self._lists(number)
            self._read = number if lists else -1, [*map(frozenset, lists)]
        found = self._read[1]
        moved = self._machine.engine.moves_addresses and not physical
        at = KINDS.index(kind) + (len(KINDS) if moved else 0)
        return found[at] if at < len(found) and EVERYWHERE not in found[at] else None

    def _lists(self, number: int) -> list[Sequence[int]]:
        """What is stored of an interval, if what ends it in the log vouches for it."""
        blob = self.interval(number)
        if blob is None:
            return []
        reader = Reader(blob)
        lists: list[Sequence[int]] = []
        while not reader.done:
            (count,) = reader.series(1)
            lists.append(reader.series(count))
        return lists
