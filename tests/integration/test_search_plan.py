"""What the plan of a question leaves out has no answers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration import soak
from tests.integration.processors import GUESTS
from tests.unit import unseen_runs
from ttd.recorded import RecordedMachine
from ttd.search import Question, Range, Row, What, answer

pytestmark = pytest.mark.slow
FIRST = 60_000
"""Steps that are asked about: what the last interval has touched nobody knows."""


def rows(
    session: RecordedMachine,
    where: Range,
    what: What,
    patch: pytest.MonkeyPatch,
    *,
    plan: bool,
    end: int = FIRST,
) -> list[Row]:
    """All of them; nothing is known of any but by the plan."""
    with patch.context() as inner:
        inner.setattr("ttd.search.scan.recall", lambda *asked: None)
        if not plan:
            inner.setattr("ttd.search.plan.may_contain", lambda *asked: True)
        question = Question(what, (where,), physical=True, end=min(session.timeline.end, end))
        return list(answer(session.timeline, question))


def compare(session: RecordedMachine, patch: pytest.MonkeyPatch, thrown: random.Random) -> None:
    """Of memory that is used, and of some that is not."""
    engine, cpu = session.machine.engine, session.machine.cpu
    session.timeline.seek(thrown.randrange(min(session.timeline.end, FIRST)))
    places = [engine.pc, cpu.read_register(cpu.stack) - 64]
    found = [place & ~63 for each in places if (place := cpu.translate(each)) is not None]
    for base, size in engine.regions():
        found += [base + thrown.randrange(size) & ~7 for _ in range(2)]
    session.timeline.reset()
    for place in found:
        where = Range(place, place + thrown.choice((1, 8, 1000)))
        for what in (What.WRITTEN, What.ACCESSED):
            planned = rows(session, where, what, patch, plan=True)
            assert planned == rows(session, where, what, patch, plan=False), where


@pytest.mark.parametrize("name", GUESTS)
def test_physical_addresses(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    session = soak.player(GUESTS[name](tmp_path).path)
    compare(session, monkeypatch, random.Random(seed))
    session.close()


@pytest.mark.parametrize("name", soak.TARGETS)
def test_random_programs(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With page tables that change, and devices that access memory."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    thrown = random.Random(seed)
    target, image, path = soak.TARGETS[name], tmp_path / "p.elf", tmp_path / "p.ttd"
    image.write_bytes(soak.program(name, thrown))
    with soak.every(1_500):
        session, line = soak.recorder(target, image, path)
        if target.devices:
            line.type(thrown.randbytes(300))
        session.machine.run(20_000)
        session.finish("enough", None)
        session.close()
    session = soak.player(path)
    compare(session, monkeypatch, thrown)
    session.close()


@pytest.mark.parametrize("name", unseen_runs.BOARD)
def test_what_no_instruction_does(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = soak.player(unseen_runs.record(name, tmp_path / "unseen.ttd"))
    session.timeline.reset()
    translate = session.machine.cpu.translate
    for address, size in unseen_runs.variables(name).values():
        place = translate(address)
        where = Range(place or address, (place or address) + size)
        planned = rows(session, where, What.WRITTEN, monkeypatch, plan=True)
        assert planned == rows(session, where, What.WRITTEN, monkeypatch, plan=False)
    session.close()


def test_intervals_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By physical addresses, too, with page tables."""
    thrown = random.Random(1)
    name = "rv64"
    image, path = tmp_path / "p.elf", tmp_path / "p.ttd"
    image.write_bytes(soak.program(name, thrown))
    with soak.every(1_500):
        session, _ = soak.recorder(soak.TARGETS[name], image, path)
        session.machine.run(20_000)
        session.finish("enough", None)
        session.close()
    session = soak.player(path)
    base, size = session.machine.engine.regions()[-1]
    where = Range(base + size - 4096, base + size)
    monkeypatch.setattr("ttd.search.scan._collect", pytest.fail)
    known = max(session.recording.snapshots.steps)
    assert rows(session, where, What.WRITTEN, monkeypatch, plan=True, end=known) == []
    session.close()
