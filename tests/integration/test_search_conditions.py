"""Stops with conditions: searched in both directions, beside the same stretch step by step."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration import one_cluster
from tests.integration.asked import positions
from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from tests.snapshots import snapshots_every
from ttd.conditions import Expression, When, new, old, reg, u32
from ttd.engine.types import Access
from ttd.recorded import RecordedMachine
from ttd.rsp.coded import AgentCondition
from ttd.search import Question, Range, What
from ttd.search.interval import Interval
from ttd.stops import Breakpoint, Condition, Stop, Stops, Watchpoint, Why
from ttd.symbols import Symbols
from ttd.workers.workers import Workers, processes

pytestmark = pytest.mark.slow
"""`make check` does without."""

MOST = 8_000
"""Steps of the reference."""
HITS = (Why.BREAKPOINT, Why.WATCHPOINT)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("conditions") / "calls.ttd"
    with pytest.MonkeyPatch.context() as patch:
        snapshots_every(patch, 500)
        record_to_end(FIRMWARE / "calls" / "calls.elf", path)
    return path.read_bytes()


@pytest.fixture
def path(recorded: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "calls.ttd"
    path.write_bytes(recorded)
    return path


@pytest.fixture
def session(path: Path) -> Iterator[RecordedMachine]:
    session = playing_session(path)
    yield session
    session.close()


class Case:
    """Stops with conditions, and where they hold, from single steps."""

    def __init__(self, session: RecordedMachine) -> None:
        names = Symbols(load.image for load in session.machine.loads).by_name
        self.inner, self.counter = names["inner"].address, names["counter"].address
        self.read = session.timeline.probe.read_memory
        self.cpu = session.timeline.cpu
        self.end = min(session.timeline.end, MOST)
        self.seen = [self._now() for _ in positions(session, 0, self.end + 1)]

    def _now(self) -> tuple[int, int, int]:
        counter = int.from_bytes(self.read(self.counter, 4), "little")
        return self.cpu.read_register("pc"), self.cpu.read_register("r0"), counter

    def at_inner(self, holds: Callable[[int, int], bool]) -> list[int]:
        """Steps at which `holds` of r0 and the counter."""
        return [
            step
            for step, (pc, r0, counter) in enumerate(self.seen[: self.end])
            if pc == self.inner and holds(r0, counter)
        ]

    def written(self, holds: Callable[[int, int], bool]) -> list[int]:
        """Steps that change the counter, where `holds` of its values before and after."""
        counters = [counter for _, _, counter in self.seen]
        return [
            step
            for step, (before, after) in enumerate(pairwise(counters))
            if before != after and holds(before, after)
        ]

    def breaks(self, *conditions: Condition | None) -> Stops:
        return Stops(tuple(Breakpoint(self.inner, each) for each in conditions))

    def watches(self, condition: Expression) -> Stops:
        watch = Watchpoint(self.counter, 4, Access.WRITE, When(condition), changes_only=True)
        return Stops(watchpoints=(watch,))

    def all(self) -> Iterator[tuple[Stops, list[int]]]:
        third = When(reg("r0") % 3 == 1)
        yield self.breaks(third), self.at_inner(lambda r0, _: r0 % 3 == 1)
        late = When((reg("r0") % 5 == 1) & (u32[self.counter] > 20))
        yield self.breaks(late), self.at_inner(lambda r0, n: r0 % 5 == 1 and n > 20)
        both = self.at_inner(lambda r0, n: r0 % 3 == 1 or (r0 % 5 == 1 and n > 20))
        yield self.breaks(third, late), both
        yield self.breaks(third, None), self.at_inner(lambda r0, n: True)
        # reg 0; const8 4; equal; end
        agent = AgentCondition((bytes.fromhex("260000220413 27"),), "little", ((0, "r0"),))
        yield self.breaks(agent), self.at_inner(lambda r0, _: r0 == 4)
        yield self.breaks(When(reg("r0") == -1)), []
        yield self.watches(new % 7 == 3), self.written(lambda _, n: n % 7 == 3)
        yield self.watches(old == 5), self.written(lambda n, _: n == 5)


def hits(session: RecordedMachine, stops: Stops, end: int) -> list[int]:
    """Steps, looked for forward; backward they are the same."""
    timeline = session.timeline
    found = list[int]()
    timeline.seek(0)
    stop = timeline.run_forward(stops, end, here=True)
    while stop.why in HITS:
        found.append(stop.step)
        stop = timeline.run_forward(stops, end)
    assert backward(session, stops, end) == found[::-1]
    return found


def backward(session: RecordedMachine, stops: Stops, start: int) -> list[int]:
    timeline = session.timeline
    timeline.seek(start)
    found = list[Stop]()
    while (stop := timeline.run_backward(stops)).why in HITS:
        assert timeline.position == stop.step
        assert stop.breakpoint in stops.breakpoints or stop.watchpoint in stops.watchpoints
        found.append(stop)
    assert stop.why is Why.HISTORY_BEGIN
    return [stop.step for stop in found]


@pytest.mark.parametrize("far", [0, 1 << 20])
def test_as_single_steps_say(
    session: RecordedMachine, monkeypatch: pytest.MonkeyPatch, far: int
) -> None:
    monkeypatch.setattr("ttd.timeline.FAR", far)
    case = Case(session)
    expected = list(case.all())
    assert sum(bool(steps) for _, steps in expected) > 5
    for stops, steps in expected:
        assert hits(session, stops, case.end) == steps, stops
    # All of it is known by now: of what stops do, nothing depends on that.
    for stops, steps in expected:
        assert hits(session, stops, case.end) == steps, stops


def test_a_part_with_more_hits_than_are_noted(
    session: RecordedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ttd.search.stops.MAX_ROWS", 10)
    case = Case(session)
    for stops, steps in case.all():
        assert backward(session, stops, case.end) == steps[::-1], stops


def test_rows_that_are_damaged_or_missing(path: Path) -> None:
    session = playing_session(path)
    case = Case(session)
    expected = list(case.all())
    for stops, steps in expected:
        assert backward(session, stops, case.end) == steps[::-1]
    session.close()
    dice = random.Random(1)
    with sqlite3.connect(path) as file:
        for key, data in list(file.execute("select rowid, data from known")):
            broken = bytearray(data)
            broken[dice.randrange(len(broken))] ^= 1 + dice.randrange(255)
            file.execute("update known set data = ? where rowid = ?", (bytes(broken), key))
        file.execute("delete from known where rowid % 3 = 0")
    session = playing_session(path)
    for stops, steps in expected:
        assert hits(session, stops, case.end) == steps
    session.close()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda session: Workers(session, partial(processes, 1), 1), id="one"),
        pytest.param(lambda session: Workers(session, partial(processes, 2), 4, 1), id="two"),
        pytest.param(
            lambda session: Workers.of(session, "tests.integration.one_cluster:dask", 4), id="dask"
        ),
    ],
)
def test_others_help(session: RecordedMachine, make: Callable[[RecordedMachine], Workers]) -> None:
    case = Case(session)
    with closing(make(session)) as workers:
        asked = list[int]()
        scan = workers.scan
        workers.scan = lambda *job: asked.append(job[0]) or scan(*job)  # type: ignore
        session.timeline.pool = workers
        for stops, steps in case.all():
            assert backward(session, stops, case.end) == steps[::-1], stops
        assert len(asked) > 4
    one_cluster.close()


def test_others_that_fail_are_not_needed(session: RecordedMachine) -> None:
    case = Case(session)
    with closing(Workers(session, partial(processes, 1), 1)) as workers:
        everything = Question(What.EXECUTED, (Range(0, 1 << 20),))
        workers.scan(0, Interval(0, 10), everything).cancel()
        workers.close()  # it takes no questions any more
        session.timeline.pool = workers
        for stops, steps in case.all():
            assert backward(session, stops, case.end) == steps[::-1], stops


def test_a_short_way_asks_nobody(session: RecordedMachine) -> None:
    case = Case(session)
    with closing(Workers(session, pytest.fail, 2, 6)) as workers:
        session.timeline.pool = workers
        session.timeline.seek(case.end)
        assert session.timeline.run_backward(case.breaks(None)).why is Why.BREAKPOINT
