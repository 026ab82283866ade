"""Completion, as real shells do it: what stands on the line after TAB is what the shell gets."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.cli_tools import HANG, ROOT, elf

pytestmark = pytest.mark.slow

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--interactive"],
}
START = {
    "bash": 'eval "$(ttd completion bash)"',
    "zsh": 'autoload -U compinit; compinit -u -D; eval "$(ttd completion zsh)"',
    "fish": "ttd completion fish | source",
}
CASES = {
    "ttd recor": ["ttd", "record"],
    "ttd record --boa": ["ttd", "record", "--board"],
    "ttd record --board mps": ["ttd", "record", "--board", "mps2-an385"],
    "ttd record --board=mps": ["ttd", "record", "--board=mps2-an385"],
    "ttd record --board raw --cpu aar": ["ttd", "record", "--board", "raw", "--cpu", "aarch64"],
    "ttd serve ru": ["ttd", "serve", "run.ttd"],
    "ttd replay my": ["ttd", "replay", "my runs/"],
    "ttd replay my\\ runs/": ["ttd", "replay", "my runs/one two.ttd"],
    "ttd record lo": ["ttd", "record", "lost-event.elf"],
    "ttd record he": ["ttd", "record", "hex.hex"],
    "ttd events --kind interr": ["ttd", "events", "--kind", "interrupt"],
    "ttd record --serial file:on": ["ttd", "record", "--serial", "file:only.log"],
    "ttd record --serial st": ["ttd", "record", "--serial", "stdio"],
    "ttd record --device virtio-t": ["ttd", "record", "--device", "virtio-tablet"],
    "ttd record --device pl031,clock=h": ["ttd", "record", "--device", "pl031,clock=host"],
    "ttd record --semihosting=fold": ["ttd", "record", "--semihosting=folder/"],
    "ttd record --semihosting lo": ["ttd", "record", "--semihosting", "lost-event.elf"],
    "ttd gdb ru": ["ttd", "gdb", "run.ttd"],
    "ttd gdb --record --board micro": ["ttd", "gdb", "--record", "--board", "microbit"],
    "ttd gdb --record --board=micro": ["ttd", "gdb", "--record", "--board=microbit"],
    "ttd lldb --snapshot-m": ["ttd", "lldb", "--snapshot-memory"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With files of several kinds."""
    made = tmp_path_factory.mktemp("completion")
    shutil.copy(elf("calls"), made / "lost-event.elf")
    for name in ("hex.hex", "run.ttd", "run.txt", "lost-notes", "only.log", "my runs/one two.ttd"):
        path = made / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("no program\n")
    (made / "folder").mkdir()
    os.mkfifo(made / "lost-fifo.elf")
    return made


class Shell:
    """A shell on a terminal. What it has read is seen in a file, not on its screen."""

    def __init__(self, name: str, folder: Path, apart: Path) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._told = apart / "told"
        known = {"PATH": path, "TERM": "dumb", "HOME": str(apart), "TOLD": str(self._told)}
        self._terminal, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, 200))
        self._process = subprocess.Popen(
            SHELLS[name],
            cwd=folder,
            env={**os.environ, **known},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=partial(os.login_tty, 0),  # noqa: PLW1509 - there are no threads here
        )
        os.close(theirs)
        self._shown = b""
        # Until it reads with its editor, a line that is typed is another program's.
        self.words(START[name])

    def words(self, typed: str, keys: bytes = b"") -> list[str]:
        """Type, press keys, and get the words that there are then."""
        start = b"\x01printf '%s\\n' " if keys else b""
        os.write(self._terminal, typed.encode() + keys)
        os.write(self._terminal, start + b"\x05 > $TOLD.new; mv $TOLD.new $TOLD\r")
        give_up = time.monotonic() + HANG
        while not self._told.exists():
            assert time.monotonic() < give_up, self._shown[-2000:].decode(errors="replace")
            if select.select([self._terminal], [], [], 0.02)[0]:
                self._shown += os.read(self._terminal, 1 << 16)
        found = self._told.read_text().splitlines()
        self._told.unlink()
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture(scope="module", params=SHELLS)
def shell(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    """One of each, which goes on running."""
    if shutil.which(request.param) is None:
        why = "completion is tested in every shell"
        subprocess.run([ROOT / "scripts/apt-install", why, request.param], check=True)
    made = Shell(request.param, folder, tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.mark.parametrize(("typed", "words"), CASES.items(), ids=CASES)
def test_tab(shell: Shell, typed: str, words: list[str]) -> None:
    assert shell.words(typed, b"\t") == words
