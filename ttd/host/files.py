"""Backends without input."""

from __future__ import annotations

import os
from collections.abc import Callable

from ttd.host.errors import ChardevError


class Null:
    """Takes everything, gives nothing."""

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """There is no input."""

    def write(self, data: bytes) -> int:
        """All of it is gone."""
        return len(data)

    def read_all(self, count: int) -> bytes:
        """The end."""
        return b""

    def close(self) -> None:
        """Nothing to do."""


class File(Null):
    """Output into a file, which is emptied first."""

    def __init__(self, path: str) -> None:
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise ChardevError(f"file:{path} cannot be opened: {error.strerror}") from error

    def write(self, data: bytes) -> int:
        """Bytes written, or a negative errno (disk full, ...)."""
        try:
            return os.write(self._fd, data)
        except OSError as error:
            return -(error.errno or 0)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
