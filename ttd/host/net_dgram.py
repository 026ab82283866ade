"""A network made of UDP: each packet is one datagram, as with QEMU's `-netdev dgram`."""

from __future__ import annotations

import socket
from contextlib import suppress

from ttd.host.packets import PacketReader
from ttd.replay.net import PacketQueue


class Datagrams:
    """Sends to one address, and hears only that. Raises `OSError` if that cannot be set up."""

    def __init__(self, local: tuple[str, int], remote: tuple[str, int]) -> None:
        family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.bind(local)
            self._socket.connect(remote)
        except (OSError, UnicodeError):
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._reader = PacketReader(self._socket.fileno(), "dgram")

    def start(self, on_packet: PacketQueue) -> None:
        """Begin to receive."""
        self._reader.start(on_packet)

    def send(self, packet: bytes) -> None:
        """Send; lost if nobody listens, or the socket is full."""
        with suppress(OSError):
            self._socket.send(packet)

    def close(self) -> None:
        """Give the port back."""
        self._reader.stop()
        self._socket.close()
