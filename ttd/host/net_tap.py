"""A network interface of this host: Linux TAP (Documentation/networking/tuntap.rst)."""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress

from ttd.host.packets import PacketReader
from ttd.replay.net import PacketQueue

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000


class Tap:
    """An interface, which is made if there is none of the name. Raises `OSError`."""

    def __init__(self, interface: str) -> None:
        self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            request = struct.pack("16sH22x", interface.encode(), _IFF_TAP | _IFF_NO_PI)
            fcntl.ioctl(self._fd, _TUNSETIFF, request)
        except OSError:
            os.close(self._fd)
            raise
        self._reader = PacketReader(self._fd, "tap")

    def start(self, on_packet: PacketQueue) -> None:
        """Begin to receive."""
        self._reader.start(on_packet)

    def send(self, packet: bytes) -> None:
        """Send; lost while the interface is down or its queue is full."""
        with suppress(OSError):
            os.write(self._fd, packet)

    def close(self) -> None:
        """Let the interface go."""
        self._reader.stop()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
