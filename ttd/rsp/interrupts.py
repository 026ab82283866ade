"""Ctrl-C on its way from the thread that reads to the movement under way.

GDB manual, appendix "Remote Protocol", section "Interrupts".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_AGAIN = 0.01
"""Seconds between requests to interrupt."""


class Interrupts:
    """Which 0x03 belongs to which movement.

    It belongs to the resume packet before it, and may arrive before that movement has begun, while
    it runs, or after it has ended by itself. `pending` sorts that out by counting those that the
    reader has seen and those that the session has taken from the stream.
    """

    def __init__(self, interrupt: Callable[[], None], stop: threading.Event) -> None:
        self._interrupt = interrupt
        self._stop = stop
        """Set when the server is to end, which ends every movement as well."""
        self._idle = threading.Event()
        self._idle.set()
        self._seen = 0
        self._taken = 0

    @property
    def pending(self) -> bool:
        """True when the movement of the present packet is to end."""
        return self._seen > self._taken or self._stop.is_set()

    def seen(self) -> None:
        """Called by the reader before it passes on a 0x03."""
        self._seen += 1

    def deliver(self) -> None:
        """Called by the reader after that. Returns when nothing moves any more."""
        # Again and again: a movement that is only just starting may clear an early request.
        while not self._idle.is_set():
            self._interrupt()
            self._idle.wait(_AGAIN)

    def taken(self) -> None:
        """The session has come to the 0x03 in the stream."""
        self._taken = min(self._taken + 1, self._seen)

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Around each movement."""
        self._idle.clear()
        try:
            yield
        finally:
            self._idle.set()
