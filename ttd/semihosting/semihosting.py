"""Arm semihosting: "Semihosting for AArch32 and AArch64", release 3.0, chapter 5 to 7.

RISC-V has taken it over ("RISC-V Semihosting"); its 64-bit cores behave as AArch64 does.

A call is answered from three sources, and it shows in the code which:

- state of this model and virtual time, which replay by themselves;
- the console, a character device of the replay layer;
- the host (files, the time of day): always through `Replay.host_call`, so that in play the host
  is not touched. Every result begins with an errno; the open files themselves live in `HostFiles`,
  keyed by handles that are allotted here and are therefore the same in every replay.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from enum import IntEnum
from errno import EBADF, EFAULT, EINVAL, EIO, EMFILE, ENOSYS
from typing import ClassVar, Protocol

from ttd.devices.base import Clock
from ttd.state import State

FAILED = -1
ADP_STOPPED_APPLICATION_EXIT = 0x20026
CONSOLE = ":tt"
FEATURES_FILE = ":semihosting-features"
FEATURES = b"SHFB\x03"
"""Magic; then bit 0: SYS_EXIT_EXTENDED is there, bit 1: `:tt` knows stdout from stderr."""
NS_PER_S = 1_000_000_000
NS_PER_CENTISECOND = NS_PER_S // 100
CHUNK = 1 << 16
MAX_HANDLES = 256
MAX_STRING = 4096
MAX_POSITION = (1 << 63) - 1
"""The furthest place in a file that hosts have a number for."""
MAX_TEXT = 1 << 24
"""Bytes that one call writes to the console at most."""


class Call(IntEnum):
    """Operation numbers (chapter 5)."""

    OPEN = 0x01
    CLOSE = 0x02
    WRITEC = 0x03
    WRITE0 = 0x04
    WRITE = 0x05
    READ = 0x06
    READC = 0x07
    ISERROR = 0x08
    ISTTY = 0x09
    SEEK = 0x0A
    FLEN = 0x0C
    TMPNAM = 0x0D
    REMOVE = 0x0E
    RENAME = 0x0F
    CLOCK = 0x10
    TIME = 0x11
    SYSTEM = 0x12
    ERRNO = 0x13
    GET_CMDLINE = 0x15
    HEAPINFO = 0x16
    EXIT = 0x18
    EXIT_EXTENDED = 0x20
    ELAPSED = 0x30
    TICKFREQ = 0x31


_NAMES = {call.value: f"SYS_{call.name}" for call in Call}


class Memory(Protocol):
    """Guest memory, by the addresses that the caller uses. All stop early where there is none."""

    by: str
    """Who accesses it: the call, in words for people."""

    def read(self, address: int, size: int) -> bytes: ...

    def read_text(self, address: int, most: int) -> bytes | None:
        """Up to a zero, which is left out; None if none comes within `most` bytes."""

    def write(self, address: int, data: bytes) -> int: ...


class Caller(Protocol):
    """The calling CPU."""

    word_size: int
    """4 or 8: bytes of a register, and of a field of a parameter block."""

    def call_arguments(self) -> tuple[int, int]:
        """Operation number and parameter."""

    def call_result(self, value: int) -> None: ...


class Console(Protocol):
    """The replay layer's side of the console."""

    def write_all(self, data: bytes) -> int: ...

    def read_all(self, count: int) -> bytes: ...


class HostCalls(Protocol):
    """What the replay layer does for calls to the host."""

    def host_call(self, tag: str, call: Callable[[], bytes]) -> bytes: ...


