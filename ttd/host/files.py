"""Backends without input."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from errno import ENOENT, ENXIO

from ttd.host.errors import ChardevError
from ttd.host.writer import Outputs

_PLENTY = 1 << 20
_FLAGS = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC


def _can_be_made(path: str) -> bool:
    """Whether there can be a file that is not there."""
    folder = os.path.dirname(os.path.realpath(path))
    return os.path.isdir(folder) and os.access(folder, os.W_OK)


class Null:
    """Takes everything, gives nothing."""

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """There is no input."""

    def write(self, data: bytes) -> int:
        """All of it is gone."""
        return len(data)

    def room(self) -> int:
        """Any number."""
        return _PLENTY

    def put(self, data: bytes) -> None:
        """As `write`."""
        self.write(data)

    def read_all(self, count: int) -> bytes:
        """The end."""
        return b""

    def close(self) -> None:
        """Nothing to do."""


class File(Null):
    """Output into a file, or into a FIFO, when somebody reads it.

    A file is made, or emptied, by `start` or the first `write`: until then something else may go
    wrong.
    """

    def __init__(self, path: str, outputs: Outputs) -> None:
        self._outputs = outputs
        try:
            # O_NONBLOCK: nobody waits for the reader of a FIFO here.
            fd = os.open(path, _FLAGS)
        except OSError as error:
            unread = error.errno == ENXIO and stat.S_ISFIFO(os.stat(path).st_mode)
            if not unread and not (error.errno == ENOENT and _can_be_made(path)):
                raise ChardevError(f"{path} cannot be opened: {error.strerror}") from error
            fd = -1
        self.path = path
        self._begun = False
        self._writer = outputs.open(fd, path, reopen=lambda: os.open(path, _FLAGS))

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """There is no input. From now on the file holds this output only."""
        self._begun = True
        try:
            if os.path.exists(self.path) and not os.path.isfile(self.path):
                return
            os.close(os.open(self.path, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o666))
        except OSError as error:
            raise ChardevError(f"{self.path} cannot be opened: {error.strerror}") from error

    def write(self, data: bytes) -> int:
        """Bytes taken, or a negative errno (disk full, ...)."""
        if not self._begun:
            self.start(lambda data: None)
        return self._writer.write(data)

    def room(self) -> int:
        """Bytes that are taken for certain."""
        return self._writer.room() if self._begun else 0

    def put(self, data: bytes) -> None:
        """Take bytes that there was room for."""
        self._writer.put(data)

    def close(self) -> None:
        """Close the file."""
        self._outputs.close(self._writer)
        self._writer.close_file()


class CaptureFile(File):
    """A file of which somebody needs everything, from the beginning."""

    def __init__(self, path: str, outputs: Outputs) -> None:
        super().__init__(path, outputs)
        self.start(lambda data: None)

    def write(self, data: bytes) -> int:
        """Write everything, unless the end has been asked for; raises `OSError`."""
        if errno := self._writer.write_all(data):
            raise OSError(errno, os.strerror(errno), self.path)
        return len(data)
