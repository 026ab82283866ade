"""Questions about the past, each beside a slow reference: the same stretch, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest

from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from ttd.conditions import Watched, reg, u32
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind
from ttd.search import Question, QuestionError, Range, Row, What, answer
from ttd.symbols import Symbols

MOST = 20_000
"""Steps of the reference."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedMachine]:
    path = tmp_path_factory.mktemp("search") / "calls.ttd"
    record_to_end(FIRMWARE / "calls" / "calls.elf", path)
    session = playing_session(path)
    yield session
    session.close()


def both_ways(session: RecordedMachine, **asked: object) -> list[Row]:
    """An answer, the same from its end, and the same one row at a time."""
    timeline = session.timeline
    here = timeline.position
    forward = list(answer(timeline, Question(**asked)))  # type: ignore[arg-type]
    backward = list(answer(timeline, Question(**asked, backward=True)))  # type: ignore[arg-type]
    assert backward == forward[::-1]
    last = list(answer(timeline, Question(**asked, backward=True, limit=1)))  # type: ignore[arg-type]
    assert last == forward[-1:]
    assert timeline.position == here
    return forward


def positions(session: RecordedMachine, end: int) -> Iterator[int]:
    session.timeline.reset()
    while session.timeline.position < end:
        yield session.timeline.position
        session.timeline.step_forward()


def end_of(session: RecordedMachine) -> int:
    return min(session.timeline.end, MOST)


def variable(session: RecordedMachine, name: str) -> Range:
    symbols = Symbols(load.image for load in session.machine.loads)
    found = symbols.by_name[name]
    return Range(found.address, found.address + found.size)


def test_executed(session: RecordedMachine) -> None:
    end = end_of(session)
    pcs = [(step, session.machine.engine.pc) for step in positions(session, end)]
    middle = sorted({pc for _, pc in pcs})
    ranges = [Range(middle[0], middle[len(middle) // 2]), Range(middle[-1], middle[-1] + 2)]
    for chosen in ([ranges[0]], ranges):
        found = both_ways(session, what=What.EXECUTED, ranges=tuple(chosen), end=end)
        entered = {e.step for _, e in session.replay.log.select((Kind.INTERRUPT, Kind.EXCEPTION))}
        wanted = [p for p in pcs if any(r.begin <= p[1] < r.end for r in chosen)]
        told = [(row.step, row.pc) for row in found]
        assert [p for p in told if p[0] not in entered] == [
            p for p in wanted if p[0] not in entered
        ]


def test_written(session: RecordedMachine) -> None:
    """Rows put one after the other onto what was there at first are what is there in each step."""
    end = session.timeline.end if session.timeline.end < MOST else MOST
    where = variable(session, "rare")
    size = where.end - where.begin
    contents: Sequence[bytes] = [
        session.timeline.read_memory(where.begin, size) for _ in positions(session, end)
    ]
    found = both_ways(session, what=What.WRITTEN, ranges=(where,), end=end)
    now, rows = bytearray(contents[0]), iter(found)
    row = next(rows, None)
    for step, there in enumerate(contents):
        assert bytes(now) == there, step
        while row is not None and row.step == step:
            assert row.old is not None and row.new is not None
            for i in range(row.size):
                at = row.address + i - where.begin
                if 0 <= at < size:
                    assert now[at] == row.old >> 8 * i & 0xFF
                    now[at] = row.new >> 8 * i & 0xFF
            row = next(rows, None)
    assert row is None


def test_register_and_values(session: RecordedMachine) -> None:
    end = min(session.timeline.end, 3000)
    where = variable(session, "rare").begin

    def now() -> tuple[int, int]:
        data = session.timeline.read_memory(where, 4)
        return session.machine.cpu.read_register("r0"), int.from_bytes(data, "little")

    seen = [now() for _ in positions(session, end)]
    for at, asked in enumerate(
        ({"what": What.REGISTER, "name": "r0"}, {"what": What.VALUES, "expression": u32[where]})
    ):
        wanted = [(i, a[at], b[at]) for i, (a, b) in enumerate(pairwise(seen)) if a[at] != b[at]]
        found = both_ways(session, **asked, end=end - 1)
        assert [(row.step, row.old, row.new) for row in found] == wanted


def test_conditions(session: RecordedMachine) -> None:
    where = variable(session, "rare")
    rows = both_ways(session, what=What.WRITTEN, ranges=(where,))
    changes = both_ways(
        session, what=What.WRITTEN, ranges=(where,), condition=Watched("old") != Watched("new")
    )
    assert changes == [row for row in rows if row.old != row.new] and changes
    held = both_ways(session, what=What.WRITTEN, ranges=(where,), condition=reg("r3") >= 0)
    assert held == rows


def test_entered(session: RecordedMachine) -> None:
    events = session.replay.log.select((Kind.INTERRUPT, Kind.EXCEPTION))
    steps = [event.step for _, event in events]
    assert [row.step for row in both_ways(session, what=What.ENTERED)] == steps


def test_what_says_nothing() -> None:
    for asked in ({"what": What.READ}, {"what": What.REGISTER}, {"what": What.VALUES}):
        with pytest.raises(QuestionError):
            Question(**asked).check()
    with pytest.raises(QuestionError):
        Question(What.READ, (Range(4, 4),)).check()
