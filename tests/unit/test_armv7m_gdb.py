"""GDB itself takes the register description as that of an M-profile core."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ttd.cpu.armv7m import CORTEX_M0, CORTEX_M3, CortexM
from ttd.cpu.armv7m.profile import Profile
from ttd.rsp.description import target_xml

GDB = shutil.which("gdb-multiarch")


@pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")
@pytest.mark.parametrize("profile", [CORTEX_M3, CORTEX_M0], ids=lambda p: p.name)
def test_gdb_accepts_the_registers(tmp_path: Path, profile: Profile) -> None:
    description = tmp_path / "target.xml"
    description.write_text(target_xml(CortexM.gdb_architecture, profile.registers))
    commands = (f"set tdesc filename {description}", "show architecture", "maint print registers")
    arguments = [part for command in commands for part in ("-ex", command)]
    run = subprocess.run(
        [str(GDB), "-nx", "-batch", *arguments], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    assert 'currently "arm")' in run.stdout
    names = {line.split()[0] for line in run.stdout.splitlines() if line.strip()}
    assert {register.name for register in profile.registers} <= names
    assert "cpsr" not in names
    assert ("basepri" in names) == profile.mainline
