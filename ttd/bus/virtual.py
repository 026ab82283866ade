"""Guest memory by the addresses that the CPU uses now."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.cpu.base import Cpu
from ttd.engine import Engine, EngineFault

PAGE = 0x1000
"""No page table maps smaller parts."""
SPACE = 1 << 64


class CallMemory:
    """The way into memory for semihosting. Nothing is marked accessed, as by a debugger."""

    def __init__(self, engine: Engine, cpu: Cpu) -> None:
        self._engine = engine
        self._cpu = cpu
        self._top = 1 << 8 * cpu.word_size
        self.by = ""
        """The call that is being served, in words for people."""

    def read(self, address: int, size: int) -> bytes:
        """Contents; shorter, by whole pages, where there is none."""
        found = bytearray()
        for virtual, length in in_pages(address, size, self._top):
            physical = self._cpu.translate(virtual)
            if physical is None:
                break
            try:
                found += self._engine.load(physical, length, self.by)
            except EngineFault:
                break
        return bytes(found)

    def read_text(self, address: int, most: int) -> bytes | None:
        """Contents up to a zero, which is left out; None if there is none in `most` bytes."""
        length = 0
        for virtual, size in in_pages(address, most, self._top):
            physical = self._cpu.translate(virtual)
            part = b"" if physical is None else self._engine.read(physical, size)
            if (end := part.find(0)) >= 0:
                # Nothing behind the text is accessed.
                return self.read(address, length + end + 1)[:-1]
            if len(part) < size:
                return None
            length += size
        return None

    def write(self, address: int, data: bytes) -> int:
        """Change it; returns how many bytes were there, by whole pages."""
        done = 0
        for virtual, length in in_pages(address, len(data), self._top):
            physical = self._cpu.translate(virtual)
            if physical is None:
                break
            try:
                self._engine.store(physical, data[done : done + length], self.by)
            except EngineFault:
                break
            done += length
        return done


def in_pages(address: int, size: int, top: int = SPACE) -> Iterator[tuple[int, int]]:
    """Cut memory at the borders of pages: address and length of each part.

    It ends at `top`, where addresses end.
    """
    end = min(address + size, top)
    while address < end:
        length = min(end, (address // PAGE + 1) * PAGE) - address
        yield address, length
        address += length
