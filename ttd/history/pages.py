"""Contents of memory over time: tables of pages that share what is equal."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

from ttd.recording.blob import digest, digests

DIRECTORY = 256
"""Pages in one directory of a table."""
PAGE_COST = 400
"""Bytes that a page takes beside its contents, about."""

Digest = bytes
"""16 bytes of BLAKE2b over a page's contents."""

HOLE = digest(b"")
"""Name of the page of a disk that the machine has not seen; it has no contents."""


class Page:
    """One page content, made by a `PageStore`. What it holds is known, or its name, or both."""

    __slots__ = ("__weakref__", "_data", "_digest", "_store")

    def __init__(self, store: PageStore, data: bytes | None, name: Digest | None) -> None:
        self._store = store
        self._data = data
        self._digest = name
        store.bytes += PAGE_COST + len(data or b"")

    def __del__(self) -> None:
        self._store.bytes -= PAGE_COST + len(self._data or b"")
        self._store.forget(self)

    @property
    def digest(self) -> Digest:
        """The name; worked out when it is wanted."""
        if self._digest is None:
            assert self._data is not None
            self._digest = digest(self._data)
        return self._digest

    @staticmethod
    def name(pages: Iterable[Page]) -> None:
        """Work out the names of those that have none: quicker than one by one."""
        # Each once: an empty memory is one page, thousands of times.
        nameless = list(dict.fromkeys(page for page in pages if page._digest is None))
        found = digests([page._data or b"" for page in nameless])
        for page, name in zip(nameless, found, strict=True):
            page._digest = name

    @property
    def data(self) -> bytes:
        """The content; read from the recording where it is not in memory."""
        if self._data is None:
            self._store.fetch((self,))
            assert self._data is not None
        return self._data

    @property
    def in_memory(self) -> bool:
        """The content need not be read."""
        return self._data is not None

    def holds(self, data: bytes) -> bool:
        """True if it is known that this is the content."""
        return self._data == data

    def is_like(self, other: Page) -> bool:
        """True if it is known that both hold the same."""
        return self is other or (self._digest is not None and self._digest == other._digest)

    @property
    def size(self) -> int:
        """Bytes of the content, as far as it is in memory."""
        return len(self._data or b"")

    def fill(self, data: bytes) -> None:
        """The content, which has been read."""
        self._data = data
        self._store.bytes += len(data)

    def drop(self) -> None:
        """Let go of the content, which can be read again by its name."""
        assert self._digest is not None
        self._store.bytes -= self.size
        self._data = None


class PageStore:
    """Where pages come from; knows how much memory those in use take, and which of them need none
    because the recording has them.

    `load` reads contents, many at once, in the order of their names.
    """

    def __init__(self, load: Callable[[Sequence[Digest]], Iterable[bytes]]) -> None:
        self._load = load
        self.bytes = 0
        self.stored_bytes = 0
        """Of contents that are in memory and in the recording."""
        self._stored: OrderedDict[int, weakref.ref[Page]] = OrderedDict()
        """Whose contents those are, by identity; first those that have been here longest."""

    def page(self, data: bytes) -> Page:
        """A page that holds `data`."""
        return Page(self, data, None)

    def stored(self, name: Digest) -> Page:
        """The page of this name, whose content is read when it is wanted."""
        return Page(self, None, name)

    def fetch(self, pages: Iterable[Page]) -> None:
        """Have the contents of `pages` in memory."""
        missing = list({page for page in pages if not page.in_memory})
        names = [page.digest for page in missing]
        for page, data in zip(missing, self._load(names), strict=True):
            page.fill(data)
        self.are_stored(missing)

    def are_stored(self, pages: Iterable[Page]) -> None:
        """The recording has these pages: their contents can be dropped."""
        for page in pages:
            if page.size and id(page) not in self._stored:
                self._stored[id(page)] = weakref.ref(page)
                self.stored_bytes += page.size

    def drop_stored(self, size: int) -> None:
        """Drop contents of at least so many bytes that can be read again, if there are so many."""
        left = self.stored_bytes - size
        while self._stored and self.stored_bytes > left:
            number, stored = self._stored.popitem(last=False)
            page = stored()
            if page is None:  # it is being collected at this moment, and will say so itself
                self._stored[number] = stored
                break
            self.stored_bytes -= page.size
            page.drop()

    def forget(self, page: Page) -> None:
        """The content of a page is no longer in memory."""
        if self._stored.pop(id(page), None) is not None:
            self.stored_bytes -= page.size


