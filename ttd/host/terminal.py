"""Standard input and output as a serial line."""

from __future__ import annotations

import atexit
import os
import sys
import termios
from collections.abc import Callable

from ttd.host.errors import ChardevError
from ttd.host.reader import Reader
from ttd.host.writer import Outputs


class Stdio:
    """The terminal: keys go to the guest one by one and are not echoed; Ctrl-C stays a signal.

    If standard input is not a terminal it is read as it is. The terminal's settings come back at
    `release` or `close`, and at the end of the process in any case.
    """

    _taken = False
    delay = 0.0
    """Seconds after `start` in which nothing is read: somebody else may want to."""

    def __init__(self, outputs: Outputs) -> None:
        if Stdio._taken:
            raise ChardevError("stdio can be the backend of one serial line only")
        self._in = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
        self._outputs = outputs
        self._output = outputs.standard()
        self._settings: list[int | list[bytes | int]] | None = None
        self._reader = Reader(self._in, "stdio")
        if os.isatty(self._in):
            self._settings = termios.tcgetattr(self._in)
            atexit.register(self._restore)
        Stdio._taken = True

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Begin to read."""
        if self._settings is not None:
            keys = termios.tcgetattr(self._in)
            keys[0] &= ~(termios.ICRNL | termios.INLCR | termios.IXON)
            keys[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
            keys[6][termios.VMIN], keys[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._in, termios.TCSANOW, keys)
        self._reader.start(on_input, self.delay)

    @property
    def over(self) -> bool:
        """Nothing comes in any more."""
        return self._reader.over

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
        """Up to `count` bytes of standard input, waiting for the first."""
        return self._reader.read(count)

    def release(self) -> None:
        """Leave standard input to somebody else, with the terminal as it was."""
        self._reader.stop()
        self._restore()

    def close(self) -> None:
        """Stop reading and restore the terminal."""
        self.release()
        self._outputs.close(self._output)
        Stdio._taken = False

    def _restore(self) -> None:
        if self._settings is not None:
            # Not TCSADRAIN: a terminal that is held (Ctrl-S) would hold us.
            termios.tcsetattr(self._in, termios.TCSANOW, self._settings)
            self._settings = None
            atexit.unregister(self._restore)
