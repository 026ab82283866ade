"""Guests that nobody here wrote, at their prompts: the same typing at ttd and at QEMU."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from tests.integration.conftest import ROOT, TTD

HANG = 120.0
"""Seconds after which a guest that should have said something counts as hanging."""


def install(files: Iterable[Path], *packages: str) -> None:
    """Have these files of Debian's `packages`."""
    if all(file.exists() for file in files):
        return
    why = f"the tests run guests of {', '.join(packages)}"
    subprocess.run([ROOT / "scripts/apt-install", why, *packages], check=True)


class Typist:
    """Somebody at a guest's serial port, which is the standard input and output of `command`.

    Waits for what is to appear before it types, as people do, so that nothing is lost however
    fast or slow the machine is.
    """

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.output = b""
        self._read_to = 0

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
                raise AssertionError(f"no {text!r} after {self.output[-300:]!r}; {said}")
            self.output += data
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


def talk(typist: Typist, prompt: bytes, lines: Iterable[bytes], end: bytes = b"\r") -> bytes:
    """Type `lines`, each at a prompt; returns everything up to the last prompt."""
    typist.expect(prompt)
    for line in lines:
        typist.type(line + end)
        typist.expect(prompt)
    typist.interrupt()
    return typist.output[: typist.output.rfind(prompt) + len(prompt)]


def record(board: str, recording: Path, *options: str | Path) -> Typist:
    """A guest under `ttd record`."""
    return Typist([*TTD, "record", "--board", board, "-o", str(recording), *map(str, options)])


def qemu(program: str, *options: str | Path) -> Typist | None:
    """The same guest under QEMU, if that is installed."""
    if shutil.which(program) is None:
        return None
    quiet = ["-display", "none", "-net", "none", "-serial", "stdio", "-monitor", "none"]
    return Typist([program, *map(str, options), *quiet])
