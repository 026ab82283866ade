"""GDB itself takes the register description as that of an M-profile core."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.gdb_registers import needs_gdb, read_by_gdb
from ttd.cpu.armv7m import CORTEX_M0, CORTEX_M3, CortexM
from ttd.cpu.armv7m.profile import Profile


@needs_gdb
@pytest.mark.parametrize("profile", [CORTEX_M3, CORTEX_M0], ids=lambda p: p.name)
def test_gdb_accepts_the_registers(tmp_path: Path, profile: Profile) -> None:
    text = read_by_gdb(tmp_path, CortexM.gdb_architecture, profile.registers)
    assert 'currently "arm")' in text
    names = {line.split()[0] for line in text.splitlines() if line.strip()}
    assert {register.name for register in profile.registers} <= names
    assert "cpsr" not in names
    assert ("basepri" in names) == profile.mainline
