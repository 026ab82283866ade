"""virtio-blk: section 5.2."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Protocol

from ttd.devices.base import Clock, Dma, Line
from ttd.devices.virtio.mmio import VirtioMmio
from ttd.devices.virtio.queue import Chain, Queue, QueueError
from ttd.devices.virtio.rng import BottomHalfFront

SECTOR = 512
IN, OUT, FLUSH, GET_ID = 0, 1, 4, 8
"""Types of requests (5.2.6)."""
OK, IOERR, UNSUPP = 0, 1, 2
F_SEG_MAX, F_RO, F_BLK_SIZE, F_FLUSH = 1 << 2, 1 << 5, 1 << 6, 1 << 9
MOST = 4 << 20
"""Bytes of one request; larger ones fail."""
_HEADER = struct.Struct("<IIQ")


class BlockFront(Protocol):
    """The replay layer's side of a disk."""

    @property
    def size(self) -> int:
        """Bytes of the disk."""

    def connect(self, complete: Callable[[int, int], None]) -> None:
        """Say what is called when a request completes: its number, errno or 0."""

    def submit(self, offset: int, count: int, writes: bool) -> int:
        """Begin a request; returns its number."""

    def read(self, offset: int, count: int) -> bytes:
        """Contents, when a request completes."""

    def write(self, offset: int, data: bytes) -> None:
        """Change contents, when a request completes."""


class VirtioBlock(VirtioMmio):
    """A disk. Requests complete when the replay layer says so, in any order.

    Data move between guest memory and disk at the completion, both ways. A request that needs
    nothing of the disk, or asks for what cannot be, completes in a bottom half of its own: no
    request is done while the driver is still making it. QEMU: `blk_abort_aio_request`.
    """

    TYPE = 2
    QUEUES = 1
    STATE = (*VirtioMmio.STATE, "inflight", "answered")

    def __init__(
        self,
        name: str,
        clock: Clock,
        dma: Dma,
        line: Line,
        front: BlockFront,
        halves: BottomHalfFront,
        readonly: bool = False,
    ) -> None:
        self.front = front
        self.halves = halves
        self.readonly = readonly
        super().__init__(name, clock, dma, line)
        halves.register_bh(name, self._answer)
        front.connect(self._complete)

    def stopped(self, queue: int) -> None:
        self.reset_type()

    def reset_type(self) -> None:
        self._under_way: dict[int, tuple[int, int, Chain]] = {}
        """Type, offset on the disk and chain of each request, by number."""
        self.answered: list[list[Any]] = []
        """[status, data, chain] of each request that only waits for its bottom half."""

    @property
    def inflight(self) -> list[list[Any]]:
        """Number, type, offset on the disk and chain of each request under way."""
        return [
            [number, kind, offset, chain.to_data()]
            for number, (kind, offset, chain) in self._under_way.items()
        ]

    @inflight.setter
    def inflight(self, requests: list[list[Any]]) -> None:
        self._under_way = {
            number: (kind, offset, Chain.from_data(data)) for number, kind, offset, data in requests
        }

    def features(self) -> int:
        return F_SEG_MAX | F_BLK_SIZE | F_FLUSH | (F_RO if self.readonly else 0)

    def config(self) -> bytes:
        # capacity, size_max, seg_max, geometry, blk_size
        sectors = self.front.size // SECTOR
        return struct.pack("<QIIHBBI", sectors, 0, Queue.MAX - 2, 0, 0, 0, SECTOR)

    def notified(self, queue: int) -> None:
        while (chain := self.queues[0].pop()) is not None:
            self._begin(chain)

    def _begin(self, chain: Chain) -> None:
        if chain.readable_size < _HEADER.size or chain.writable_size < 1:
            raise QueueError("a request without header or status (5.2.6)")
        kind, _, sector = _HEADER.unpack(chain.read(self.dma, 0, _HEADER.size))
        if kind == FLUSH:
            self._submit(chain, kind, 0, 0)
        elif kind == GET_ID:
            name = self.name.encode()[:20].ljust(20, b"\0")
            self._answer_soon(chain, OK, name[: chain.writable_size - 1])
        elif kind in (IN, OUT):
            size = chain.writable_size - 1 if kind == IN else chain.readable_size - _HEADER.size
            beyond = sector * SECTOR + size > self.front.size // SECTOR * SECTOR
            if size % SECTOR or size > MOST or beyond or (kind == OUT and self.readonly):
                self._answer_soon(chain, IOERR)
            else:
                self._submit(chain, kind, sector * SECTOR, size)
        else:
            self._answer_soon(chain, UNSUPP)

    def _answer_soon(self, chain: Chain, status: int, data: bytes = b"") -> None:
        self.answered.append([status, data, chain.to_data()])
        self.halves.bh_schedule_oneshot_event(self.name)

    def _answer(self, argument: bytes) -> None:
        if not self.answered:
            return  # the device has been reset since
        status, data, request = self.answered.pop(0)
        chain = Chain.from_data(request)
        try:
            chain.write(self.dma, data)
            self._finish(chain, status, len(data))
        except QueueError:
            self.give_up()

    def _submit(self, chain: Chain, kind: int, offset: int, size: int) -> None:
        number = self.front.submit(offset, size, kind == OUT)
        self._under_way[number] = (kind, offset, chain)

    def _complete(self, number: int, errno: int) -> None:
        request = self._under_way.pop(number, None)
        if request is None:
            return  # the device has been reset since
        kind, offset, chain = request
        written = 0
        try:
            if not errno and kind == IN:
                written = chain.writable_size - 1
                chain.write(self.dma, self.front.read(offset, written))
            elif not errno and kind == OUT:
                self.front.write(offset, chain.read(self.dma, _HEADER.size, MOST))
            self._finish(chain, IOERR if errno else OK, written)
        except QueueError:
            self.give_up()

    def _finish(self, chain: Chain, status: int, written: int) -> None:
        # The status is the last byte of what the device may write.
        chain.write(self.dma, bytes((status,)), chain.writable_size - 1)
        self.give_back(0, chain, written + 1)
