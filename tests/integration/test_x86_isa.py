"""Every instruction of the x86-64 model on edge values: as a processor has them.

The firmware is described in tests/firmware/README.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd, verify

HOME = FIRMWARE / "x86-isa"
BOARD = ("--board", "raw", "--cpu", "x86-64", "--ram", "0x100000:4M", "--uart")
pytestmark = pytest.mark.slow


def results(output: str) -> dict[str, str]:
    """The signature of each line, by the name before it."""
    parts = (line.rpartition(" ") for line in output.split("\n"))
    return {name: signature for name, _, signature in parts}


def record(path: Path, **more: Any) -> dict[str, str]:
    elf = HOME / "x86-isa.elf"
    done = ttd("record", *BOARD, "ns16550@0x40000000", "--load", elf, "-o", path, **more)
    assert done.code == 0, done.err
    return results(done.out.decode())


def test_every_instruction(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    expected = results((HOME / "expected.txt").read_text())
    expected |= results((HOME / "functions.txt").read_text())
    assert record(path) == expected
    verify(path)


def test_the_computer_makes_no_difference(tmp_path: Path) -> None:
    """glibc chooses its mathematics by what the processor has."""
    path = tmp_path / "run.ttd"
    elsewhere = os.environ | {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2"}
    assert record(path, env=elsewhere) == record(tmp_path / "here.ttd")
    verify(path)
