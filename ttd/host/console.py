"""The console of semihosting: standard output, and standard input when the guest reads."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from ttd.host.writer import Outputs


class Console:
    """Standard input and output, left as they are."""

    def __init__(
        self, outputs: Outputs, claim: Callable[[], bytes] = lambda: b"", input_fd: int = 0
    ) -> None:
        """`claim` is called before the first read: it makes whoever else reads standard input
        leave it, and gives what has been read and nobody has got."""
        self._input = input_fd
        self._outputs = outputs
        self._output = outputs.standard()
        self._claim: Callable[[], bytes] | None = claim
        self._begun = b""
        self._stop_read, self._stop_write = os.pipe2(os.O_CLOEXEC)

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Nothing comes in by itself: the guest asks."""

    def write(self, data: bytes) -> int:
        """Bytes taken, or a negative errno."""
        return self._output.write(data)

    def room(self) -> int:
        """Bytes that are taken for certain."""
        return self._output.room()

    def put(self, data: bytes) -> None:
        """Take bytes that there was room for."""
        self._output.put(data)

    def read_all(self, count: int) -> bytes:
        """Up to `count` bytes, waiting for the first; the end once this has been closed."""
        if self._claim is not None:
            self._begun, self._claim = self._claim(), None
        if self._begun:
            data, self._begun = self._begun[:count], self._begun[count:]
            return data
        ready, _, _ = select.select([self._input, self._stop_read], [], [])
        return b"" if self._stop_read in ready else os.read(self._input, count)

    def close(self) -> None:
        """End a read that is under way."""
        if self._stop_write >= 0:
            # The other end stays: that read may not have come to see this yet.
            os.close(self._stop_write)
            self._stop_write = -1
        self._outputs.close(self._output)
