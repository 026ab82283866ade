"""virtio-console with one port: section 5.3."""

from __future__ import annotations

from ttd.devices.base import Clock, Dma, Line
from ttd.devices.chars import RETRY_NS, CharFront, is_lost
from ttd.devices.virtio.mmio import VirtioMmio
from ttd.devices.virtio.queue import QueueError

RECEIVE, TRANSMIT = 0, 1
"""Queues of port 0 (5.3.2)."""
MOST = 1 << 16
"""Bytes that leave at once; what is longer goes on `RETRY_NS` later."""


class VirtioConsole(VirtioMmio):
    """A console. What the host side refuses is offered again after `RETRY_NS`.

    A driver may say that its buffers hold terabytes, so they leave in pieces.
    """

    TYPE = 3
    QUEUES = 2
    STATE = (*VirtioMmio.STATE, "sent", "retry_at")

    def __init__(self, name: str, clock: Clock, dma: Dma, line: Line, front: CharFront) -> None:
        self.front = front
        super().__init__(name, clock, dma, line)
        front.connect(self.receive, self.can_receive)

    def stopped(self, queue: int) -> None:
        if queue == TRANSMIT:
            self.reset_type()
            self.clock.rearm()

    def reset_type(self) -> None:
        self.sent = 0
        """Bytes of the buffer being sent that have left."""
        self.retry_at: int | None = None

    def deadline(self) -> int | None:
        return self.retry_at

    def expire(self) -> None:
        if self.retry_at is not None and self.clock.now() >= self.retry_at:
            self.retry_at = None
            self._notify(TRANSMIT)

    def notified(self, queue: int) -> None:
        if queue != TRANSMIT or self.retry_at is not None:
            return
        transmit, left = self.queues[TRANSMIT], MOST
        while (chain := transmit.peek()) is not None:
            data = chain.read(self.dma, self.sent, left)
            left -= len(data)
            taken = self.front.write(data) if data else 0
            self.sent = chain.readable_size if is_lost(taken) else self.sent + max(0, taken)
            if self.sent < chain.readable_size:
                # A deadline in virtual time, as in the UART: the same step in every replay.
                self.retry_at = self.clock.now() + RETRY_NS
                self.clock.rearm()
                return
            self.sent = 0
            transmit.pop()
            self.give_back(TRANSMIT, chain, 0)

    def can_receive(self) -> int:
        """Bytes that fit into the driver's next buffer."""
        if not self.running:
            return 0
        try:
            chain = self.queues[RECEIVE].look()
        except QueueError:
            return MOST  # to ask changes nothing: `receive` finds it, and gives up
        return 0 if chain is None else chain.writable_size

    def receive(self, data: bytes) -> None:
        """Bytes from the host, at most `can_receive()`."""
        try:
            chain = self.queues[RECEIVE].pop()
            if chain is not None:
                chain.write(self.dma, data)
                self.give_back(RECEIVE, chain, len(data))
        except QueueError:
            self.give_up()
