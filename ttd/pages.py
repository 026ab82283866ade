"""Contents of guest RAM over time: pages interned by content, tables that share what is equal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from weakref import WeakValueDictionary

from ttd.recording.blob import digest

DIRECTORY = 256
"""Pages in one directory of a table."""

Digest = bytes
"""16 bytes of BLAKE2b over a page's contents."""


class Held:
    """How much memory pages take."""

    def __init__(self) -> None:
        self.bytes = 0


PAGE_COST = 250
"""Bytes that a page takes beside its contents, about."""


class Page:
    """One page content. Equal contents are the same object, so `is` compares contents."""

    __slots__ = ("__weakref__", "_data", "_held", "_load", "digest")

    def __init__(
        self,
        digest: Digest,
        data: bytes | None,
        held: Held,
        load: Callable[[Digest], bytes] | None = None,
    ) -> None:
        self.digest = digest
        self._data = data
        self._load = load
        self._held = held
        held.bytes += PAGE_COST + len(data or b"")

    def __del__(self) -> None:
        self._held.bytes -= PAGE_COST + len(self._data or b"")

    @property
    def data(self) -> bytes:
        """The content; read from the recording where it is not in memory."""
        if self._data is None:
            assert self._load is not None
            self._data = self._load(self.digest)
            self._held.bytes += len(self._data)
        return self._data

    @property
    def in_memory(self) -> bool:
        """The content need not be read."""
        return self._data is not None

    def fill(self, data: bytes) -> None:
        """The content, which has been read with others."""
        self._data = data
        self._held.bytes += len(data)


class PageStore:
    """All page contents in use, each once."""

    def __init__(self) -> None:
        self._pages: WeakValueDictionary[Digest, Page] = WeakValueDictionary()
        self.held = Held()

    def intern(self, data: bytes) -> Page:
        name = digest(data)
        page = self._pages.get(name)
        if page is None:
            page = self._pages[name] = Page(name, data, self.held)
        return page

    def stored(self, name: Digest, load: Callable[[Digest], bytes]) -> Page:
        """The page of this name, whose content `load` can fetch when it is wanted."""
        page = self._pages.get(name)
        if page is None:
            page = self._pages[name] = Page(name, None, self.held, load)
        return page

    def fetch(
        self, pages: Iterable[Page], load: Callable[[Iterable[Digest]], Iterable[bytes]]
    ) -> None:
        """Have the contents of `pages` in memory; `load` gives many at once, in their order."""
        missing = list({page for page in pages if not page.in_memory})
        for page, data in zip(missing, load(page.digest for page in missing), strict=True):
            page.fill(data)


Directory = tuple[Page, ...]


HOLE = digest(b"")
"""Name of the page of a disk that the machine has not seen; it has no contents."""


def _weight(number: int, page: Page) -> int:
    """What a page at a place contributes to a table's sum."""
    if page.digest == HOLE:
        return 0
    return int.from_bytes(
        hashlib.blake2b(page.digest, digest_size=16, salt=number.to_bytes(8, "little")).digest(),
        "little",
    )


class PageTable:
    """What every page of RAM holds at one moment. Immutable; a successor shares directories.

    `total` identifies the contents: the sum modulo 2**128 of a hash of each (place, content).
    """

    __slots__ = ("directories", "total")

    def __init__(self, directories: tuple[Directory, ...], total: int) -> None:
        self.directories = directories
        self.total = total

    @classmethod
    def filled(cls, pages: int, page: Page) -> PageTable:
        """`pages` pages that all hold the same."""
        full, rest = divmod(pages, DIRECTORY)
        directory = (page,) * DIRECTORY
        directories = (directory,) * full + (((page,) * rest,) if rest else ())
        total = sum(_weight(number, page) for number in range(pages)) % (1 << 128)
        return cls(directories, total)

    def extended(self, pages: int, hole: Page) -> PageTable:
        """The table with `pages` holes (of `HOLE`) after the last directory."""
        directories = ((hole,) * DIRECTORY,) * -(-pages // DIRECTORY)
        return PageTable(self.directories + directories, self.total)

    @property
    def end(self) -> int:
        """The number after the last that a page can have."""
        return len(self.directories) * DIRECTORY

    def __getitem__(self, number: int) -> Page:
        return self.directories[number // DIRECTORY][number % DIRECTORY]

    def replace(self, changes: Iterable[tuple[int, Page]]) -> PageTable:
        """The table after these pages have got these contents."""
        touched: dict[int, list[Page]] = {}
        total = self.total
        for number, page in changes:
            at, offset = divmod(number, DIRECTORY)
            directory = touched.get(at)
            if directory is None:
                directory = touched[at] = list(self.directories[at])
            old = directory[offset]
            if old is not page:
                total += _weight(number, page) - _weight(number, old)
                directory[offset] = page
        if not touched:
            return self
        directories = list(self.directories)
        for at, directory in touched.items():
            directories[at] = tuple(directory)
        return PageTable(tuple(directories), total % (1 << 128))

    def differing(self, other: PageTable) -> Iterator[int]:
        """Numbers of the pages that hold something else in `other`."""
        for at, (mine, theirs) in enumerate(zip(self.directories, other.directories, strict=True)):
            if mine is not theirs:
                for offset, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                    if a is not b:
                        yield at * DIRECTORY + offset
