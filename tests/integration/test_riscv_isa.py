"""Every instruction of RV64GC and RV32GC on edge values, traps and modes: as QEMU has them.

The firmware is described in tests/firmware/README.md.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd, verify
from tests.integration.sliced import Cuts, record

HOME, SWEEP = FIRMWARE / "riscv-isa", FIRMWARE / "riscv-sweep"
NAMES = {64: "virt", 32: "virt32"}
pytestmark = pytest.mark.slow

BOTH = [pytest.param(64, id="rv64"), pytest.param(32, id="rv32")]
RAM = (0x80000000, 0x20000)
"""Where the firmware is, its variables and its stack."""


def results(output: str) -> dict[str, str]:
    """What each line says, by the name it begins with."""
    found = {}
    for line in output.splitlines():
        name, is_trap, trap = line.partition(" cause ")
        if not is_trap:
            name, _, trap = line.rpartition(" ")
        assert name not in found
        found[name] = trap
    return found


@pytest.mark.parametrize("bits", BOTH)
def test_every_instruction(bits: int, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    done = ttd("record", "--board", NAMES[bits], "-o", path, HOME / f"riscv-isa-rv{bits}.elf")
    assert done.code == 0, done.err
    found = results(done.out.decode())
    expected = results((HOME / f"expected-{bits}.txt").read_text())
    assert list(found) == list(expected)
    expected |= results((HOME / f"manual-{bits}.txt").read_text())
    assert found == expected
    verify(path)


@pytest.mark.parametrize("bits", BOTH)
def test_slices_make_no_difference(bits: int, tmp_path: Path) -> None:
    """Through the last part, which is the CSRs, the traps and the modes."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    what = ("riscv-isa", f"riscv-isa-rv{bits}", NAMES[bits], RAM)
    at_once = record(*what, tmp_path / "once.ttd")
    cuts = Cuts(random.Random(seed), at_once.steps - 300_000, at_once.steps - 10_000)
    assert record(*what, tmp_path / "slices.ttd", cuts) == at_once


def titled(text: str) -> dict[str, str]:
    """Lines by the title that a colon ends; others by themselves."""
    return {line.partition(":")[0]: line for line in text.splitlines()}


@pytest.mark.parametrize("bits", BOTH)
def test_every_halfword_and_every_csr(bits: int, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    program = SWEEP / f"riscv-sweep-rv{bits}.elf"
    done = ttd("record", "--board", NAMES[bits], "-o", path, program)
    assert done.code == 0, done.err
    manual = titled((SWEEP / f"manual-{bits}.txt").read_text())
    expected = (SWEEP / f"expected-{bits}.txt").read_text().splitlines()
    assert done.out.decode().splitlines() == [
        manual.get(line.partition(":")[0], line) for line in expected
    ]
