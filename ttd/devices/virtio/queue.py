"""Split virtqueues: section 2.7."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from ttd.devices.base import BusError, Dma
from ttd.state import State

NEXT, WRITE, INDIRECT = 1, 2, 4
"""Flags of a descriptor (2.7.5)."""
NO_INTERRUPT = 1
"""Flag of the available ring: the driver wants no interrupt (2.7.7)."""
_DESCRIPTOR = struct.Struct("<QIHH")
_USED = struct.Struct("<II")
_WORD = struct.Struct("<H")
_Read = Callable[[int, int], bytes]
"""One of the ways to read of `Dma`."""


class QueueError(Exception):
    """The driver has made a queue or a request that the device cannot follow (2.1.2)."""


@dataclass(slots=True)
class Chain:
    """One request of the driver: buffers that the device reads, then buffers that it writes.

    How long they are is the driver's word: a device says how much of it it wants.
    """

    head: int
    readable: list[tuple[int, int]] = field(default_factory=list)
    writable: list[tuple[int, int]] = field(default_factory=list)

    @property
    def readable_size(self) -> int:
        return sum(size for _, size in self.readable)

    @property
    def writable_size(self) -> int:
        return sum(size for _, size in self.writable)

    def read(self, dma: Dma, offset: int, count: int) -> bytes:
        """What the driver sent: `count` bytes from `offset` on, or as many as there are."""
        out = bytearray()
        for address, size in _span(self.readable, offset, count):
            out += _bytes(dma.read, address, size)
        return bytes(out)

    def write(self, dma: Dma, data: bytes, offset: int = 0) -> None:
        """Put `data` into what the driver has given for it."""
        at = 0
        for address, size in _span(self.writable, offset, len(data)):
            _put(dma, address, data[at : at + size])
            at += size

    def to_data(self) -> list[object]:
        """As state."""
        return [self.head, [list(b) for b in self.readable], [list(b) for b in self.writable]]

    @classmethod
    def from_data(cls, data: list[object]) -> Chain:
        """Inverse of `to_data`."""
        match data:
            case [int(head), list(readable), list(writable)]:
                return cls(head, [(a, n) for a, n in readable], [(a, n) for a, n in writable])
        raise ValueError("a request is not one")


def _span(buffers: list[tuple[int, int]], offset: int, count: int) -> list[tuple[int, int]]:
    """The parts of `buffers` that hold [offset, offset + count) of their concatenation."""
    found = []
    for address, size in buffers:
        skip = min(offset, size)
        offset -= skip
        part = min(size - skip, count)
        if part:
            found.append((address + skip, part))
            count -= part
    return found


class Queue:
    """One split virtqueue, the device's side."""

    MAX = 256
    LONGEST = 1024
    """Buffers of a request at most, however many its indirect table has (QEMU: as many)."""
    STATE = ("num", "ready", "desc", "driver", "device", "last_avail", "used")

    def __init__(self, dma: Dma) -> None:
        self._dma = dma
        self.reset()

    def reset(self) -> None:
        """As after a reset of the device."""
        self.num = self.MAX
        self.ready = False
        self.desc = 0
        """Address of the descriptor table."""
        self.driver = 0
        """Address of the available ring."""
        self.device = 0
        """Address of the used ring."""
        self.last_avail = 0
        self.used = 0

    def save(self) -> State:
        return {name: getattr(self, name) for name in self.STATE}

    def load(self, state: State) -> None:
        for name in self.STATE:
            setattr(self, name, state[name])

    @property
    def waiting(self) -> int:
        """How many requests the driver has made that have not been taken."""
        return self._waiting(self._dma.read)

    def peek(self) -> Chain | None:
        """The next request, which stays there."""
        return self._next(self._dma.read)

    def look(self) -> Chain | None:
        """As `peek`, for a question that must leave no trace."""
        return self._next(self._dma.look)

    def pop(self) -> Chain | None:
        """Take the next request; None if there is none."""
        chain = self.peek()
        if chain is not None:
            if (self.last_avail - self.used) & 0xFFFF >= self.num:
                raise QueueError("more requests are under way than the queue has room for (2.7.1)")
            self.last_avail = (self.last_avail + 1) & 0xFFFF
        return chain

    def push(self, chain: Chain, written: int) -> None:
        """Give a request back, having written so many bytes (2.7.8)."""
        _put(
            self._dma, self.device + 4 + 8 * (self.used % self.num), _USED.pack(chain.head, written)
        )
        self.used = (self.used + 1) & 0xFFFF
        _put(self._dma, self.device + 2, _WORD.pack(self.used))

    @property
    def wants_interrupt(self) -> bool:
        """The driver has not switched off the interrupts of this queue (2.7.7)."""
        return not _word(self._dma.read, self.driver) & NO_INTERRUPT

    def _waiting(self, read: _Read) -> int:
        if not self.ready:
            return 0
        count = (_word(read, self.driver + 2) - self.last_avail) & 0xFFFF
        if count > self.num:
            raise QueueError("the available ring is ahead of itself")
        return count

    def _next(self, read: _Read) -> Chain | None:
        if not self._waiting(read):
            return None
        return self._walk(read, _word(read, self.driver + 4 + 2 * (self.last_avail % self.num)))

    def _walk(self, read: _Read, head: int) -> Chain:
        chain = Chain(head)
        table, entries = self.desc, self.num
        index, seen, indirect = head, 0, False
        while True:
            if index >= entries or seen >= min(entries, self.LONGEST):
                raise QueueError("a chain of descriptors leads out of its table or in a circle")
            seen += 1
            address, size, flags, following = _DESCRIPTOR.unpack(
                _bytes(read, table + 16 * index, 16)
            )
            if flags & INDIRECT:
                if indirect or flags & NEXT or not size or size % _DESCRIPTOR.size:
                    raise QueueError("an indirect descriptor is not allowed there (2.7.5.3)")
                table, entries = address, size // _DESCRIPTOR.size
                index, seen, indirect = 0, 0, True
                continue
            if flags & WRITE:
                chain.writable.append((address, size))
            elif chain.writable:
                raise QueueError("a readable buffer follows a writable one (2.7.4.2)")
            else:
                chain.readable.append((address, size))
            if not flags & NEXT:
                return chain
            index = following


def _word(read: _Read, address: int) -> int:
    return int.from_bytes(_bytes(read, address, 2), "little")


def _bytes(read: _Read, address: int, size: int) -> bytes:
    """What is at a place that the driver has named."""
    try:
        return read(address, size)
    except BusError as error:
        raise QueueError(f"the driver names {address:#x}, where there is no memory") from error


def _put(dma: Dma, address: int, data: bytes) -> None:
    """Change what is at a place that the driver has named."""
    try:
        dma.write(address, data)
    except BusError as error:
        raise QueueError(f"the driver names {address:#x}, where there is no memory") from error
