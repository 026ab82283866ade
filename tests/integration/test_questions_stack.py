"""`stack-depth`: beside one step after the other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, elf, refused, ttd
from tests.integration.inside import playing_session
from ttd.questions.past import Past
from ttd.questions.stack_depth import stack_depth

pytestmark = pytest.mark.slow
"""`make check` does without."""

STEPS = 4000
TYPES = "types/types-{}.elf"
RAW = ("--board", "raw", "--ram", "0x100000:1M", "--steps", "20000")
MPS2 = ("--board", "mps2-an385", "--steps", "100000", "--serial", "null")
GUESTS = {
    "irqs": (*MPS2, elf("irqs")),
    "tasks": (*MPS2, elf("tasks")),
    "x86-64": (*RAW, "--cpu", "x86-64", "--load", FIRMWARE / TYPES.format("x86-64")),
    "aarch64": (*RAW, "--cpu", "aarch64", "--load", FIRMWARE / TYPES.format("aarch64")),
    "rv32": (*RAW, "--cpu", "rv32", "--load", FIRMWARE / TYPES.format("rv32")),
}


@pytest.mark.parametrize("name", GUESTS)
def test_as_walked(name: str, tmp_path: Path) -> None:
    run = tmp_path / "run.ttd"
    ttd("record", "-o", run, *GUESTS[name])
    past = Past(playing_session(run))
    begin = past.timeline.end // 2
    cpu = past.timeline.cpu
    past.go(begin)
    pointers = []
    for _ in range(STEPS + 1):
        pointers.append(cpu.read_register(cpu.stack))
        past.one_step()
    found = stack_depth(past, past.stretch(begin, begin + STEPS))
    assert found
    for depth in found:
        low = depth.lowest + depth.used - (depth.size or 1 << 20)
        there = [sp for sp in pointers if low < sp <= depth.lowest + depth.used]
        assert there, (depth, low)
        # What is pushed is written; of what is only made room for the lowest may not be.
        assert min(there) <= depth.lowest <= min(there) + 64, (depth, hex(min(there)))
        step = depth.place.step - begin
        before, after = pointers[step : step + 2]
        assert min(before, after) <= depth.lowest
    assert sorted(found, key=lambda depth: -depth.used) == found
    for one, other in pairwise(sorted(found, key=lambda depth: depth.lowest)):
        assert one.lowest + one.used <= other.lowest
    past.session.close()


def test_commands(tmp_path: Path) -> None:
    run = tmp_path / "run.ttd"
    ttd("record", "-o", run, *MPS2[:2], "--steps", "200000", *MPS2[4:], elf("threads", "freertos"))
    done = ttd("stack-depth", run, "busy")
    assert b"of 640 bytes of stacks[3] (busy), down to " in done.out and done.out[-1:] == b"\n"
    assert len(done.out.splitlines()) == 1
    refused(ttd("stack-depth", run, "nope"), "No task called 'nope' was seen on a stack.")
