"""Questions about the past, each beside a slow reference: the same stretch, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from tests.integration.asked import both_ways, compare_accesses, compare_executed, positions
from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from ttd.conditions import Watched, reg, u32
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind
from ttd.search import Question, QuestionError, Range, Row, What
from ttd.search.interval import Interval
from ttd.search.scan import scan
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


def end_of(session: RecordedMachine) -> int:
    return min(session.timeline.end, MOST)


def variable(session: RecordedMachine, name: str) -> Range:
    symbols = Symbols(load.image for load in session.machine.loads)
    found = symbols.by_name[name]
    return Range(found.address, found.address + found.size)


def test_executed(session: RecordedMachine) -> None:
    dice = Random(1)
    for begin in (0, end_of(session) - 4000):
        compare_executed(session, begin, begin + 4000, dice)


def test_accesses(session: RecordedMachine) -> None:
    rows = compare_accesses(session, variable(session, "rare"), 0, 2000)
    assert compare_accesses(session, variable(session, "rare"), 0, 2000, physical=True) == rows


def test_register_and_values(session: RecordedMachine) -> None:
    end = min(session.timeline.end, 3000)
    where = variable(session, "rare").begin

    def now() -> tuple[int, int]:
        data = session.timeline.probe.read_memory(where, 4)
        return session.machine.cpu.read_register("r0"), int.from_bytes(data, "little")

    seen = [now() for _ in positions(session, 0, end)]
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


def test_not_many_more_rows_than_are_asked_for(
    session: RecordedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward, where all of what happens often would be too many."""
    monkeypatch.setattr("ttd.search.scan.MOST_KEPT", 100)
    monkeypatch.setattr("ttd.search.scan.recall", lambda *asked: None)
    end, everything = 3000, (Range(0, 1 << 32),)
    for what, ranges in ((What.EXECUTED, everything), (What.ACCESSED, everything)):
        whole = Question(what, ranges, end=end)
        some = Question(what, ranges, end=end, limit=120)
        with session.timeline.staying():
            rows = scan(session.machine, session.snapshots, Interval(0, end), whole).rows
            left, found = Interval(0, end), list[Row]()
            while left.low < left.high:
                part = scan(session.machine, session.snapshots, left, some)
                assert part.low == left.low < part.high
                assert len(part.rows) < 200
                found += part.rows
                left = part.rest(left, backward=False)
        assert len(rows) > 1000
        assert found == rows
