"""Page tables as somebody outside reads them: privileged architecture, sections "Sv32: Page-Based
32-bit Virtual-Memory Systems" and "Sv39: Page-Based 39-bit Virtual-Memory System"."""

from __future__ import annotations

from struct import unpack

from ttd.cpu.base import Leaf
from ttd.engine import Engine
from ttd.engine.types import Access

_VALID, _READ, _WRITE, _EXECUTE, _USER = 1, 2, 4, 8, 16
_PAGE_SHIFT = 12
_NUMBER = (1 << 44) - 1
"""The physical page number in satp; that of Sv32 is shorter, but nothing is above it."""


class PageTables:
    """The tables that satp points to, as they are now: what has been read is not read again.

    No access is allowed or refused here, and nothing is marked accessed or dirty.
    """

    def __init__(self, core: Engine, xlen: int, satp: int) -> None:
        self._core = core
        self._xlen = xlen
        self._levels, self._bits = (2, 10) if xlen == 32 else (3, 9)
        self._root = satp & (0x3FFFFF if xlen == 32 else _NUMBER)
        self._read: dict[int, tuple[int, ...]] = {}

    def leaf(self, address: int) -> Leaf:
        """What the tables say of an address, and of how many beside it they say the same."""
        span = _PAGE_SHIFT + self._levels * self._bits
        if self._xlen == 64:
            low, high = 1 << span - 1, (1 << 64) - (1 << span - 1)
            if low <= address < high:
                return Leaf(low, high)
        table = self._root
        for level in reversed(range(self._levels)):
            shift = _PAGE_SHIFT + level * self._bits
            start = address >> shift << shift
            hole = Leaf(start, start + (1 << shift))
            entries = self._table(table)
            entry = entries[address >> shift & len(entries) - 1] if entries else 0
            if not entry & _VALID or entry & (_READ | _WRITE) == _WRITE:
                return hole
            table = entry >> 10 & _NUMBER
            if not entry & (_READ | _EXECUTE):
                continue
            # A superpage may be misaligned, and memory protection may keep the walk from a table.
            if self._core.translate(address, None)[0] is None:
                return hole
            rights = (
                (Access.READ if entry & _READ else 0)
                | (Access.WRITE if entry & _WRITE else 0)
                | (Access.FETCH if entry & _EXECUTE else 0)
            )
            target = table << _PAGE_SHIFT
            return Leaf(start, hole.end, rights, target, bool(entry & _USER))
        return hole

    def _table(self, number: int) -> tuple[int, ...]:
        """The entries of a table; none where there is no memory."""
        if number not in self._read:
            data = self._core.read(number << _PAGE_SHIFT, 1 << _PAGE_SHIFT)
            code = f"<{1 << self._bits}{'I' if self._xlen == 32 else 'Q'}"
            self._read[number] = unpack(code, data) if len(data) == 1 << _PAGE_SHIFT else ()
        return self._read[number]
