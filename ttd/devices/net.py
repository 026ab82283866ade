"""What a network device sees of the network that it is connected to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from ttd.engine.outbox import Outbox
from ttd.values import dataclass

DEFAULT_MAC = bytes.fromhex("525400123456")
"""The hardware address of a board's network interface, unless the user gives another."""
BROADCAST = b"\xff" * 6


class NetFront(Protocol):
    """The replay layer's side of a network. Packets are Ethernet frames without checksum."""

    def connect(self, receive: Callable[[bytes], None], can_receive: Callable[[int], bool]) -> None:
        """Say where packets go, and how to ask whether one of a size can be taken now."""

    def send(self, packet: bytes) -> None:
        """Take a packet from the guest."""

    def ready(self) -> None:
        """`can_receive` may now say yes where it last said no."""

    @property
    def outbox(self) -> Outbox | None:
        """Where native code may send packets; None: everything goes by `send`."""


class Unplugged:
    """No network: nothing comes in, and what goes out is lost."""

    outbox = None

    def connect(self, receive: Callable[[bytes], None], can_receive: Callable[[int], bool]) -> None:
        """Nothing will ever be received."""

    def send(self, packet: bytes) -> None:
        """Lost."""

    def ready(self) -> None:
        """Nothing waits."""


@dataclass(frozen=True, slots=True)
class Nic:
    """What a board's network interface is given from outside."""

    front: NetFront = field(default_factory=Unplugged)
    mac: bytes = DEFAULT_MAC
