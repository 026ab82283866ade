"""Calls about files and the console (5.2 to 5.22)."""

from __future__ import annotations

from collections.abc import Callable
from errno import EBADF, EINVAL, EIO, EMFILE
from typing import ClassVar

from ttd.devices.base import Stateful
from ttd.semihosting.calls import Call
from ttd.semihosting.guest import MOST, CallError, Parameters
from ttd.semihosting.host import Host
from ttd.semihosting.sides import Console, HostFiles

CONSOLE = ":tt"
FEATURES_FILE = ":semihosting-features"
FEATURES = b"SHFB\x03"
"""Magic; then bit 0: SYS_EXIT_EXTENDED is there, bit 1: `:tt` knows stdout from stderr."""
FAILED = -1
CHUNK = 1 << 16
"""Bytes that the host moves at a time."""
MAX_HANDLES = 256
MAX_POSITION = (1 << 63) - 1
"""The furthest place in a file that hosts have a number for."""


class Files(Stateful):
    """The handles of one guest, and what it does with them."""

    STATE: ClassVar[tuple[str, ...]] = ("handles", "offsets")

    def __init__(self, guest: Parameters, host: Host, files: HostFiles, console: Console) -> None:
        self._guest = guest
        self._host = host
        self._files = files
        self._console = console
        self.calls: dict[int, Callable[[int], int]] = {
            Call.OPEN: self._open,
            Call.CLOSE: self._close,
            Call.WRITEC: self._writec,
            Call.WRITE0: self._write0,
            Call.WRITE: self._write,
            Call.READ: self._read,
            Call.READC: self._readc,
            Call.ISTTY: self._istty,
            Call.SEEK: self._seek,
            Call.FLEN: self._flen,
            Call.TMPNAM: self._tmpnam,
            Call.REMOVE: self._remove,
            Call.RENAME: self._rename,
        }
        """What serves each operation."""
        self.reset()

    def reset(self) -> None:
        """Forget handles, as at the start of a program."""
        self.handles: dict[str, str] = {}
        """Open handles, by number in decimal: `console`, `features` or `file`."""
        self.offsets: dict[str, int] = {}
        """Read positions of the open features files."""

    def _kind(self, handle: int) -> str:
        kind = self.handles.get(str(handle))
        if kind is None:
            raise CallError(EBADF)
        return kind

    def _open(self, parameter: int) -> int:
        address, mode, length = self._guest.words(parameter, 3)
        name = self._guest.string(address, length)
        if mode > 11:
            raise CallError(EINVAL)
        handle = next((n for n in range(1, MAX_HANDLES) if str(n) not in self.handles), None)
        if handle is None:
            raise CallError(EMFILE)
        if name == CONSOLE:
            kind = "console"
        elif name == FEATURES_FILE:
            if mode > 1:
                raise CallError(EINVAL)
            kind = "features"
            self.offsets[str(handle)] = 0
        else:
            kind = "file"
            self._host.tell("open", lambda: self._files.open(handle, name, mode))
        self.handles[str(handle)] = kind
        return handle

    def _close(self, parameter: int) -> int:
        (handle,) = self._guest.words(parameter, 1)
        kind = self._kind(handle)
        del self.handles[str(handle)]
        self.offsets.pop(str(handle), None)
        if kind == "file":
            self._host.tell("close", lambda: self._files.close(handle))
        return 0

    def _print(self, data: bytes) -> int:
        """Write to the console; return how many bytes it took.

        It is asked once in a call, and then nothing has happened yet: while the host has no room
        the call is made again.
        """
        return max(0, self._console.write_all(data))

    def _writec(self, parameter: int) -> int:
        self._print(self._guest.get(parameter, 1))
        return 0

    def _write0(self, parameter: int) -> int:
        self._print(self._guest.text(parameter))
        return 0

    def _write(self, parameter: int) -> int:
        handle, address, length = self._guest.words(parameter, 3)
        kind = self._kind(handle)
        if kind == "features":
            raise CallError(EBADF)
        if kind == "console":
            return length - self._print(self._guest.get(address, min(length, MOST)))
        total, most = 0, min(length, MOST)
        while total < most:
            data = self._guest.get(address + total, min(most - total, CHUNK))
            done = self._write_file(handle, data)
            total += done
            if done < len(data):
                break
        return length - total

    def _write_file(self, handle: int, data: bytes) -> int:
        done = self._host.number("write", lambda: self._files.write(handle, data))
        return min(done, len(data))

    def _read(self, parameter: int) -> int:
        handle, address, length = self._guest.words(parameter, 3)
        kind = self._kind(handle)
        total, most = 0, min(length, MOST)
        while total < most:
            data = self._read_some(kind, handle, min(most - total, CHUNK))
            self._guest.put(address + total, data)
            total += len(data)
            # The console gives what was typed; waiting for more would deny it to the guest.
            if not data or kind == "console":
                break
        return length - total

    def _read_some(self, kind: str, handle: int, count: int) -> bytes:
        if kind == "console":
            return self._read_console(count)
        if kind == "features":
            offset = self.offsets[str(handle)]
            data = FEATURES[offset : offset + count]
            self.offsets[str(handle)] += len(data)
            return data
        return self._host.ask("read", lambda: self._files.read(handle, count))[:count]

    def _read_console(self, count: int) -> bytes:
        try:
            return self._console.read_all(count)[:count]
        except OSError as error:
            raise CallError(error.errno or EIO) from None

    def _readc(self, parameter: int) -> int:
        data = self._read_console(1)
        return data[0] if data else FAILED

    def _istty(self, parameter: int) -> int:
        (handle,) = self._guest.words(parameter, 1)
        return int(self._kind(handle) == "console")

    def _seek(self, parameter: int) -> int:
        handle, position = self._guest.words(parameter, 2)
        kind = self._kind(handle)
        if kind == "console" or position > MAX_POSITION:
            raise CallError(EINVAL)
        if kind == "features":
            self.offsets[str(handle)] = min(position, len(FEATURES))
        else:
            self._host.tell("seek", lambda: self._files.seek(handle, position))
        return 0

    def _flen(self, parameter: int) -> int:
        (handle,) = self._guest.words(parameter, 1)
        kind = self._kind(handle)
        if kind == "console":
            return 0
        if kind == "features":
            return len(FEATURES)
        return self._host.number("flen", lambda: self._files.length(handle))

    def _tmpnam(self, parameter: int) -> int:
        address, identifier, length = self._guest.words(parameter, 3)
        name = b"ttd-tmp-%03d\0" % (identifier & 0xFF)
        if len(name) > length:
            raise CallError(EINVAL)
        self._guest.put(address, name)
        return 0

    def _remove(self, parameter: int) -> int:
        name = self._guest.string(*self._guest.words(parameter, 2))
        self._host.tell("remove", lambda: self._files.remove(name))
        return 0

    def _rename(self, parameter: int) -> int:
        old_address, old_length, new_address, new_length = self._guest.words(parameter, 4)
        old = self._guest.string(old_address, old_length)
        new = self._guest.string(new_address, new_length)
        self._host.tell("rename", lambda: self._files.rename(old, new))
        return 0
