"""Reads that wait for the host, on a thread of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

_AT_ONCE_SECONDS = 0.02
"""How long to wait for what may be there already."""


class HostReads:
    """Has `read` called for somebody who must not wait.

    What is read is kept until it is asked for: also when nobody waits for it any more, because the
    machine has been interrupted, or reset.
    """

    def __init__(self, read: Callable[[int], bytes], on_done: Callable[[], None]) -> None:
        """`read` may raise `OSError`; `on_done` is called from the thread."""
        self._read = read
        self._on_done = on_done
        self._changed = Condition()
        self._wanted = 0
        self._done: deque[bytes | OSError] = deque()
        self._thread: Thread | None = None

    def ask(self, count: int) -> bytes | None:
        """Up to `count` bytes if they are there; None while they are being read.

        Raises the `OSError` of a read that failed, once.
        """
        with self._changed:
            if not self._done and not self._wanted:
                self._wanted = max(1, count)
                self._changed.notify_all()
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="ttd-reads", daemon=True)
                    self._thread.start()
                self._changed.wait_for(lambda: self._done, _AT_ONCE_SECONDS)
            if not self._done:
                return None
            found = self._done.popleft()
            if isinstance(found, OSError):
                raise found
            if len(found) > count:
                self._done.appendleft(found[count:])
            return found[:count]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted)
                count = self._wanted
            result: bytes | OSError
            try:
                result = self._read(count)
            except OSError as error:
                result = error
            with self._changed:
                self._done.append(result)
                self._wanted = 0
                self._changed.notify_all()
            self._on_done()
