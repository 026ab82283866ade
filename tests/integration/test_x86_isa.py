"""Every instruction of the x86-64 model on edge values: as a processor has them.

The firmware is described in tests/firmware/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd, verify

HOME = FIRMWARE / "x86-isa"
BOARD = ("--board", "raw", "--cpu", "x86-64", "--ram", "0x100000:4M", "--uart")
pytestmark = pytest.mark.slow


def results(output: str) -> dict[str, str]:
    """The signature of each line, by the name before it."""
    parts = (line.rpartition(" ") for line in output.split("\n"))
    return {name: signature for name, _, signature in parts}


def test_every_instruction(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    elf = HOME / "x86-isa.elf"
    done = ttd("record", *BOARD, "ns16550@0x40000000", "--load", elf, "-o", path)
    assert done.code == 0, done.err
    assert results(done.out.decode()) == results((HOME / "expected.txt").read_text())
    verify(path)
