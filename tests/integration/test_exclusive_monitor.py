"""Exclusive stores succeed wherever a snapshot, a stop, a seek or another process comes between
them and their load: the monitor is part of the state.

The guest adds to a counter in memory with a load and a store exclusive, some instructions apart,
six times; each store that fails is counted and not tried again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.raw_guests import CODE, halves, recorder, words
from tests.integration.walks import plain, seen
from tests.snapshots import snapshots_every
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine

pytestmark = pytest.mark.slow
"""`make check` does without: tests/unit/test_engine.py has the monitor in a state."""

COUNTER = CODE + 0x400
ROUNDS = 6
STEPS = 120


def riscv(width: int) -> bytes:
    """lui s0, 0x20000; addi s0, s0, 0x400; li s2, 6; li s1, 0
    1: lr a1, (s0); addi a1, a1, 1; nop; nop; sc a2, a1, (s0); add s1, s1, a2; addi s2, s2, -1
    bnez s2, 1b; ebreak"""
    return words(
        *(0x20000437, 0x40040413, 0x00600913, 0x00000493),
        *(0x100405AF | width << 12, 0x00158593, 0x00000013, 0x00000013),
        *(0x18B4062F | width << 12, 0x00C484B3, 0xFFF90913, 0xFE0912E3, 0x00100073),
    )


CORTEX_M = halves(
    *(0xF04F, 0x5000, 0xF500, 0x6080, 0x2406, 0x2500),  # mov r0, #CODE; add r0, #0x400; r4, r5
    *(0xE850, 0x1F00, 0x3101, 0xBF00, 0xBF00),  # 1: ldrex r1, [r0]; adds r1, #1; nop; nop
    *(0xE840, 0x1200, 0x18AD, 0x3C01, 0xD1F5, 0xBEAB),  # strex r2, r1, [r0]; adds; subs; bne; bkpt
)
AARCH64 = words(
    *(0xD2A40000, 0x91100000, 0xD28000C4, 0xD2800005),  # mov x0, #CODE; add #0x400; x4 = 6; x5 = 0
    *(0xC85F7C01, 0x91000421, 0xD503201F, 0xD503201F),  # 1: ldxr x1, [x0]; add; nop; nop
    *(
        0xC8027C01,
        0x8B0200A5,
        0xF1000484,
        0x54FFFF21,
        0xD4200000,
    ),  # stxr w2, x1, [x0]; ...; b.ne; brk
)
AARCH64_PAIRS = words(
    *(0xD2A40000, 0x91100000, 0xD28000C4, 0xD2800005),
    *(0xC87F0C01, 0x91000421, 0xD503201F, 0xD503201F),  # 1: ldxp x1, x3, [x0]
    *(0xC8220C01, 0x8B0200A5, 0xF1000484, 0x54FFFF21, 0xD4200000),  # stxp w2, x1, x3, [x0]
)
GUESTS = {
    "rv64": ("rv64", riscv(3), "s1"),
    "rv32": ("rv32", riscv(2), "s1"),
    "cortex-m3": ("cortex-m3", CORTEX_M, "r5"),
    "aarch64": ("aarch64", AARCH64, "x5"),
    "aarch64-pairs": ("aarch64", AARCH64_PAIRS, "x5"),
}
"""Processor, code, and the register that counts the stores that failed."""


def counted(session: RecordedMachine, failures: str) -> tuple[int, int]:
    """How many additions there were, and how many stores have failed."""
    engine = session.machine.engine
    return int.from_bytes(engine.read(COUNTER, 4), "little"), session.machine.cpu.read_register(
        failures
    )


@pytest.mark.parametrize("guest", GUESTS)
@pytest.mark.parametrize("distance, stepped", [(1 << 62, True), (1, False), (3, True)])
def test_stores_succeed_behind_every_snapshot(
    guest: str, distance: int, stepped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snapshots at so many steps from each other, in a run that is looked at after each, or not."""
    snapshots_every(monkeypatch, distance)
    path = tmp_path / "run.ttd"
    cpu, code, failures = GUESTS[guest]
    session = recorder(cpu, code, path)
    known = {}
    while session.machine.ended is None and session.machine.engine.step < STEPS:
        step = session.machine.engine.step
        known["main", step] = seen(session)
        session.machine.run(step + (1 if stepped else STEPS))
    assert counted(session, failures) == (ROUNDS, 0)
    session.leave("it has counted")
    session.close()
    plain(path, known)
    played = RecordedMachine.open(str(path), SemihostFiles(None))
    end = played.timeline.end
    for step in range(end, 0, -1):
        played.timeline.seek(step)
        assert seen(played).hash == known.get(("main", step), seen(played)).hash
    played.timeline.seek(end)
    assert counted(played, failures) == (ROUNDS, 0)
    played.close()
