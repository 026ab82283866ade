"""What memory held at stored snapshots, read from the recording."""

from __future__ import annotations

from collections import OrderedDict

from ttd.history.pages import Digest, Page, PageStore, PageTable
from ttd.recording.errors import RecordingError
from ttd.recording.recording import Recording

MOST_CHANGES = 128
"""Snapshots in the recording that say only what has changed, in a row, at most."""
TABLES = 8
"""Tables that are kept."""


class StoredTables:
    """The tables of stored snapshots, by number; those used last stay in memory.

    `empty`: how memory begins. `same`: pages of that, which need not be read.
    """

    def __init__(
        self, recording: Recording, pages: PageStore, empty: PageTable, same: tuple[Page, ...]
    ) -> None:
        self._recording = recording
        self._pages = pages
        self._empty = empty
        self._same = same
        self._tables: OrderedDict[int, PageTable] = OrderedDict()

    def turn(self, recording: Recording, shared: int) -> None:
        """Be on another line of history, which has the first `shared` snapshots in common."""
        self._recording = recording
        for number in [number for number in self._tables if number >= shared]:
            del self._tables[number]

    def give_way(self) -> bool:
        """Drop the one that has not been used for longest; False if there is but one."""
        if len(self._tables) < 2:
            return False
        self._tables.popitem(last=False)
        return True

    def table(self, number: int) -> PageTable:
        """That of snapshot `number`."""
        return self.table_from(number, self._recording.snapshot_state(number)["base"])

    def table_from(self, number: int, base: int) -> PageTable:
        """From snapshot `base`, which lists every page, and what has changed since."""
        first = max((n for n in self._tables if base <= n <= number), default=None)
        table = self._empty if first is None else self._tables[first]
        known: dict[Digest, Page] = {page.digest: page for page in self._same}
        for later in range(base if first is None else first + 1, number + 1):
            changes = self._recording.changed_pages(later)
            if not all(self._empty.has(page) for page, _ in changes):
                raise RecordingError("the recording is damaged: a snapshot has too many pages")
            for _, name in changes:
                if name not in known:
                    known[name] = self._pages.stored(name)
            table = table.replace((page, known[name]) for page, name in changes)
        self._tables[number] = table
        self._tables.move_to_end(number)
        if len(self._tables) > TABLES:
            self._tables.popitem(last=False)
        return table
