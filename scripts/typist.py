"""Typing at the prompt of a guest, as a person does: wait for the answer, then go on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable

HANG = 120.0
"""Seconds after which a guest that should have said something counts as hanging."""


class NoAnswer(Exception):
    """The guest does not say what was expected; the text is what it said."""


class Typist:
    """Somebody at a guest's serial port, which is the standard input and output of `command`.

    Waits for what is to appear before it types, as people do, so that nothing is lost however
    fast or slow the machine is.
    """

    def __init__(
        self, command: list[str], show: Callable[[bytes], None] = lambda data: None
    ) -> None:
        """`show` gets what is printed as it comes."""
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.output = b""
        self._read_to = 0
        self._show = show

    def expect(self, text: bytes) -> bytes:
        """Wait until `text` appears after what was expected before; returns all up to its end."""
        assert self.process.stdout is not None
        end = time.monotonic() + HANG
        while (at := self.output.find(text, self._read_to)) < 0:
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, left))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                assert self.process.stderr is not None
                self.process.kill()
                said = self.process.stderr.read().decode(errors="replace")
                raise NoAnswer(f"no {text!r} after {self.output[-300:]!r}; {said}")
            self.output += data
            self._show(data)
        found = self.output[self._read_to : at + len(text)]
        self._read_to = at + len(text)
        return found

    def type(self, text: bytes) -> None:
        """Type at once."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Wait for the end; returns the exit code."""
        out, said = self.process.communicate(timeout=HANG)
        self.output += out
        assert b"Traceback" not in said, said.decode()
        return self.process.returncode
