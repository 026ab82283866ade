"""When to store a snapshot."""

from __future__ import annotations

from collections.abc import Callable


class Budget:
    """When to take the next stored snapshot: by what it costs to get from one to the next.

    `clock` gives the seconds of processor time that the machine's thread has had, which is about
    what a replay will need: for steps, accesses to devices, interrupts and sleeps alike. Snapshots
    take 5 % of it, but none is closer than `FLOOR` seconds to the last, nor further than `MOST`, or
    twice of what it costs itself, so that a seek is short wherever it goes to; only of guests that
    write so much that their pages come to `ROOM` bytes in the file, not more than `RATE` bytes a
    second are stored from then on.
    """

    SHARE = 0.05
    FLOOR = 0.04
    MOST = 0.07
    ROOM = 4 << 30
    RATE = 16 << 20
    FIRST = 2_000_000
    """Steps to the second snapshot, at most: the speed is not known yet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = (0.0, 0)
        """When and where the last one was taken."""
        self.distance = self.FIRST
        """Steps to the next one, at most, as it was said last."""
        self._seconds: float | None = None
        self._taking = 0.0
        self._cost = 0.0
        self._bytes = 0
        """That the last one added to the file, about: it is written later."""
        self._all_bytes = 0

    def __call__(self, step: int) -> int:
        """The replay layer asks: the latest step for the next snapshot, after one at `step`."""
        seconds = max(self.FLOOR, self._cost / self.SHARE)
        # To go back to a snapshot costs about as much as to take it: nothing is won by more.
        seconds = min(seconds, max(self.MOST, 2 * self._cost))
        if self._all_bytes > self.ROOM:
            seconds = max(seconds, self._bytes / self.RATE)
        distance = self.FIRST
        began, before = self._began
        if self._seconds is not None and step > before:
            speed = (step - before) / max(self._taking - began, 1e-6)
            distance = max(20_000, int(speed * seconds))
        self.distance = distance
        self._seconds = seconds
        self._began = (self._clock(), step)
        return step + distance

    def spent(self) -> bool:
        """So much has been done since the last snapshot that the next is due, however few steps."""
        if self._seconds is None:
            return False
        return self._clock() - self._began[0] >= max(self._seconds, self.MOST)

    def taking(self) -> None:
        """A snapshot is about to be taken."""
        self._taking = self._clock()

    def taken(self, stored: int) -> None:
        """The snapshot has been taken: that is no part of the way. `stored`: bytes of pages that
        the file has by now."""
        now = self._clock()
        self._cost = now - self._taking
        self._bytes = stored - self._all_bytes
        self._all_bytes = stored
        self._began = (now, self._began[1])
