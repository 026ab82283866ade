"""Network backends at the border: the replay filter, an object of its own on each netdev."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import IntFlag
from threading import Condition
from typing import Protocol
from zlib import crc32

from ttd.engine.outbox import Outbox
from ttd.recording.events import Event, Kind
from ttd.recording.varint import Reader, varint
from ttd.replay.entrance import Entrance
from ttd.replay.errors import Divergence
from ttd.values import dataclass

QUEUE_PACKETS = 256
"""Packets waiting for the guest beyond which host threads are held up."""
MAX_PACKET = 1 << 16
"""Longer ones are dropped, as no network has them."""

PacketQueue = Callable[[int, Sequence[bytes]], None]
"""Where a backend puts a packet that has come in: its flags, and its parts in their order."""
Capture = Callable[[str, bool, bytes], None]
"""Sees each packet that passes: name of the netdev, whether the guest sent it, the packet."""


class PacketFlags(IntFlag):
    """What may be said of a packet that comes in. Numbers are in the file."""

    RAW = 1
    """It has no virtio-net header. QEMU: `QEMU_NET_PACKET_FLAG_RAW`."""


class NetBackend(Protocol):
    """The host side of a network: what the guest's packets go to and come from."""

    def start(self, on_packet: PacketQueue) -> None:
        """Begin to receive; `on_packet` is called from a thread of the backend's.

        It may hold that thread up, which then should read no more.
        """
        ...

    def send(self, packet: bytes) -> None:
        """Send a packet, or lose it, as networks do; neither waits nor raises."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


@dataclass(frozen=True, slots=True)
class Netdev:
    """A network that a device can be connected to; in play it has no backend."""

    name: str
    backend: NetBackend | None = None


class NetFilter:
    """The filter on one netdev; made by `Replay.register_net`. QEMU: `filter-replay`.

    Packets that come in are queued by host threads and enter the machine at a checkpoint, when
    the device has room for them. Those that the guest sends go to the backend in record. In play
    the backend is not touched: what came in comes from the log, and what is sent is compared
    with the log and dropped.
    """

    def __init__(self, entrance: Entrance, netdev: Netdev) -> None:
        self.name = netdev.name
        self._capture: Capture | None = None
        self._backend = netdev.backend
        self._entrance = entrance
        self._at = entrance.at
        self._receive: Callable[[bytes], None] | None = None
        self._can_receive: Callable[[int], bool] = lambda size: False
        self._queue: deque[bytes] = deque()
        self._changed = Condition()
        self._closed = False
        self._received = 0
        self.outbox = Outbox(self._left)
        """What is sent natively, and how much has been sent."""

    @property
    def capture(self) -> Capture | None:
        """Sees each packet, in its step."""
        return self._capture

    @capture.setter
    def capture(self, capture: Capture | None) -> None:
        self._capture = capture
        self.open()

    def open(self) -> None:
        """It is known which devices there are: native code may send, unless somebody looks."""
        device = self._at.devices.number(self.name)[0] if self._capture is None else None
        self.outbox.open(device, kept=self._backend is not None)

    def _left(self, packet: bytes) -> None:
        """Record: a packet was sent natively."""
        if self._backend is not None:
            self._backend.send(packet)

    # the guest's side: machine's thread

    def connect(self, receive: Callable[[bytes], None], can_receive: Callable[[int], bool]) -> None:
        """Say where packets go, and how to ask whether one of a size can be taken now.

        Both are called on the machine's thread, at checkpoints. A packet that the device cannot
        take stays queued; in the recording it is at the step at which it was delivered.
        """
        self._receive = receive
        self._can_receive = can_receive

    def send(self, packet: bytes) -> None:
        """A packet from the guest: an Ethernet frame without its checksum."""
        self.outbox.follow(packet)
        if self._goes_out(packet):
            self._left(packet)
        if self.capture is not None:
            self.capture(self.name, True, packet)

    def _goes_out(self, packet: bytes) -> bool:
        """Record: the packet is logged, not its contents, which a replay makes anew.

        Play: `Divergence` unless it is the next event, here.
        """
        at = self._at
        device = at.devices.number(self.name)
        payload = device + crc32(packet).to_bytes(4, "little") + varint(len(packet))
        if not at.playing():
            at.append(Kind.NET_TX, payload)
            return True
        event = at.take(Kind.NET_TX, f"a packet of {len(packet)} bytes sent to {self.name}")
        if event.payload != payload:
            found = Event(event.step, Kind.NET_TX, payload)
            raise Divergence(event.step, at.describe(event), at.describe(found))
        return False

    def ready(self) -> None:
        """The device has room again: packets that wait enter soon."""
        if self._queue:
            self._entrance.wake()

    # the host's side

    def packet_event(self, flags: int, iov: Sequence[bytes]) -> None:
        """Host to guest, from any host thread; waits while the guest is far behind.

        `iov`: the packet in parts. QEMU: `replay_net_packet_event`.
        """
        packet = b"".join(iov)
        if len(packet) > MAX_PACKET:
            return
        with self._changed:
            self._changed.wait_for(lambda: len(self._queue) < QUEUE_PACKETS or self._closed)
            if self._closed:
                return
            first = not self._queue
            self._queue.append(varint(flags) + packet)
        if first:
            # Others wait behind what is known of, and for which there is no room.
            self._entrance.wake()

    def start(self) -> None:
        """Let the backend receive."""
        if self._backend is not None:
            self._backend.start(self.packet_event)

    def close(self) -> None:
        """Let go of host threads, drop what is queued and close the backend."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        if self._backend is not None:
            self._backend.close()

    # `sources.Source`

    @property
    def waiting(self) -> bool:
        return bool(self._queue)

    def offers(self) -> bytes | None:
        with self._changed:
            payload = self._queue[0] if self._queue else None
        if payload is None or not self._can_receive(len(_packet(payload))):
            return None
        return payload

    def fits(self, payload: bytes) -> bytes | None:
        return payload if self._can_receive(len(_packet(payload))) else None

    def take(self, payload: bytes) -> bool:
        with self._changed:
            there = bool(self._queue)
            if there:
                self._queue.popleft()
            if len(self._queue) == QUEUE_PACKETS // 2:
                # Not for each packet: a thread that is held up then has some to do.
                self._changed.notify_all()
        return there

    def deliver(self, payload: bytes) -> None:
        packet = _packet(payload)
        self._received += 1
        if self._receive is None or not self._can_receive(len(packet)):
            raise Divergence(
                self._at.step(),
                f"a packet of {len(packet)} bytes for {self.name}",
                "no room for it",
            )
        self._receive(packet)
        if self.capture is not None:
            self.capture(self.name, False, packet)

    def save(self) -> list[int]:
        return [self._received, self.outbox.sent, self.outbox.crc]

    def load(self, state: list[int]) -> None:
        self._received, sent, crc = state
        self.outbox.count(sent, crc)


def _packet(payload: bytes) -> bytes:
    """What is behind the flags."""
    if payload[:1] < b"\x80":
        return payload[1:]
    reader = Reader(payload)
    return payload[len(varint(reader.varint())) :]
