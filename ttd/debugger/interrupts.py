"""A request to interrupt, on its way from the thread that hears of it to the movement under way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_AGAIN = 0.01
"""Seconds from one request to interrupt to the next; then twice as many, and so on."""


class Interrupts:
    """Requests to interrupt: each is `pending` until a movement is ended by it.

    One that arrives while nothing moves waits for the next movement: a front end may move many
    times for one command of its user (GDB does), and a Ctrl-C in between is meant for all of it.
    """

    def __init__(self, interrupt: Callable[[], None], stop: threading.Event | None = None) -> None:
        self._interrupt = interrupt
        self._stop = stop or threading.Event()
        """Set when the process is to end, which ends every movement as well."""
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._asked = False

    @property
    def pending(self) -> bool:
        """True when the present movement, or the next one, is to end."""
        return self._asked or self._stop.is_set()

    def seen(self) -> None:
        """Somebody wants an end; from any thread. Before anything that comes later is passed on."""
        self._asked = True

    def deliver(self) -> None:
        """Called after that, or when `stop` is set, and not by the thread that moves; returns when
        nothing moves."""
        # Again and again: what a movement does between two parts of it may forget an early one. But
        # ever more rarely: going back to where it began is a part, too, and has to come to its end.
        pause = _AGAIN
        while self.pending and not self._idle.is_set():
            with self._lock:
                if not self._idle.is_set():
                    self._interrupt()
            self._idle.wait(pause)
            pause *= 2

    def answered(self) -> None:
        """A movement has ended, and whoever asked for that is told."""
        self._asked = False

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Around each movement."""
        self._idle.clear()
        try:
            yield
        finally:
            with self._lock:
                self._idle.set()
