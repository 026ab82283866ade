"""A thread that reads a file descriptor."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from threading import Lock

from ttd.host.fd_thread import FdThread

READ_BYTES = 4096


class Reader:
    """Reads `fd` on a thread of its own until it ends, fails or `stop` is called."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._lock = Lock()
        self._over = False
        self._on_input: Callable[[bytes], None] = lambda data: None
        self._thread = FdThread(fd, name, self._run)

    def start(self, on_input: Callable[[bytes], None], delay: float = 0.0) -> None:
        """Begin, `delay` seconds from now; `on_input` may hold the thread up, which then reads no
        more."""
        self._on_input = on_input
        self._thread.start(delay)

    def read(self, count: int) -> bytes:
        """Read on the caller's thread: up to `count` bytes, waiting for the first one."""
        while True:
            select.select([self._fd], [], [])
            with self._lock:
                if select.select([self._fd], [], [], 0)[0]:
                    return os.read(self._fd, count)

    @property
    def over(self) -> bool:
        """Nothing comes in any more."""
        return self._over

    def stop(self) -> None:
        """End the thread. What holds up `on_input` must have been let go of before."""
        self._thread.stop()

    def _run(self) -> None:
        while data := self._next():
            self._on_input(data)
        self._over = True

    def _next(self) -> bytes:
        """The next bytes; b"" at the end."""
        while self._thread.readable():
            with self._lock:
                if select.select([self._fd], [], [], 0)[0]:
                    try:
                        return os.read(self._fd, READ_BYTES)
                    except OSError:
                        return b""
        return b""
