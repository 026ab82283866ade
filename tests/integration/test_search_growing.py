"""Questions about a recording that is still being made, about other branches than the one on which
the machine is, and with very many answers."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.integration import soak
from tests.integration.asked import positions
from tests.integration.inside import FIRMWARE, playing_session, recording_session
from ttd.engine.types import Access
from ttd.history.place import Place
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind
from ttd.search import Question, Range, Row, What, answer
from ttd.search.scan import MOST
from ttd.stops import Stops, Watchpoint, Why
from ttd.workers.workers import Workers, processes

pytestmark = pytest.mark.slow
LONG = 600_000
NAMES = ("io-m3", "pages-rv64")


def dice() -> random.Random:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)


def begun(name: str, path: Path, thrown: random.Random) -> RecordedMachine:
    """A machine that records a random program."""
    image = path.with_suffix(".elf")
    image.write_bytes(soak.program(name, thrown))
    session, line = soak.recorder(soak.TARGETS[name], image, path)
    line.type(thrown.randbytes(200))
    session.machine.run(5_000)
    return session


def questions(session: RecordedMachine) -> list[Question]:
    """About code and memory that is in use where the machine is."""
    cpu, pc = session.machine.cpu, session.machine.engine.pc
    sp = cpu.read_register(cpu.stack) & ~63
    stack, code = Range(sp - 128, sp + 64), Range(pc & ~63, (pc & ~63) + 64)
    asked = [
        Question(What.WRITTEN, (stack,)),
        Question(What.ACCESSED, (stack,)),
        Question(What.EXECUTED, (code,)),
        Question(What.ENTERED),
    ]
    place = cpu.translate(sp - 128)
    if place is not None:
        asked.append(Question(What.WRITTEN, (Range(place, place + 64),), physical=True))
    return asked


def rows(session: RecordedMachine, question: Question) -> list[Row]:
    """The same in both directions; the machine stays where it is."""
    timeline = session.timeline
    here, digest = timeline.place, session.snapshots.state_hash(session.snapshots.capture())
    found = list(answer(timeline, question))
    assert list(answer(timeline, replace(question, backward=True))) == found[::-1]
    assert timeline.place == here
    assert session.snapshots.state_hash(session.snapshots.capture()) == digest
    return found


def stopped(session: RecordedMachine, question: Question, start: int) -> list[int]:
    """The steps of writes, one `reverse-continue` after the other."""
    timeline, (where,) = session.timeline, question.ranges
    watch = Watchpoint(where.begin, where.end - where.begin, Access.WRITE)
    timeline.seek(start)
    found = list[int]()
    while (stop := timeline.run_backward(Stops(watchpoints=(watch,)))).why is Why.WATCHPOINT:
        found.append(stop.step)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_that_grows(tmp_path: Path, name: str) -> None:
    thrown, path = dice(), tmp_path / "p.ttd"
    told = list[tuple[Question, int, list[Row]]]()
    with soak.every(1_500):
        session = begun(name, path, thrown)
        timeline = session.timeline
        for _ in range(4):
            asked = questions(session)
            for question in asked:
                assert timeline.live and timeline.position == timeline.end
                told.append((question, timeline.end, rows(session, question)))
            # From the past, too; then the recording goes on.
            end = timeline.end
            timeline.seek(thrown.randrange(end))
            for question in asked:
                told.append((question, end, rows(session, question)))
            steps = stopped(session, asked[0], end)
            assert steps == sorted({row.step for row in told[-len(asked)][2]}, reverse=True)
            timeline.seek(end)
            session.machine.run(end + thrown.randrange(1000, 4000))
        session.finish("enough", None)
        session.close()
    session = soak.player(path)
    session.snapshots.index.known = lambda *asked: None  # type: ignore[method-assign]
    for question, end, found in told:
        assert rows(session, replace(question, end=end)) == found, (question, end)
    assert any(found for *_, found in told)
    session.close()


@pytest.mark.parametrize("name", NAMES)
def test_other_branches(tmp_path: Path, name: str) -> None:
    """Asked from another branch and from its own, and step by step."""
    thrown, path = dice(), tmp_path / "p.ttd"
    with soak.every(1_500):
        session = begun(name, path, thrown)
        session.machine.run(10_000)
        session.finish("enough", None)
        session.close()
    session = soak.player(path)
    timeline, cpu = session.timeline, session.machine.cpu
    timeline.seek(thrown.randrange(3_000, 8_000))
    general = [r.name for r in cpu.registers if r.name in ("r4", "r5", "s1", "s2", "a0")]
    timeline.probe.write_register(general[0], thrown.randrange(1 << 31))
    timeline.trials.keep()
    branch, fork = timeline.place.branch, timeline.position
    timeline.run_forward(Stops(), fork + 3_000)
    ends = {0: 0, branch: timeline.end}
    asked = questions(session)
    own = {branch: [rows(session, replace(each, branch=branch)) for each in asked]}
    stepped = list[tuple[int, int]]()
    code = asked[2].ranges[0]
    begin = max(0, fork - 200)
    for step in positions(session, begin, min(ends[branch], fork + 1500)):
        stepped.append((step, session.machine.engine.pc))
    entered = {row.step for row in own[branch][3]}
    seen = [s for s, pc in stepped if code.begin <= pc < code.end and s not in entered]
    executed = [row.step for row in own[branch][2] if begin <= row.step < begin + len(stepped)]
    assert executed == seen
    elsewhere = [rows(session, replace(each, branch=0)) for each in asked]
    timeline.go_to(Place(0, fork))
    own[0] = [rows(session, each) for each in asked]
    assert elsewhere == own[0]
    assert [rows(session, replace(each, branch=branch)) for each in asked] == own[branch]
    for one, other in zip(own[0], own[branch], strict=True):
        assert [r for r in one if r.step < fork] == [r for r in other if r.step < fork]
    session.leave("enough")
    session.close()
    again = soak.player(path)
    number = next(known.id for known in again.branches.all if known.id)
    with closing(Workers(again, partial(processes, 1), 2)) as workers:
        assert workers.can(number)
        for pool in (None, workers):
            again.timeline.pool = pool
            for question, found in zip(asked, own[branch], strict=True):
                asking = replace(question, branch=number, end=ends[branch])
                assert rows(again, asking) == found
    again.close()


def test_an_interval_with_more_rows_than_one_scan_gives(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    session = recording_session(FIRMWARE / "bench" / "bench-systick.elf", path)
    ended = session.run(LONG, lambda step: None)
    session.finish(ended.reason, ended.code)
    session.close()
    session = playing_session(path)
    kinds = (Kind.INTERRUPT, Kind.EXCEPTION)
    entered = {event.step for _, event in session.replay.log.select(kinds)}
    expected = [step for step in range(LONG) if step not in entered]
    assert len(expected) > 2 * MOST and len(session.recording.snapshots) < 4
    everything = Question(What.EXECUTED, (Range(0, 1 << 32),))
    found = [row.step for row in answer(session.timeline, everything)]
    assert found == expected
    back = [row.step for row in answer(session.timeline, replace(everything, backward=True))]
    assert back == expected[::-1]
    middle = replace(everything, begin=LONG // 3, limit=3)
    assert [row.step for row in answer(session.timeline, middle)] == [
        step for step in expected if step >= LONG // 3
    ][:3]
    session.close()
