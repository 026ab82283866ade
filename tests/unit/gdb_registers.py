"""What the real GDB makes of a register description."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from ttd.cpu.base import Register
from ttd.rsp.description import target_xml

GDB = shutil.which("gdb-multiarch")
needs_gdb = pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")


def read_by_gdb(folder: Path, architecture: str, registers: Sequence[Register]) -> str:
    """What GDB says of its architecture and registers, which it takes without complaint."""
    description = folder / "target.xml"
    description.write_text(target_xml(architecture, registers))
    commands = (f"set tdesc filename {description}", "show architecture", "maint print registers")
    arguments = [part for command in commands for part in ("-ex", command)]
    run = subprocess.run(
        [str(GDB), "-nx", "-batch", *arguments], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    return run.stdout
