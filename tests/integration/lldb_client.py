"""The real LLDBs, driven in batch mode."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.integration.gdb_mi import HANG, ROOT

DEBIAN = "lldb-22"
"""Package and program of Debian 12's security archive."""


@cache
def debian() -> str | None:
    """Debian's LLDB, installed if it is not there and this is the Debian that has it."""
    if shutil.which(DEBIAN) is None and "bookworm" in _system():
        why = "the tests run Debian's LLDB"
        subprocess.run([ROOT / "scripts/apt-install", why, DEBIAN], check=False)
    return shutil.which(DEBIAN)


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


@cache
def packaged() -> str | None:
    """LLDB 23, which PyPI has for some platforms."""
    return shutil.which("lldb", path=str(Path(sys.executable).parent))


FIND = {"22": debian, "23": packaged}


@pytest.fixture(params=FIND)
def lldb(request: pytest.FixtureRequest) -> str:
    """The path of an LLDB; each that there is."""
    path = FIND[request.param]()
    if path is None:
        pytest.skip(f"LLDB {request.param} is not to be had on this platform")
    return path


@dataclass(frozen=True)
class Said:
    """What LLDB printed upon one command."""

    command: str
    text: str

    @property
    def reason(self) -> str:
        """Why it has stopped; of the last stop if there are several."""
        found = re.findall(r"stop reason = (.*)", self.text)
        assert found, str(self)
        return str(found[-1])

    @property
    def pc(self) -> int:
        """Where frame 0 of the last stop is."""
        found = re.findall(r"frame #0: (0x[0-9a-f]+)", self.text)
        assert found, str(self)
        return int(found[-1], 16)

    def __str__(self) -> str:
        return f"(lldb) {self.command}\n{self.text}"


def batch(
    lldb: str, folder: Path, port: int, commands: Sequence[str], elf: Path | None = None
) -> list[Said]:
    """What LLDB says upon each command, at the first step of what is served on `port`.

    A command that fails does not end it.
    """
    first = [
        "settings set use-color false",
        f"gdb-remote {port}",
        "process plugin packet monitor goto start",
        "process continue",  # a `stepi` that stays where it was is taken up later
    ]
    script = folder / "commands"
    script.write_text("".join(f"{command}\n" for command in [*first, *commands]))
    source = f"command source -e false -c false {script}"
    words = [lldb, "--no-lldbinit", "-b", "-o", source, *([] if elf is None else [str(elf)])]
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        timeout=HANG,
        check=False,
    )
    text = done.stdout.decode(errors="replace")
    assert "Assertion" not in text and "Stack dump" not in text, text
    said = []
    for command in [*first, *commands]:
        _, found, text = text.partition(f"(lldb) {command}\n")
        assert found, f"{command!r} was not executed: {text}"
        said.append(Said(command, text.partition("(lldb) ")[0]))
    assert "error" not in said[1].text, str(said[1])
    return said[len(first) :]
