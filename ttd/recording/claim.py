"""One recorder at a time: a claim to the file that a recording is written to."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import Self

from ttd.recording.errors import RecordingError

_TRIES, _PAUSE = 20, 0.05


class Claim:
    """An advisory lock on a file, held until `release` or until this process is gone.

    By flock(2), which leaves SQLite's own locks alone; but these go when the file is closed, so
    `release` comes after SQLite has let go of it.
    """

    def __init__(self, path: str, shown: str | None = None) -> None:
        """Raise `RecordingError`, which names `shown`, if somebody else has it."""
        while True:
            self._file = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                raise taken(shown or path) from None
            except OSError:
                return  # a file system without locks
            if self._is(path):
                return
            # It was replaced while it was being opened.
            self.release()

    @classmethod
    def waiting(cls, path: str) -> Self:
        """A claim that waits a moment, for who only adds a word; `RecordingError` after that."""
        for _ in range(_TRIES):
            with suppress(RecordingError):
                return cls(path)
            time.sleep(_PAUSE)
        return cls(path)

    def _is(self, path: str) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(path))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the file back; once."""
        os.close(self._file)


def is_claimed(path: str) -> bool:
    """Whether somebody records to this file now; False where there are no locks."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def taken(path: str) -> RecordingError:
    """What is said of a file that somebody else is recording to."""
    return RecordingError(f"{path} is being recorded by another ttd")
