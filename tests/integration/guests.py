"""Guests that nobody here wrote, at their prompts: the same typing at ttd and at QEMU."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from scripts.typist import Typist
from tests.integration.conftest import ROOT, TTD

__all__ = ["Typist"]

QEMU_PACKAGES = {
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-riscv64": "qemu-system-misc",
}
"""Debian's, by program."""


def install(files: Iterable[Path], *packages: str) -> None:
    """Have these files of Debian's `packages`."""
    if all(file.exists() for file in files):
        return
    why = f"the tests run guests of {', '.join(packages)}"
    subprocess.run([ROOT / "scripts/apt-install", why, *packages], check=True)


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


def qemu(program: str, *options: str | Path) -> Typist:
    """The same guest under QEMU."""
    if shutil.which(program) is None:
        install((Path("/usr/bin") / program,), QEMU_PACKAGES[program])
    quiet = ["-display", "none", "-net", "none", "-serial", "stdio", "-monitor", "none"]
    return Typist([program, *map(str, options), *quiet])
