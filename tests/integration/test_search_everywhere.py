"""Questions about the past on every processor: random programs with random interrupts, page tables,
DMA, calls of the host and code that changes, each beside a slow reference."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration import soak
from tests.integration.asked import (
    both_ways,
    compare_accesses,
    compare_executed,
    compare_found,
    compare_registers,
)
from tests.integration.cli_tools import elf, ttd
from tests.integration.processors import GUESTS
from tests.unit import unseen_runs
from ttd.cpu.models import CPUS
from ttd.recorded import RecordedMachine
from ttd.search import Range, What

pytestmark = pytest.mark.slow
STEPS = 4_000


@contextmanager
def opened(path: Path) -> Iterator[RecordedMachine]:
    session = soak.player(path)
    try:
        yield session
    finally:
        session.close()


def dice() -> random.Random:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)


def compare_stack(session: RecordedMachine, begin: int, end: int, thrown: random.Random) -> None:
    """Memory around the stack pointer, by the guest's addresses and by the memory's own."""
    session.timeline.seek(begin)
    cpu = session.machine.cpu
    sp = cpu.read_register(cpu.stack) & ~63
    where = Range(sp - 192, sp + 64)
    paged = CPUS[session.machine.board.cpu].paged
    rows = compare_accesses(session, where, begin, end, contents=not paged)
    if not paged:
        physical = compare_accesses(session, where, begin, end, physical=True)
        assert physical == rows
        compare_found(session, where, begin, begin + (end - begin) // 4, thrown)
        return
    place = cpu.translate(sp - 192)
    # (Where a trap was just taken, the stack pointer is still the other privilege's.)
    if place is not None and session.machine.bus.peek(place, 1):
        there = Range(place, min(place + 256, (place | 0xFFF) + 1))
        compare_accesses(session, there, begin, end, physical=True, stops=False)
        compare_found(session, there, begin, begin + (end - begin) // 4, thrown)


@pytest.mark.parametrize("name", soak.TARGETS)
def test_random_programs(tmp_path: Path, name: str) -> None:
    thrown = dice()
    target, image, path = soak.TARGETS[name], tmp_path / "p.elf", tmp_path / "p.ttd"
    image.write_bytes(soak.program(name, thrown))
    with soak.every(thrown.choice((700, 5_000))):
        session, line = soak.recorder(target, image, path)
        if target.devices:
            line.type(thrown.randbytes(300))
        while session.machine.engine.step < 20_000:
            session.machine.run(20_000)
        session.finish("enough", None)
        session.close()
    with opened(path) as session:
        begin = thrown.randrange(session.timeline.end - STEPS)
        compare_executed(session, begin, begin + STEPS, thrown)
        compare_stack(session, begin, begin + STEPS, thrown)
        known = [register.name for register in session.machine.cpu.registers]
        begin = thrown.randrange(session.timeline.end - STEPS)
        names = [session.machine.cpu.stack, *thrown.sample(known, 6)]
        compare_registers(session, begin, begin + STEPS // 4, names)


@pytest.mark.parametrize("name", GUESTS)
def test_processors(tmp_path: Path, name: str) -> None:
    thrown = dice()
    guest = GUESTS[name](tmp_path)
    with opened(guest.path) as session:
        most = session.timeline.end
        for _ in range(2):
            begin = thrown.randrange(max(1, most - STEPS))
            end = min(most, begin + STEPS)
            compare_executed(session, begin, end, thrown)
            compare_stack(session, begin, end, thrown)
        watched = Range(guest.watch, guest.watch + 4)
        rows = both_ways(session, what=What.WRITTEN, ranges=(watched,))
        assert len(rows) >= 3
        about = [rows[0].step, rows[len(rows) // 2].step, rows[-1].step]
        for step in about:
            begin, end = max(0, step - 300), min(most, step + 300)
            compare_accesses(session, watched, begin, end)


@pytest.mark.parametrize("name", unseen_runs.BOARD)
def test_what_no_instruction_does(tmp_path: Path, name: str) -> None:
    with opened(unseen_runs.record(name, tmp_path / "unseen.ttd")) as session:
        end = session.timeline.end
        makers = set[str]()
        for variable, (address, size) in sorted(unseen_runs.variables(name).items()):
            if not variable.startswith("by_"):
                continue
            where = Range(address, address + size)
            rows = both_ways(session, what=What.WRITTEN, ranges=(where,))
            makers |= {row.by for row in rows}
            if not rows:
                continue
            begin = max(0, rows[0].step - 50)
            compare_accesses(session, where, begin, min(end, rows[0].step + 1000))
        assert len(makers) >= 3, makers


def test_code_that_changes(tmp_path: Path) -> None:
    path, thrown = tmp_path / "run.ttd", dice()
    done = ttd("record", "--board", "mps2-an385", "--semihosting", "-o", path, elf("selfmod"))
    assert done.code == 0, done.err
    with opened(path) as session:
        for _ in range(4):
            begin = thrown.randrange(max(1, session.timeline.end - STEPS))
            end = min(session.timeline.end, begin + STEPS)
            compare_executed(session, begin, end, thrown)
            compare_stack(session, begin, end, thrown)
