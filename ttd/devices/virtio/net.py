"""virtio-net with one pair of queues and no offloads: section 5.1."""

from __future__ import annotations

from ttd.devices.base import Clock, Dma, Line
from ttd.devices.net import NetFront
from ttd.devices.virtio.mmio import F_VERSION_1, VirtioMmio
from ttd.devices.virtio.queue import QueueError
from ttd.devices.virtio.rng import BottomHalfFront

F_MAC, F_STATUS = 1 << 5, 1 << 16
RECEIVE, TRANSMIT = 0, 1
"""Queues (5.1.2)."""
_RECEIVED = bytes(10) + b"\1\0"
"""`virtio_net_hdr` (5.1.6): no offloads, one buffer."""
_LINK_UP = b"\1\0"
MOST = 1 << 16
"""Bytes of a packet at most; longer ones are not sent."""


class VirtioNet(VirtioMmio):
    """A network interface. Packets leave in a bottom half, soon after the driver has said so."""

    TYPE = 1
    QUEUES = 2
    FEATURES = F_MAC | F_STATUS

    def __init__(
        self,
        name: str,
        clock: Clock,
        dma: Dma,
        line: Line,
        front: NetFront,
        mac: bytes,
        halves: BottomHalfFront,
    ) -> None:
        self.front = front
        self.mac = mac
        self.halves = halves
        super().__init__(name, clock, dma, line)
        halves.register_bh(name, self._send)
        front.connect(self.receive, self.can_receive)

    def config(self) -> bytes:
        return self.mac + _LINK_UP

    def notified(self, queue: int) -> None:
        if queue == RECEIVE:
            self.front.ready()
        elif self.queues[TRANSMIT].waiting:
            self.halves.bh_schedule_event(self.name)

    @property
    def _header(self) -> int:
        """Bytes of `virtio_net_hdr`: `num_buffers` is there with VIRTIO_F_VERSION_1 (5.1.6.1)."""
        return len(_RECEIVED) if self.driver_features & F_VERSION_1 else len(_RECEIVED) - 2

    def _send(self, argument: bytes) -> None:
        if not self.running:
            return
        try:
            while (chain := self.queues[TRANSMIT].pop()) is not None:
                size = chain.readable_size - self._header
                if size < 0:
                    raise QueueError("a packet without a header")
                if size <= MOST:
                    self.front.send(chain.read(self.dma, self._header, size))
                self.give_back(TRANSMIT, chain, 0)
        except QueueError:
            self.give_up()

    def can_receive(self, size: int) -> bool:
        """Say if the driver's next buffer has room for a packet of this size."""
        if not self.running:
            return False
        try:
            chain = self.queues[RECEIVE].look()
        except QueueError:
            return True  # to ask changes nothing: `receive` finds it, and gives up
        return chain is not None and chain.writable_size >= self._header + size

    def receive(self, packet: bytes) -> None:
        """A packet from the network."""
        try:
            chain = self.queues[RECEIVE].pop()
            if chain is not None:
                data = _RECEIVED[: self._header] + packet
                chain.write(self.dma, data)
                self.give_back(RECEIVE, chain, len(data))
        except QueueError:
            self.give_up()
