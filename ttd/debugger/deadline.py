"""An end of what takes too long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_AGAIN = 0.01
"""Seconds between two times of asking: an early one may be forgotten."""


class Deadline:
    """Asks for an end after so many seconds in its block, until that ends; None: never."""

    def __init__(self, seconds: float | None, ask: Callable[[], None]) -> None:
        """`ask` is called on another thread."""
        self._seconds = seconds
        self._ask = ask
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self.over = False
        """It has been asked for."""

    def __enter__(self) -> Self:
        if self._seconds is not None:
            self._thread = threading.Thread(target=self._wait, name="ttd-deadline", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _wait(self) -> None:
        wait = self._seconds
        while not self._done.wait(wait):
            self.over, wait = True, _AGAIN
            self._ask()
