"""A thread that waits for a file descriptor."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from threading import Thread, current_thread


class FdThread:
    """Runs `run`, which asks `readable` before each read of `fd`, until it returns or `stop`."""

    def __init__(self, fd: int, name: str, run: Callable[[], None]) -> None:
        self._fd = fd
        self._stop_read, self._stop_write = os.pipe2(os.O_CLOEXEC)
        self._run = run
        self._delay = 0.0
        self._thread = Thread(target=self._begin, name=f"ttd-{name}", daemon=True)

    def start(self, delay: float = 0.0) -> None:
        """Begin, `delay` seconds from now."""
        self._delay = delay
        self._thread.start()

    def _begin(self) -> None:
        if not (self._delay and select.select([self._stop_read], [], [], self._delay)[0]):
            self._run()

    def readable(self) -> bool:
        """On the thread: wait until there is something to read; False if it is to end."""
        ready, _, _ = select.select([self._fd, self._stop_read], [], [])
        return self._stop_read not in ready

    def stop(self) -> None:
        """End the thread. What holds it up must have been let go of before."""
        if self._stop_write < 0:
            return
        os.write(self._stop_write, b"x")
        if self._thread.is_alive() and self._thread is not current_thread():
            self._thread.join(timeout=2)
        os.close(self._stop_write)
        self._stop_write = -1
        if not self._thread.is_alive():
            os.close(self._stop_read)
