"""Whom semihosting talks to: the guest's CPU and memory, the console, and the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


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
