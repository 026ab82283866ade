"""Every instruction of Armv7-M and Armv6-M on edge values, special registers, exceptions: as QEMU.

The firmware is described in tests/firmware/README.md.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.integration.border import Line, recorder
from tests.integration.cli_tools import FIRMWARE, ttd, verify
from ttd.boards import BOARDS

HOME = FIRMWARE / "cortexm-isa"
NAMES = {"m3": "mps2-an385", "m0": "microbit"}
pytestmark = pytest.mark.slow

RAM, RAM_SIZE = 0x20000000, 0x4000
Recorded = tuple[dict[str, Any], int]


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


def record(core: str, path: Path, cuts: random.Random | None, first: int, last: int) -> Recorded:
    """Record at once, or in slices from one step to another: the state, the steps."""
    name = f"cortexm-isa-{core}"
    live = recorder("cortexm-isa", path, board=BOARDS[NAMES[core]], uart=Line(), program=name)
    engine = live.machine.engine
    if cuts is not None:
        live.machine.run(first)
        while engine.step < last:
            live.machine.run(engine.step + cuts.randint(1, cuts.choice((1, 10, 100, 5_000))))
    ended = live.run(None, lambda step: None)
    # How many events there were depends on how often the host's clock made a checkpoint.
    state = {name: part for name, part in live.machine.save().items() if name != "replay"}
    state["memory"] = engine.read(RAM, RAM_SIZE)
    live.finish(ended.reason, ended.code)
    live.close()
    return state, engine.step


@pytest.mark.parametrize("core", NAMES)
def test_slices_make_no_difference(core: str, tmp_path: Path) -> None:
    """Through the last part: special registers, the order of exceptions, frames, returns."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    at_once = record(core, tmp_path / "once.ttd", None, 0, 0)
    steps = at_once[1]
    cuts = random.Random(seed)
    assert record(core, tmp_path / "cut.ttd", cuts, steps - 150_000, steps - 100) == at_once
