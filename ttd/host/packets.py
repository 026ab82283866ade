"""A thread that reads packets from a file descriptor."""

from __future__ import annotations

import os
import select
from errno import EAGAIN, ECONNREFUSED, EHOSTUNREACH, EINTR, ENETUNREACH
from threading import Thread, current_thread

from ttd.replay.net import MAX_PACKET, PacketFlags, PacketQueue

_PASSING = (EAGAIN, EINTR, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH)
"""What is told of a packet that was sent earlier; reading goes on."""


class PacketReader:
    """Reads `fd`, one packet at a time, until it fails or `stop` is called."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._stop_read, self._stop_write = os.pipe2(os.O_CLOEXEC)
        self._on_packet: PacketQueue = lambda flags, iov: None
        self._thread = Thread(target=self._run, name=f"ttd-{name}", daemon=True)

    def start(self, on_packet: PacketQueue) -> None:
        """Begin; `on_packet` may hold the thread up, which then reads no more."""
        self._on_packet = on_packet
        self._thread.start()

    def stop(self) -> None:
        """End the thread. What holds up `on_packet` must have been let go of before."""
        if self._stop_write < 0:
            return
        os.write(self._stop_write, b"x")
        if self._thread.is_alive() and self._thread is not current_thread():
            self._thread.join(timeout=2)
        os.close(self._stop_write)
        self._stop_write = -1
        if not self._thread.is_alive():
            os.close(self._stop_read)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._fd, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            try:
                packet = os.read(self._fd, MAX_PACKET)
            except OSError as error:
                if error.errno not in _PASSING:
                    return
                continue
            if packet:
                self._on_packet(PacketFlags.RAW, (packet,))
