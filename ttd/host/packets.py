"""A thread that reads packets from a file descriptor."""

from __future__ import annotations

import os
from errno import EAGAIN, ECONNREFUSED, EHOSTUNREACH, EINTR, ENETUNREACH

from ttd.host.fd_thread import FdThread
from ttd.replay.net import MAX_PACKET, PacketFlags, PacketQueue

_PASSING = (EAGAIN, EINTR, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH)
"""What is told of a packet that was sent earlier; reading goes on."""


class PacketReader:
    """Reads `fd`, one packet at a time, until it fails or `stop` is called."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._on_packet: PacketQueue = lambda flags, iov: None
        self._thread = FdThread(fd, name, self._run)

    def start(self, on_packet: PacketQueue) -> None:
        """Begin; `on_packet` may hold the thread up, which then reads no more."""
        self._on_packet = on_packet
        self._thread.start()

    def stop(self) -> None:
        """End the thread. What holds up `on_packet` must have been let go of before."""
        self._thread.stop()

    def _run(self) -> None:
        while self._thread.readable():
            try:
                packet = os.read(self._fd, MAX_PACKET)
            except OSError as error:
                if error.errno not in _PASSING:
                    return
                continue
            if packet:
                self._on_packet(PacketFlags.RAW, (packet,))
