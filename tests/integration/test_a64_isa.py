"""Every instruction of the AArch64 model on edge values: as QEMU has them.

The firmware is described in tests/firmware/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd, verify

HOME = FIRMWARE / "a64-isa"
BOARD = ("--board", "raw", "--cpu", "aarch64", "--ram", "0x40000000:16M", "--uart")
pytestmark = pytest.mark.slow


def test_every_instruction(tmp_path: Path) -> None:
    path, elf = tmp_path / "run.ttd", HOME / "a64-isa.elf"
    done = ttd("record", *BOARD, "pl011@0x9000000", "--load", elf, "-o", path)
    assert done.code == 0, done.err
    assert done.out.decode().split("\n") == (HOME / "expected.txt").read_text().split("\n")
    verify(path)
