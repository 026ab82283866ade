"""Every instruction of Armv7-M and Armv6-M on edge values, special registers, exceptions: as QEMU.

The firmware is described in tests/firmware/README.md.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd, verify
from tests.integration.sliced import Cuts, record

HOME = FIRMWARE / "cortexm-isa"
NAMES = {"m3": "mps2-an385", "m0": "microbit"}
pytestmark = pytest.mark.slow

RAM = (0x20000000, 0x4000)


def expected(core: str) -> list[str]:
    """What QEMU prints, but for where the manual says otherwise."""
    lines = (HOME / f"expected-{core}.txt").read_text().splitlines()
    for line in (HOME / "manual.txt").read_text().splitlines():
        whose, _, right = line.partition(" ")
        if whose == core:
            name = right.rpartition(" ")[0]
            (at,) = (n for n, found in enumerate(lines) if found.rpartition(" ")[0] == name)
            assert lines[at] != right
            lines[at] = right
    return lines


@pytest.mark.parametrize("core", NAMES)
def test_every_instruction(core: str, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    image = HOME / f"cortexm-isa-{core}.elf"
    done = ttd("record", "--board", NAMES[core], "--semihosting", "-o", path, image)
    assert done.code == 0, done.err
    assert done.out.decode().splitlines() == expected(core)
    verify(path)


@pytest.mark.parametrize("core", NAMES)
def test_slices_make_no_difference(core: str, tmp_path: Path) -> None:
    """Through the last part: special registers, the order of exceptions, frames, returns."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    what = ("cortexm-isa", f"cortexm-isa-{core}", NAMES[core], RAM)
    at_once = record(*what, tmp_path / "once.ttd")
    cuts = Cuts(random.Random(seed), at_once.steps - 150_000, at_once.steps - 100)
    assert record(*what, tmp_path / "cut.ttd", cuts) == at_once
