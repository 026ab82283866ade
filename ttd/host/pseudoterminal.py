"""A pseudo terminal as a serial line, for screen, minicom and the like."""

from __future__ import annotations

import os
import select
import time
import tty
from collections.abc import Callable
from threading import Event, Thread, current_thread

from ttd.host.errors import ChardevError
from ttd.host.reader import READ_BYTES
from ttd.host.writer import HOLD_SECONDS

_POLL_SECONDS = 0.1


class PseudoTerminal:
    """Output while nobody has the terminal open is lost, as on a wire."""

    def __init__(self, say: Callable[[str], None]) -> None:
        try:
            self._fd, slave = os.openpty()
        except OSError as error:
            raise ChardevError(f"there is no pseudo terminal: {error.strerror}") from error
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._fd, False)
        self._end = Event()
        self._thread: Thread | None = None
        say(f"serial line on {self.path}")

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Begin to read."""
        self._thread = Thread(target=self._run, args=(on_input,), name="ttd-pty", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> int:
        """Bytes written, or a negative errno; all of them if nobody listens."""
        if not self._connected():
            return len(data)
        select.select([], [self._fd], [], HOLD_SECONDS)
        try:
            return os.write(self._fd, data)
        except OSError as error:
            return -(error.errno or 0)

    def room(self) -> int:
        """Nothing is certain: it is written at once."""
        return 0

    def put(self, data: bytes) -> None:
        """As `write`."""
        self.write(data)

    def read_all(self, count: int) -> bytes:
        """Up to `count` bytes, waiting for somebody to type them."""
        while not self._end.is_set():
            if data := self._read(count):
                return data
        return b""

    def close(self) -> None:
        """Stop reading and give the terminal back."""
        self._end.set()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join(timeout=2)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _run(self, on_input: Callable[[bytes], None]) -> None:
        while not self._end.is_set():
            if data := self._read(READ_BYTES):
                on_input(data)

    def _read(self, count: int) -> bytes:
        """What is there after a short wait; b"" if nothing is, or nobody has opened it."""
        if not self._connected():
            time.sleep(_POLL_SECONDS)
            return b""
        if not select.select([self._fd], [], [], _POLL_SECONDS)[0]:
            return b""
        try:
            return os.read(self._fd, count)
        except OSError:
            return b""

    def _connected(self) -> bool:
        poll = select.poll()
        poll.register(self._fd, 0)
        return not poll.poll(0)
