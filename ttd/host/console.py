"""The console of semihosting: standard output, and standard input when the guest reads."""

from __future__ import annotations

import os
from collections.abc import Callable


class Console:
    """Standard input and output, left as they are."""

    def __init__(self, input_fd: int = 0, output_fd: int = 1) -> None:
        self._input = input_fd
        self._output = output_fd

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Nothing comes in by itself: the guest asks."""

    def write(self, data: bytes) -> int:
        """Bytes written, or a negative errno."""
        try:
            return os.write(self._output, data)
        except OSError as error:
            return -(error.errno or 0)

    def read_all(self, count: int) -> bytes:
        """Up to `count` bytes, waiting for the first."""
        return os.read(self._input, count)

    def close(self) -> None:
        """Nothing was opened."""
