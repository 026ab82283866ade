"""Debuggers see memory as the page tables of the moment map it; `monitor phys` as it is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd
from tests.integration.inside import playing_session
from ttd.debugger.session import Session
from ttd.monitor import Monitor
from ttd.probe_api import TimelineError

pytestmark = pytest.mark.slow

HOME = FIRMWARE / "rtos"
OWN = 0x40000000
"""Where each task of the kernel has a page of its own."""


@pytest.mark.parametrize(("board", "bits"), [("virt", 64), ("virt32", 32)])
def test_one_address_is_several_pages(tmp_path: Path, board: str, bits: int) -> None:
    path = tmp_path / "run.ttd"
    typed = (HOME / "input.txt").read_bytes()
    elf = HOME / f"rtos-rv{bits}.elf"
    assert ttd("record", "--board", board, "-o", path, elf, stdin=typed).code == 0
    session = playing_session(path)
    timeline, cpu = session.timeline, session.machine.cpu
    monitor = Monitor(Session(timeline))
    places, unmapped, randomly = set[int](), 0, random.Random(1)
    for _ in range(60):
        timeline.seek(randomly.randrange(timeline.end))
        place = cpu.translate(OWN)
        if place in (None, OWN):
            # Nothing is mapped there, or there is no translation and no memory at the address.
            unmapped += 1
            with pytest.raises(TimelineError, match="0x40000000"):
                timeline.probe.read_memory(OWN, 4)
            continue
        assert place is not None
        places.add(place)
        data = timeline.probe.read_memory(OWN, 16)
        assert monitor.execute(f"phys {place:#x} 16") == f"{place:#x}: {data.hex(' ')}\n"
    assert len(places) >= 2 and unmapped
    session.close()
