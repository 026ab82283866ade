"""Split virtqueues: section 2.7."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Protocol

from ttd.state import State

NEXT, WRITE, INDIRECT = 1, 2, 4
"""Flags of a descriptor (2.7.5)."""
NO_INTERRUPT = 1
"""Flag of the available ring: the driver wants no interrupt (2.7.7)."""
_DESCRIPTOR = struct.Struct("<QIHH")
_USED = struct.Struct("<II")
_WORD = struct.Struct("<H")
_SPACE = 1 << 64


class Memory(Protocol):
    """The machine's memory, as a device that is a bus master sees it."""

    def read(self, address: int, size: int) -> bytes:
        """Contents; shorter where memory ends."""

    def write(self, address: int, data: bytes) -> int:
        """Change it; returns how many bytes were there."""


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

    def read(self, memory: Memory, offset: int, count: int) -> bytes:
        """What the driver sent: `count` bytes from `offset` on, or as many as there are."""
        out = bytearray()
        for address, size in _span(self.readable, offset, count):
            out += _read(memory, address, size)
        return bytes(out)

    def write(self, memory: Memory, data: bytes, offset: int = 0) -> None:
        """Put `data` into what the driver has given for it."""
        at = 0
        for address, size in _span(self.writable, offset, len(data)):
            _write(memory, address, data[at : at + size])
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

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
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
        if not self.ready:
            return 0
        count = (self._word(self.driver + 2) - self.last_avail) & 0xFFFF
        if count > self.num:
            raise QueueError("the available ring is ahead of itself")
        return count

    def peek(self) -> Chain | None:
        """The next request, which stays there."""
        if not self.waiting:
            return None
        return self._walk(self._word(self.driver + 4 + 2 * (self.last_avail % self.num)))

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
        self._put(self.device + 4 + 8 * (self.used % self.num), _USED.pack(chain.head, written))
        self.used = (self.used + 1) & 0xFFFF
        self._put(self.device + 2, _WORD.pack(self.used))

    @property
    def wants_interrupt(self) -> bool:
        """The driver has not switched off the interrupts of this queue (2.7.7)."""
        return not self._word(self.driver) & NO_INTERRUPT

    def _walk(self, head: int) -> Chain:
        chain = Chain(head)
        table, entries = self.desc, self.num
        index, seen, indirect = head, 0, False
        while True:
            if index >= entries or seen >= min(entries, self.LONGEST):
                raise QueueError("a chain of descriptors leads out of its table or in a circle")
            seen += 1
            address, size, flags, following = _DESCRIPTOR.unpack(self._get(table + 16 * index, 16))
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

    def _word(self, address: int) -> int:
        return int.from_bytes(self._get(address, 2), "little")

    def _get(self, address: int, size: int) -> bytes:
        return _read(self._memory, address, size)

    def _put(self, address: int, data: bytes) -> None:
        _write(self._memory, address, data)


def _read(memory: Memory, address: int, size: int) -> bytes:
    """What is at a place that the driver has named."""
    _check(address, size)
    data = memory.read(address, size)
    if len(data) != size:
        raise QueueError(f"the driver names {address:#x}, where there is no memory")
    return data


def _write(memory: Memory, address: int, data: bytes) -> None:
    """Change what is at a place that the driver has named."""
    _check(address, len(data))
    if memory.write(address, data) != len(data):
        raise QueueError(f"the driver names {address:#x}, where there is no memory")


def _check(address: int, size: int) -> None:
    if address + size > _SPACE:
        raise QueueError(f"the driver names {address:#x} and beyond, where addresses end")
