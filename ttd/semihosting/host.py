"""Calls to the host, by way of the replay layer: in play it is not touched."""

from __future__ import annotations

from collections.abc import Callable
from errno import EIO

from ttd.semihosting.guest import CallError
from ttd.semihosting.sides import HostCalls


class Host:
    """Has the host do something, or takes the recorded result; an errno comes first in each."""

    def __init__(self, replay: HostCalls) -> None:
        self._replay = replay

    def ask(self, tag: str, call: Callable[[], bytes]) -> bytes:
        """What `call` gives; its `OSError` is a `CallError`."""

        def with_errno() -> bytes:
            try:
                return (0).to_bytes(4, "little") + call()
            except OSError as error:
                return (error.errno or EIO).to_bytes(4, "little")

        result = self._replay.host_call(tag, with_errno)
        errno = int.from_bytes(result[:4], "little")
        if errno:
            raise CallError(errno)
        return result[4:]

    def tell(self, tag: str, call: Callable[[], None]) -> None:
        """`ask` for what has no result but success."""

        def no_bytes() -> bytes:
            call()
            return b""

        self.ask(tag, no_bytes)

    def number(self, tag: str, call: Callable[[], int]) -> int:
        """`ask` for a number that is not negative."""
        return int.from_bytes(self.ask(tag, lambda: call().to_bytes(8, "little")), "little")
