"""GDB 18, which PyPI has for some platforms; Debian 12 has GDB 13."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

GDB18 = shutil.which("gdb", path=str(Path(sys.executable).parent))
GDBS = {"13": shutil.which("gdb-multiarch"), "18": GDB18}


def gdb_program(version: str) -> str:
    """The path of this GDB; the test is skipped if it cannot be had."""
    path = GDBS[version]
    if path is None:
        pytest.skip(f"GDB {version} is not to be had on this platform")
    return path