Directory = tuple[Page, ...]


def _names(directory: Directory) -> bytes:
    return b"".join([page.digest for page in directory])


def _weight(at: int, names: bytes) -> int:
    """What a directory of pages of these names contributes, at its place, to a table's sum."""
    if names == HOLE * (len(names) // len(HOLE)):
        return 0
    salt = at.to_bytes(8, "little")
    return int.from_bytes(hashlib.blake2b(names, digest_size=16, salt=salt).digest(), "little")


class PageTable:
    """What every page of memory holds at one moment. Immutable; a successor shares directories."""

    __slots__ = ("_stale", "_sum", "directories")

    def __init__(self, directories: tuple[Directory, ...], known: int, stale: dict[int, int]):
        self.directories = directories
        self._sum = known
        """Of the directories as they are, but for those in `_stale`, which count as said there."""
        self._stale = stale

    @classmethod
    def filled(cls, pages: int, page: Page) -> PageTable:
        """`pages` pages that all hold the same."""
        full, rest = divmod(pages, DIRECTORY)
        directory = (page,) * DIRECTORY
        directories = (directory,) * full + (((page,) * rest,) if rest else ())
        return cls(directories, 0, dict.fromkeys(range(len(directories)), 0))

    def extended(self, pages: int, hole: Page) -> PageTable:
        """The table with `pages` holes (of `HOLE`) after the last directory."""
        assert hole.digest == HOLE  # so that it adds nothing to the sum
        directories = ((hole,) * DIRECTORY,) * -(-pages // DIRECTORY)
        return PageTable(self.directories + directories, self._sum, self._stale)

    @property
    def total(self) -> int:
        """What identifies the contents: the sum modulo 2**128 of a hash of each directory at its
        place. Only what has changed since it was known is added up."""
        if self._stale:
            # Each once: where memory is empty, one is at many places.
            stale = {id(each): each for each in (self.directories[at] for at in self._stale)}
            Page.name(page for directory in stale.values() for page in directory)
            names = {key: _names(directory) for key, directory in stale.items()}
            for at, weight in self._stale.items():
                self._sum += _weight(at, names[id(self.directories[at])]) - weight
            self._sum %= 1 << 128
            self._stale = {}
        return self._sum

    @property
    def end(self) -> int:
        """The number after the last that a page can have."""
        return len(self.directories) * DIRECTORY

    def has(self, number: int) -> bool:
        """True if there is a page with this number: the last directory may not be full."""
        at, offset = divmod(number, DIRECTORY)
        return 0 <= at < len(self.directories) and offset < len(self.directories[at])

    def __getitem__(self, number: int) -> Page:
        return self.directories[number // DIRECTORY][number % DIRECTORY]

    def replace(self, changes: Iterable[tuple[int, Page]]) -> PageTable:
        """The table after these pages have got these contents."""
        touched: dict[int, list[Page]] = {}
        for number, page in changes:
            at, offset = divmod(number, DIRECTORY)
            directory = touched.get(at)
            if directory is None:
                directory = touched[at] = list(self.directories[at])
            directory[offset] = page
        if not touched:
            return self
        directories = list(self.directories)
        stale = dict(self._stale)
        for at, directory in touched.items():
            if at not in stale:
                stale[at] = _weight(at, _names(directories[at]))
            directories[at] = tuple(directory)
        return PageTable(tuple(directories), self._sum, stale)

    def differing(self, other: PageTable) -> Iterator[int]:
        """Numbers of the pages that hold something else in `other`, or may do so: only where both
        sums have been asked for every name is known."""
        for at, (mine, theirs) in enumerate(zip(self.directories, other.directories, strict=True)):
            if mine is not theirs:
                for offset, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                    if a is not b and not a.is_like(b):
                        yield at * DIRECTORY + offset
