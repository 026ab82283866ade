"""Split virtqueues: section 2.7. They are native (`ttd/devices/native/virtq.c`)."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from ttd.devices.base import BusError, Dma
from ttd.engine._native import ffi, lib
from ttd.state import State
from ttd.values import dataclass

_WRONG = {
    lib.VIRTQ_AHEAD: "the available ring is ahead of itself",
    lib.VIRTQ_CIRCLE: "a chain of descriptors leads out of its table or in a circle",
    lib.VIRTQ_INDIRECT: "an indirect descriptor is not allowed there (2.7.5.3)",
    lib.VIRTQ_ORDER: "a readable buffer follows a writable one (2.7.4.2)",
}


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
            out += _bytes(dma, address, size)
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
    STATE = ("num", "ready", "desc", "driver", "device", "last_avail", "used")

    def __init__(self, dma: Dma) -> None:
        engine, by = dma.native
        self.native = ffi.new("virtq *")
        """Its state: section 2.7, `virtq.h`."""
        self._way = ffi.new("virtq_way *", (engine, by, False))
        self._look = ffi.new("virtq_way *", (engine, by, True))
        self._chain = ffi.new("virtq_chain *")
        self.reset()

    def reset(self) -> None:
        """As after a reset of the device."""
        ffi.memmove(self.native, bytes(ffi.sizeof("virtq")), ffi.sizeof("virtq"))
        self.native.num = self.MAX

    def save(self) -> State:
        return {name: getattr(self.native, name) for name in self.STATE}

    def load(self, state: State) -> None:
        for name in self.STATE:
            setattr(self.native, name, state[name])

    @property
    def waiting(self) -> int:
        """How many requests the driver has made that have not been taken."""
        return self._checked(self._way, lib.virtq_waiting(self._way, self.native))

    def peek(self) -> Chain | None:
        """The next request, which stays there."""
        return self._next(self._way)

    def look(self) -> Chain | None:
        """As `peek`, for a question that must leave no trace."""
        return self._next(self._look)

    def pop(self) -> Chain | None:
        """Take the next request; None if there is none."""
        chain, native = self._next(self._way), self.native
        if chain is not None:
            if (native.last_avail - native.used) & 0xFFFF >= native.num:
                raise QueueError("more requests are under way than the queue has room for (2.7.1)")
            native.last_avail = (native.last_avail + 1) & 0xFFFF
        return chain

    def push(self, chain: Chain, written: int) -> bool:
        """Give a request back, having written so many bytes (2.7.8). True: the driver has not
        switched off the interrupts of this queue (2.7.7)."""
        found = lib.virtq_push(self._way, self.native, chain.head, written)
        return bool(self._checked(self._way, found))

    def _next(self, way: Any) -> Chain | None:
        native = self._chain
        if not self._checked(way, lib.virtq_next(way, self.native, native)):
            return None
        buffers = ffi.unpack(native.buffers, native.count)
        return Chain(
            native.head,
            [(b.address, b.size) for b in buffers if not b.writable],
            [(b.address, b.size) for b in buffers if b.writable],
        )

    def _checked(self, way: Any, found: int) -> int:
        if found == lib.VIRTQ_NOWHERE:
            raise QueueError(f"the driver names {way.bad:#x}, where there is no memory")
        if found < 0:
            raise QueueError(_WRONG[found])
        return found


def _bytes(dma: Dma, address: int, size: int) -> bytes:
    """What is at a place that the driver has named."""
    try:
        return dma.read(address, size)
    except BusError as error:
        raise QueueError(f"the driver names {address:#x}, where there is no memory") from error


def _put(dma: Dma, address: int, data: bytes) -> None:
    """Change what is at a place that the driver has named."""
    try:
        dma.write(address, data)
    except BusError as error:
        raise QueueError(f"the driver names {address:#x}, where there is no memory") from error
