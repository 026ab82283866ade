"""Which addresses the pages of a table are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ttd.engine import Engine
from ttd.engine.types import FRAME
from ttd.history.pages import PageTable


class Frames:
    """The frames of RAM, which come first in every table, by their physical addresses."""

    def __init__(self, engine: Engine) -> None:
        self.count = engine.frames
        self._regions: list[tuple[int, int, int]] = []
        """Base, size, and the number of the first frame."""
        first = 0
        for base, size in engine.regions():
            self._regions.append((base, size, first))
            first += -(-size // FRAME)

    def located(self, pages: Iterable[int]) -> Iterator[tuple[int, int, int]]:
        """Of ascending pages those that are RAM: number, address, and how many bytes there are."""
        regions = iter(self._regions)
        base, size, first = next(regions)
        for page in pages:
            if page >= self.count:
                return
            while page >= first + -(-size // FRAME):
                base, size, first = next(regions)
            offset = (page - first) * FRAME
            yield page, base + offset, min(FRAME, size - offset)

    def differing(self, before: PageTable, after: PageTable) -> Iterator[tuple[int, bytes, bytes]]:
        """Address and both contents of each page that may differ, ascending by page."""
        for page, address, length in self.located(before.differing(after)):
            yield address, before[page].data[:length], after[page].data[:length]

    def read(self, table: PageTable, address: int, size: int) -> bytes:
        """What a table has at a physical address; shorter where the memory ends."""
        for base, length, first in self._regions:
            if base <= address < base + length:
                end, data = min(address + size, base + length), bytearray()
                while address < end:
                    page, offset = divmod(address - base, FRAME)
                    part = table[first + page].data[offset : offset + end - address]
                    data += part
                    address += len(part)
                return bytes(data)
        return b""