class HostFiles(Protocol):
    """The host side: open files by handle, and the clock. Failures are `OSError`."""

    def open(self, handle: int, name: str, mode: int) -> None: ...

    def close(self, handle: int) -> None: ...

    def read(self, handle: int, count: int) -> bytes: ...

    def write(self, handle: int, data: bytes) -> int: ...

    def seek(self, handle: int, position: int) -> None: ...

    def length(self, handle: int) -> int: ...

    def remove(self, name: str) -> None: ...

    def rename(self, old: str, new: str) -> None: ...

    def time(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Heap:
    """Answer of SYS_HEAPINFO; a zero means that the host does not know."""

    heap_base: int = 0
    heap_limit: int = 0
    stack_base: int = 0
    stack_limit: int = 0


@dataclass(frozen=True, slots=True)
class Exit:
    """The program is over."""

    code: int


class _Failure(Exception):
    """The call fails with this errno."""

    def __init__(self, errno: int) -> None:
        self.errno = errno


class Semihosting:
    """Answers the semihosting calls of one CPU."""

    STATE: ClassVar[tuple[str, ...]] = ("errno", "handles", "offsets")

    def __init__(
        self,
        memory: Memory,
        caller: Caller,
        clock: Clock,
        *,
        console: Console,
        replay: HostCalls,
        host: HostFiles,
        heap: Heap,
        command_line: str,
    ) -> None:
        self.memory = memory
        self.caller = caller
        self._word = caller.word_size
        self._mask = (1 << 8 * caller.word_size) - 1
        self.clock = clock
        self.console = console
        self.replay = replay
        self.host = host
        self.heap = heap
        self.command_line = command_line.encode()
        self.reset()
        self._calls: dict[int, Callable[[int], int]] = {
            Call.OPEN: self._open,
            Call.CLOSE: self._close,
            Call.WRITEC: self._writec,
            Call.WRITE0: self._write0,
            Call.WRITE: self._write,
            Call.READ: self._read,
            Call.READC: self._readc,
            Call.ISERROR: self._iserror,
            Call.ISTTY: self._istty,
            Call.SEEK: self._seek,
            Call.FLEN: self._flen,
            Call.TMPNAM: self._tmpnam,
            Call.REMOVE: self._remove,
            Call.RENAME: self._rename,
            Call.CLOCK: self._clock,
            Call.TIME: self._time,
            Call.ERRNO: self._errno,
            Call.GET_CMDLINE: self._get_cmdline,
            Call.HEAPINFO: self._heapinfo,
            Call.ELAPSED: self._elapsed,
            Call.TICKFREQ: self._tickfreq,
        }

    def reset(self) -> None:
        """Forget handles and errno, as at the start of a program."""
        self.errno = 0
        self.handles: dict[str, str] = {}
        """Open handles, by number in decimal: `console`, `features` or `file`."""
        self.offsets: dict[str, int] = {}
        """Read positions of the open features files."""

    def save(self) -> State:
        """Return the state as data."""
        return {field: deepcopy(getattr(self, field)) for field in self.STATE}

    def load(self, state: State) -> None:
        """Become the state that `save` returned."""
        for field in self.STATE:
            setattr(self, field, deepcopy(state[field]))

    def call(self) -> Exit | None:
        """Serve the call that the CPU is at, and give it the result.

        Returns how the program ended if the call is one that ends it. The caller moves PC on.
        """
        number, parameter = self.caller.call_arguments()
        self.memory.by = f"semihosting {_NAMES.get(number, hex(number))}"
        try:
            if number == Call.EXIT and self._word == 4:
                return Exit(0 if parameter == ADP_STOPPED_APPLICATION_EXIT else 1)
            if number in (Call.EXIT, Call.EXIT_EXTENDED):
                reason, code = self._words(parameter, 2)
                return Exit(code if reason == ADP_STOPPED_APPLICATION_EXIT else 1)
            # SYS_SYSTEM is among the calls that are not there: a guest does not run programs here.
            serve = self._calls.get(number)
            if serve is None:
                raise _Failure(ENOSYS)
            result = serve(parameter)
        except _Failure as failure:
            self.errno = failure.errno
            result = FAILED
        self.caller.call_result(result & self._mask)
        return None

    # -- guest memory ----------------------------------------------------------------------

    def _get(self, address: int, size: int) -> bytes:
        """`size` is bounded: nobody makes room for what a guest names."""
        data = self.memory.read(address, size)
        if len(data) != size:
            raise _Failure(EFAULT)
        return data

    def _put(self, address: int, data: bytes) -> None:
        if self.memory.write(address, data) != len(data):
            raise _Failure(EFAULT)

    def _words(self, address: int, count: int) -> list[int]:
        data, word = self._get(address, self._word * count), self._word
        return [int.from_bytes(data[i : i + word], "little") for i in range(0, len(data), word)]

    def _put_words(self, address: int, words: list[int]) -> None:
        self._put(address, b"".join(word.to_bytes(self._word, "little") for word in words))

    def _string(self, address: int, length: int) -> str:
        if length > MAX_STRING:
            raise _Failure(EINVAL)
        try:
            return self._get(address, length).decode()
        except UnicodeDecodeError:
            raise _Failure(EINVAL) from None

    # -- the host --------------------------------------------------------------------------

    def _ask(self, tag: str, call: Callable[[], bytes]) -> bytes:
        """Have the host do `call`, or, in play, take its recorded result."""

        def with_errno() -> bytes:
            try:
                return (0).to_bytes(4, "little") + call()
            except OSError as error:
                return (error.errno or EIO).to_bytes(4, "little")

        result = self.replay.host_call(tag, with_errno)
        errno = int.from_bytes(result[:4], "little")
        if errno:
            raise _Failure(errno)
        return result[4:]

    def _tell(self, tag: str, call: Callable[[], None]) -> None:
        """`_ask` for what has no result but success."""

        def no_bytes() -> bytes:
            call()
            return b""

        self._ask(tag, no_bytes)

    def _ask_number(self, tag: str, call: Callable[[], int]) -> int:
        return int.from_bytes(self._ask(tag, lambda: call().to_bytes(8, "little")), "little")

    # -- files and console -----------------------------------------------------------------

    def _kind(self, handle: int) -> str:
        kind = self.handles.get(str(handle))
        if kind is None:
            raise _Failure(EBADF)
        return kind

    def _open(self, parameter: int) -> int:
        address, mode, length = self._words(parameter, 3)
        name = self._string(address, length)
        if mode > 11:
            raise _Failure(EINVAL)
        handle = next((n for n in range(1, MAX_HANDLES) if str(n) not in self.handles), None)
        if handle is None:
            raise _Failure(EMFILE)
        if name == CONSOLE:
            kind = "console"
        elif name == FEATURES_FILE:
            if mode > 1:
                raise _Failure(EINVAL)
            kind = "features"
            self.offsets[str(handle)] = 0
        else:
            kind = "file"
            self._tell("open", lambda: self.host.open(handle, name, mode))
        self.handles[str(handle)] = kind
        return handle

    def _close(self, parameter: int) -> int:
        (handle,) = self._words(parameter, 1)
        kind = self._kind(handle)
        del self.handles[str(handle)]
        self.offsets.pop(str(handle), None)
        if kind == "file":
            self._tell("close", lambda: self.host.close(handle))
        return 0

    def _print(self, data: bytes) -> int:
        """Write to the console; return how many bytes it took.

        It is asked once in a call, and then nothing has happened yet: while the host has no room
        the call is made again.
        """
        return max(0, self.console.write_all(data))

    def _writec(self, parameter: int) -> int:
        self._print(self._get(parameter, 1))
        return 0

    def _write0(self, parameter: int) -> int:
        text = bytearray()
        while True:
            data = self.memory.read(parameter, CHUNK)
            part, end, _ = data.partition(b"\0")
            text += part
            if end:
                self._print(bytes(text))
                return 0
            if len(data) < CHUNK or len(text) > MAX_TEXT:
                raise _Failure(EFAULT)
            parameter += CHUNK

    def _write(self, parameter: int) -> int:
        handle, address, length = self._words(parameter, 3)
        kind = self._kind(handle)
        if kind == "features":
            raise _Failure(EBADF)
        if kind == "console":
            return length - self._print(self._get(address, min(length, MAX_TEXT)))
        left = length
        while left:
            data = self._get(address, min(left, CHUNK))
            done = self._write_file(handle, data)
            left -= done
            address += done
            if done < len(data):
                break
        return left

    def _write_file(self, handle: int, data: bytes) -> int:
        done = self._ask_number("write", lambda: self.host.write(handle, data))
        return min(done, len(data))

    def _read(self, parameter: int) -> int:
        handle, address, length = self._words(parameter, 3)
        kind = self._kind(handle)
        left = length
        while left:
            data = self._read_some(kind, handle, min(left, CHUNK))
            self._put(address, data)
            left -= len(data)
            address += len(data)
            # The console gives what was typed; waiting for more would deny it to the guest.
            if not data or kind == "console":
                break
        return left

    def _read_some(self, kind: str, handle: int, count: int) -> bytes:
        if kind == "console":
            return self._read_console(count)
        if kind == "features":
            offset = self.offsets[str(handle)]
            data = FEATURES[offset : offset + count]
            self.offsets[str(handle)] += len(data)
            return data
        return self._ask("read", lambda: self.host.read(handle, count))[:count]

    def _read_console(self, count: int) -> bytes:
        try:
            return self.console.read_all(count)[:count]
        except OSError as error:
            raise _Failure(error.errno or EIO) from None

    def _readc(self, parameter: int) -> int:
        data = self._read_console(1)
        return data[0] if data else FAILED

    def _iserror(self, parameter: int) -> int:
        (status,) = self._words(parameter, 1)
        return status >> 8 * self._word - 1

    def _istty(self, parameter: int) -> int:
        (handle,) = self._words(parameter, 1)
        return int(self._kind(handle) == "console")

    def _seek(self, parameter: int) -> int:
        handle, position = self._words(parameter, 2)
        kind = self._kind(handle)
        if kind == "console" or position > MAX_POSITION:
            raise _Failure(EINVAL)
        if kind == "features":
            self.offsets[str(handle)] = min(position, len(FEATURES))
        else:
            self._tell("seek", lambda: self.host.seek(handle, position))
        return 0

    def _flen(self, parameter: int) -> int:
        (handle,) = self._words(parameter, 1)
        kind = self._kind(handle)
        if kind == "console":
            return 0
        if kind == "features":
            return len(FEATURES)
        return self._ask_number("flen", lambda: self.host.length(handle))

    def _tmpnam(self, parameter: int) -> int:
        address, identifier, length = self._words(parameter, 3)
        name = b"ttd-tmp-%03d\0" % (identifier & 0xFF)
        if len(name) > length:
            raise _Failure(EINVAL)
        self._put(address, name)
        return 0

    def _remove(self, parameter: int) -> int:
        name = self._string(*self._words(parameter, 2))
        self._tell("remove", lambda: self.host.remove(name))
        return 0

    def _rename(self, parameter: int) -> int:
        old_address, old_length, new_address, new_length = self._words(parameter, 4)
        old = self._string(old_address, old_length)
        new = self._string(new_address, new_length)
        self._tell("rename", lambda: self.host.rename(old, new))
        return 0

    # -- time ------------------------------------------------------------------------------

    def _clock(self, parameter: int) -> int:
        return self.clock.now() // NS_PER_CENTISECOND

    def _time(self, parameter: int) -> int:
        return self._ask_number("time", self.host.time)

    def _elapsed(self, parameter: int) -> int:
        now = self.clock.now()
        self._put(parameter, (now & (1 << 64) - 1).to_bytes(8, "little"))
        return 0

    def _tickfreq(self, parameter: int) -> int:
        return NS_PER_S

    # -- the program -----------------------------------------------------------------------

    def _errno(self, parameter: int) -> int:
        return self.errno

    def _get_cmdline(self, parameter: int) -> int:
        address, length = self._words(parameter, 2)
        if len(self.command_line) + 1 > length:
            raise _Failure(EINVAL)
        self._put(address, self.command_line + b"\0")
        self._put_words(parameter, [address, len(self.command_line)])
        return 0

    def _heapinfo(self, parameter: int) -> int:
        (block,) = self._words(parameter, 1)
        heap = self.heap
        self._put_words(block, [heap.heap_base, heap.heap_limit, heap.stack_base, heap.stack_limit])
        return 0
