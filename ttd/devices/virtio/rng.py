"""virtio-rng, the entropy device: section 5.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ttd.devices.base import Clock, Dma, Line
from ttd.devices.virtio.mmio import VirtioMmio
from ttd.devices.virtio.queue import QueueError

MOST = 64 << 10
"""Bytes given for one request at most; the driver sees how many there are."""


class BottomHalfFront(Protocol):
    """The replay layer's bottom halves."""

    def register_bh(self, name: str, handler: Callable[[bytes], None]) -> None:
        """Say what runs for the bottom halves of `name`."""

    def bh_schedule_event(self, name: str) -> None:
        """Run it once at the next checkpoint, however often this is called before."""

    def bh_schedule_oneshot_event(self, name: str) -> None:
        """Run it at the next checkpoint, once for each time this is called."""


class VirtioRng(VirtioMmio):
    """Random bytes, fetched in a bottom half: soon after the driver has asked, not meanwhile."""

    TYPE = 4
    QUEUES = 1

    def __init__(
        self,
        name: str,
        clock: Clock,
        dma: Dma,
        line: Line,
        random: Callable[[int], bytes],
        halves: BottomHalfFront,
    ) -> None:
        self.random = random
        self.halves = halves
        super().__init__(name, clock, dma, line)
        halves.register_bh(name, self._serve)

    def notified(self, queue: int) -> None:
        if self.queues[0].waiting:
            self.halves.bh_schedule_event(self.name)

    def _serve(self, argument: bytes) -> None:
        if not self.running:
            return
        try:
            while (chain := self.queues[0].pop()) is not None:
                data = self.random(min(chain.writable_size, MOST))
                chain.write(self.dma, data)
                self.give_back(0, chain, len(data))
        except QueueError:
            self.give_up()
