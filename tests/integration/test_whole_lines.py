"""A front end that loses what GDB has written so far of a line, as VS Code's Native Debug does, and
the script of docs/ide.md between them."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.docs.recipes import blocks
from tests.integration.conftest import ROOT, TTD, Record
from tests.integration.gdb_mi import HANG
from ttd.gdb import COMMANDS

KEPT = re.compile(rb"\d*[*+=]|.*[~@&^]")
"""A part of a line is kept if it looks like a record of MI already."""


class Hasty:
    """The front end."""

    def __init__(self, command: str) -> None:
        self.process = subprocess.Popen(
            [command, "-q", "-nx", "--interpreter=mi2"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self._part = b""
        self._lines: list[str] = []
        self._number = 0

    def do(self, command: str, *, runs: bool = False) -> str:
        """The answer to a command, or the stop that it leads to."""
        assert self.process.stdin is not None
        self._number += 1
        self.process.stdin.write(f"{self._number}-{command}\n".encode())
        self.process.stdin.flush()
        answer = self._await(f"{self._number}^")
        return self._await("*stopped") if runs else answer

    def _await(self, begin: str) -> str:
        give_up = time.monotonic() + HANG
        while True:
            while self._lines:
                if (line := self._lines.pop(0)).startswith(begin):
                    return line
            self._read(give_up - time.monotonic())

    def _read(self, patience: float) -> None:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], max(patience, 0))[0]:
            raise AssertionError("it waits for ever")
        *lines, part = (self._part + os.read(self.process.stdout.fileno(), 1 << 16)).split(b"\n")
        self._lines += [line.decode() for line in lines]
        self._part = part if KEPT.match(part) else b""


@pytest.mark.slow
def test_a_session(record: Record, tmp_path: Path) -> None:
    (script,) = [b for b in blocks(ROOT / "docs/ide.md") if "file=gdb-lines" in b.flags]
    path = tmp_path / "gdb-lines"
    path.write_text("\n".join(script.text) + "\n")
    path.chmod(0o755)
    calls, gdb = record("calls"), Hasty(str(path))
    server = " ".join([TTD[0], "-m", "ttd", "serve", "--stdio", str(calls.path)])
    for command in (
        *("gdb-set target-async on", "list-features", f'environment-directory "{ROOT}"'),
        *(f"file-exec-and-symbols {calls.elf}", f"target-select remote | {server}"),
        *(f'interpreter-exec console "source {COMMANDS}"', 'break-insert -f "calls.c:72"'),
    ):
        answer = gdb.do(command)
        assert "^done" in answer or "^connected" in answer, answer
    for command, line in (
        *(("exec-continue", 72), ("exec-next", 73), ("exec-next --reverse", 72)),
        *(("exec-continue --reverse", 72), ("exec-continue --reverse", 80)),
        ('interpreter-exec console "goto 27000"', 13),
        *(("exec-step --reverse", 16), ("exec-finish --reverse", 16)),
    ):
        assert f'line="{line}"' in gdb.do(command, runs=True), command
    for command in ("thread-info", "stack-list-frames 0 3", "data-list-register-values N"):
        assert "^done," in gdb.do(command)
    assert "^exit" in gdb.do("gdb-exit")
    assert gdb.process.wait(HANG) == 0
    for stream in (gdb.process.stdin, gdb.process.stdout):
        assert stream is not None
        stream.close()
