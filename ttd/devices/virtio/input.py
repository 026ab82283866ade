"""virtio-input: section 5.8. Events and codes are those of Linux (linux/input-event-codes.h)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Protocol

from ttd.devices.base import Clock, Dma, Line
from ttd.devices.virtio.mmio import VirtioMmio
from ttd.devices.virtio.queue import Queue, QueueError
from ttd.keys import EV_ABS, EV_KEY, EV_REL, EV_SYN
from ttd.values import dataclass

ID_NAME, ID_SERIAL, ID_DEVIDS, PROP_BITS, EV_BITS, ABS_INFO = 1, 2, 3, 0x10, 0x11, 0x12
"""Selectors of the configuration space (5.8.4)."""
EVENTS, STATUS_QUEUE = 0, 1
ABS_MAX = 0x7FFF
"""Absolute axes go from 0 to this, as in QEMU."""
BUTTONS = (*range(0x110, 0x115), 0x14A)
"""BTN_LEFT, RIGHT, MIDDLE, SIDE, EXTRA; BTN_TOUCH."""
_EVENT = struct.Struct("<HHi")
_BUS_VIRTUAL = 6
_MOST_EVENTS = Queue.MAX
"""A group that is longer finds too few buffers in any case."""


class InputFront(Protocol):
    """The replay layer's side of an input device."""

    def connect(self, event: Callable[[int, int, int], None], sync: Callable[[], None]) -> None:
        """Say what is called for each event, and at the end of a group."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an input device is: its name and the codes that it can send, by event type."""

    title: str
    product: int
    codes: dict[int, Iterable[int]] = field(default_factory=dict)


KINDS = {
    "keyboard": Kind("ttd virtio keyboard", 1, {EV_KEY: range(1, 249)}),
    "mouse": Kind("ttd virtio mouse", 2, {EV_KEY: BUTTONS[:5], EV_REL: (0, 1, 8)}),
    "tablet": Kind("ttd virtio tablet", 3, {EV_KEY: BUTTONS, EV_REL: (8,), EV_ABS: (0, 1)}),
}
"""By the word after `virtio-`."""


class VirtioInput(VirtioMmio):
    """A keyboard, mouse or tablet. A group of events that finds too few buffers is lost whole."""

    TYPE = 18
    QUEUES = 2
    STATE = (*VirtioMmio.STATE, "select", "subsel", "group")

    def __init__(
        self, name: str, clock: Clock, dma: Dma, line: Line, front: InputFront, kind: str
    ) -> None:
        self.kind = KINDS[kind]
        super().__init__(name, clock, dma, line)
        front.connect(self.event, self.sync)

    def reset_type(self) -> None:
        self.select = 0
        self.subsel = 0
        self.group: list[list[int]] = []
        """Events since the last sync."""

    def config(self) -> bytes:
        data = self._selected_data()
        return bytes((self.select, self.subsel, len(data))) + bytes(5) + data.ljust(128, b"\0")

    def write_config(self, offset: int, data: bytes) -> None:
        for at, byte in enumerate(data, offset):
            if at == 0:
                self.select = byte
            elif at == 1:
                self.subsel = byte

    def _selected_data(self) -> bytes:
        if self.select == ID_NAME:
            return self.kind.title.encode()
        if self.select == ID_SERIAL:
            return self.name.encode()[:128]
        if self.select == ID_DEVIDS:
            return struct.pack("<HHHH", _BUS_VIRTUAL, 0x5454, self.kind.product, 1)
        codes = self.kind.codes.get(self.subsel, ())
        if self.select == EV_BITS and codes:
            bits = sum(1 << code for code in codes)
            return bits.to_bytes((bits.bit_length() + 7) // 8, "little")
        if self.select == ABS_INFO and self.subsel in self.kind.codes.get(EV_ABS, ()):
            return struct.pack("<IIIII", 0, ABS_MAX, 0, 0, 0)
        return b""

    def notified(self, queue: int) -> None:
        if queue == STATUS_QUEUE:
            # LEDs and the like: there are none.
            while (chain := self.queues[STATUS_QUEUE].pop()) is not None:
                self.give_back(STATUS_QUEUE, chain, 0)

    def event(self, kind: int, code: int, value: int) -> None:
        """Something moved; the guest hears of it at the next `sync`."""
        if self.running and len(self.group) < _MOST_EVENTS:
            self.group.append([kind, code, value])

    def sync(self) -> None:
        """A group of events is complete."""
        group, self.group = self.group, []
        if not group or not self.running:
            return
        queue = self.queues[EVENTS]
        try:
            if queue.waiting <= len(group):
                return  # 5.8.6.2: may be dropped
            for kind, code, value in [*group, [EV_SYN, 0, 0]]:
                chain = queue.pop()
                assert chain is not None
                chain.write(self.dma, _EVENT.pack(kind, code, value))
                self.give_back(EVENTS, chain, _EVENT.size)
        except QueueError:
            self.give_up()
