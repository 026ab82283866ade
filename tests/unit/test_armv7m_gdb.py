"""GDB itself takes the register description as that of an M-profile core."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ttd.cpu.armv7m import CortexM
from ttd.rsp.description import target_xml

GDB = shutil.which("gdb-multiarch")


@pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")
def test_gdb_accepts_the_registers(tmp_path: Path) -> None:
    description = tmp_path / "target.xml"
    description.write_text(target_xml(CortexM.gdb_architecture, CortexM.registers))
    commands = (f"set tdesc filename {description}", "show architecture", "maint print registers")
    arguments = [part for command in commands for part in ("-ex", command)]
    run = subprocess.run(
        [str(GDB), "-nx", "-batch", *arguments], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    assert 'currently "arm")' in run.stdout
    names = {line.split()[0] for line in run.stdout.splitlines() if line.strip()}
    assert {register.name for register in CortexM.registers} <= names
    assert "cpsr" not in names
