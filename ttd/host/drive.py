"""Disk images, raw: read on threads of their own, changed only when somebody says so."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import EIO, ENXIO, ESTALE
from hashlib import blake2b
from queue import Empty, SimpleQueue
from threading import Thread

from ttd.errors import UserError, reason

LARGEST = 64 << 30
"""Bytes of the largest image."""
_THREADS = 4
_CLOSE_SECONDS = 1.0
_PART = 1 << 16
_ZEROS = bytes(_PART)


class DriveError(UserError):
    """An image cannot be used; one sentence for people."""


class RawImage:
    """An image file, opened to be read; `write` opens it again."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise DriveError(f"the image {path} cannot be opened: {reason(error)}") from error
        status = os.fstat(self._fd)
        self.size = status.st_size
        if not stat.S_ISREG(status.st_mode) or not 512 <= self.size <= LARGEST:
            os.close(self._fd)
            raise DriveError(f"{path} is not an image: a file of 512 bytes to 64 GiB is wanted")
        self._write_fd = -1
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[Thread] = []

    def digest(self) -> bytes:
        """Hash of the whole contents, as recordings have it: of its size, and of each 64 KiB that
        are not all zero with their offset, so that holes need not be read."""
        name = blake2b(self.size.to_bytes(8, "little"), digest_size=16)
        offset = 0
        try:
            while (offset := self._next_data(offset)) < self.size:
                data = os.pread(self._fd, _PART, offset)
                if not data:
                    break
                if data != _ZEROS[: len(data)]:
                    name.update(offset.to_bytes(8, "little") + data)
                offset += _PART
        except OSError as error:
            raise DriveError(f"the image {self.path} cannot be read: {error.strerror}") from error
        return name.digest()

    def _next_data(self, offset: int) -> int:
        """The first part from `offset` on that is not all hole; the size if there is none."""
        try:
            return os.lseek(self._fd, offset, os.SEEK_DATA) // _PART * _PART
        except OSError as error:
            if error.errno == ENXIO:
                return self.size
            return offset  # a file system that does not know

    def submit(
        self, spans: Sequence[tuple[int, int]], done: Callable[[list[bytes], int], None]
    ) -> None:
        """Read (offset, length) spans on another thread; `done` is told the data and an errno."""

        def work() -> None:
            parts: list[bytes] = []
            errno = 0
            try:
                for offset, count in spans:
                    parts.append(self.read(offset, count))
            except OSError as error:
                errno = error.errno or EIO
            done(parts, errno)

        if len(self._threads) < _THREADS:
            thread = Thread(target=self._work, name="ttd-drive", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(work)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def read(self, offset: int, count: int) -> bytes:
        """Read now; fewer bytes where the image ends; raises `OSError`."""
        return os.pread(self._fd, count, offset)

    def write(self, offset: int, data: bytes) -> None:
        """Change the image; raises `OSError`."""
        if self._write_fd < 0:
            fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            if not os.path.samestat(os.fstat(fd), os.fstat(self._fd)):
                os.close(fd)
                raise OSError(ESTALE, "it is another file by now")
            self._write_fd = fd
        while data:
            done = os.pwrite(self._write_fd, data, offset)
            offset += done
            data = data[done:]

    def flush(self) -> None:
        """Make the changes last; raises `OSError`."""
        if self._write_fd >= 0:
            os.fsync(self._write_fd)

    def close(self) -> None:
        """Close the file; requests that have not begun are forgotten.

        One that never ends, on a file system that does not answer, is left alone.
        """
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)
        end = time.monotonic() + _CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            for fd in (self._fd, self._write_fd):
                if fd >= 0:
                    os.close(fd)
        self._threads.clear()
        self._fd = self._write_fd = -1
