"""Files for semihosting: inside one directory of the host, or none at all."""

from __future__ import annotations

import os
import time
from errno import EACCES, EBADF
from pathlib import Path

OPEN_FLAGS = (
    os.O_RDONLY,
    os.O_RDWR,
    os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    os.O_RDWR | os.O_CREAT | os.O_TRUNC,
    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    os.O_RDWR | os.O_CREAT | os.O_APPEND,
)
"""By SYS_OPEN mode / 2: r, r+, w, w+, a, a+; an odd mode is binary, which makes no difference."""


class SemihostFiles:
    """The open files of a guest, keyed by the guest's handles.

    A live session that goes back and forward in time only plays the calls that it has recorded:
    what is open here is always what is open at the end of history.

    Every path is walked part by part below the directory with `O_NOFOLLOW`, so that neither
    `..`, nor an absolute path, nor a symbolic link, not even one that somebody swaps in
    meanwhile, leads out of it.
    """

    def __init__(self, directory: Path | None) -> None:
        self._root = None
        if directory is not None:
            self._root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        self._files: dict[int, int] = {}

    def open(self, handle: int, name: str, mode: int) -> None:
        """Open `name` for a guest as `handle`; `mode` is that of SYS_OPEN."""
        parent, leaf = self._locate(name)
        try:
            # O_NONBLOCK: a FIFO in the directory must not hang the machine.
            flags = OPEN_FLAGS[mode // 2] | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(leaf, flags, 0o666, dir_fd=parent)
        finally:
            os.close(parent)
        stale = self._files.pop(handle, None)
        if stale is not None:
            # After a reset the guest's handles start anew, and nobody has closed the old ones.
            os.close(stale)
        self._files[handle] = file

    def close(self, handle: int) -> None:
        """Close a guest's handle."""
        os.close(self._file(handle))
        del self._files[handle]

    def read(self, handle: int, count: int) -> bytes:
        """Read up to `count` bytes at the file's position."""
        return os.read(self._file(handle), count)

    def write(self, handle: int, data: bytes) -> int:
        """Write at the file's position; return how many bytes were written."""
        return os.write(self._file(handle), data)

    def seek(self, handle: int, position: int) -> None:
        """Set the file's position, from its beginning."""
        os.lseek(self._file(handle), position, os.SEEK_SET)

    def length(self, handle: int) -> int:
        """Return the length of the file in bytes."""
        return os.fstat(self._file(handle)).st_size

    def remove(self, name: str) -> None:
        """Delete a file."""
        parent, leaf = self._locate(name)
        try:
            os.unlink(leaf, dir_fd=parent)
        finally:
            os.close(parent)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        old_parent, old_leaf = self._locate(old)
        try:
            new_parent, new_leaf = self._locate(new)
            try:
                os.rename(old_leaf, new_leaf, src_dir_fd=old_parent, dst_dir_fd=new_parent)
            finally:
                os.close(new_parent)
        finally:
            os.close(old_parent)

    def time(self) -> int:
        """Return the seconds since 1970."""
        return int(time.time())

    def close_all(self) -> None:
        """Give everything back."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()
        if self._root is not None:
            os.close(self._root)
            self._root = None

    def _file(self, handle: int) -> int:
        try:
            return self._files[handle]
        except KeyError:
            raise OSError(EBADF, "not open") from None

    def _locate(self, name: str) -> tuple[int, str]:
        """Return the folder that `name` is in, as a descriptor to close, and the rest of it."""
        if self._root is None:
            raise OSError(EACCES, "the guest was given no directory")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or not parts or "\0" in name:
            raise OSError(EACCES, "outside the directory of the guest")
        folder = os.dup(self._root)
        for part in parts[:-1]:
            try:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                inner = os.open(part, flags, dir_fd=folder)
            finally:
                os.close(folder)
            folder = inner
        return folder, parts[-1]
