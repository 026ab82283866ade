"""The console of semihosting: standard output, and standard input when the guest reads."""

from __future__ import annotations

import os
import select
from collections.abc import Callable


class Console:
    """Standard input and output, left as they are."""

    def __init__(self, input_fd: int = 0, output_fd: int = 1) -> None:
        self._input = input_fd
        self._output = output_fd
        self._stop_read, self._stop_write = os.pipe2(os.O_CLOEXEC)

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Nothing comes in by itself: the guest asks."""

    def write(self, data: bytes) -> int:
        """Bytes written, or a negative errno."""
        try:
            return os.write(self._output, data)
        except OSError as error:
            return -(error.errno or 0)

    def read_all(self, count: int) -> bytes:
        """Up to `count` bytes, waiting for the first; the end once it has been interrupted."""
        ready, _, _ = select.select([self._input, self._stop_read], [], [])
        return b"" if self._stop_read in ready else os.read(self._input, count)

    def interrupt(self) -> None:
        """End a read that is under way, and all later ones; from any thread."""
        if self._stop_write >= 0:
            os.write(self._stop_write, b"x")

    def close(self) -> None:
        """Give the pipe back."""
        if self._stop_write >= 0:
            os.close(self._stop_write)
            os.close(self._stop_read)
            self._stop_write = -1
