"""What a question has found is in the recording, for the next one."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from tests.snapshots import snapshots_every
from ttd.engine.engine import Engine
from ttd.engine.types import Access
from ttd.recorded import RecordedMachine
from ttd.search import Question, Range, Row, What, answer
from ttd.stops import Breakpoint, Stops, Watchpoint, Why
from ttd.symbols import Symbols


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("kept") / "calls.ttd"
    with pytest.MonkeyPatch.context() as patch:
        snapshots_every(patch, 20_000)
        record_to_end(FIRMWARE / "calls" / "calls.elf", path)
    return path.read_bytes()


@pytest.fixture
def path(recorded: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "calls.ttd"
    path.write_bytes(recorded)
    return path


class Scans:
    """Counts them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        collect = Engine.collect

        def counted(engine: Engine, *wanted: object) -> None:
            self.count += wanted[0] is not None
            collect(engine, *wanted)  # type: ignore[arg-type]

        patch.setattr(Engine, "collect", counted)

    def since(self) -> int:
        count, self.count = self.count, 0
        return count


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scans]:
    yield Scans(monkeypatch)


def where(session: RecordedMachine, name: str) -> int:
    return Symbols(load.image for load in session.machine.loads).by_name[name].address


def rows(session: RecordedMachine, **more: int | bool) -> list[Row]:
    rare = where(session, "rare")
    question = Question(What.WRITTEN, (Range(rare, rare + 4),), **more)  # type: ignore[arg-type]
    return list(answer(session.timeline, question))


def test_nothing_is_run_again(path: Path, scans: Scans) -> None:
    session = playing_session(path)
    found = rows(session)
    assert found and scans.since()
    assert rows(session) == found and not scans.since()
    assert rows(session, backward=True) == found[::-1] and not scans.since()
    middle = found[1].step
    assert rows(session, begin=middle, end=middle + 1) == [found[1]] and not scans.since()
    session.close()
    again = playing_session(path)
    assert rows(again) == found and not scans.since()
    again.close()


def test_parts_become_one(path: Path, scans: Scans) -> None:
    session = playing_session(path)
    whole = session.timeline.end
    for begin in range(whole - 15_000, 0, -3_700):
        rows(session, begin=begin, end=begin + 3_700)
    rows(session)
    scans.since()
    found = rows(session)
    assert not scans.since()
    session.close()
    path.unlink()
    record_to_end(FIRMWARE / "calls" / "calls.elf", path)
    session = playing_session(path)
    assert rows(session) == found
    session.close()


def backward(session: RecordedMachine, stops: Stops) -> list[tuple[int, int]]:
    timeline = session.timeline
    timeline.seek(timeline.end)
    found = []
    while (stop := timeline.run_backward(stops)).why in (Why.BREAKPOINT, Why.WATCHPOINT):
        found.append((stop.step, stop.pc))
    return found


def test_going_back(path: Path, scans: Scans) -> None:
    session = playing_session(path)
    stops = Stops(
        (Breakpoint(where(session, "move")), Breakpoint(where(session, "write_rare"))),
        (Watchpoint(where(session, "corner"), 8, Access.READ | Access.WRITE),),
    )
    found = backward(session, stops)
    assert len(found) > 5 and scans.since()
    assert backward(session, stops) == found and not scans.since()
    session.close()
    session = playing_session(path)
    assert backward(session, stops) == found and not scans.since()
    # One of them alone is known, too; others are not.
    one = Stops((Breakpoint(where(session, "move")),))
    assert backward(session, one) == [hit for hit in found if hit[1] == where(session, "move")]
    assert not scans.since()
    assert backward(session, Stops((Breakpoint(where(session, "inner")),))) and scans.since()
    session.close()


def test_damaged_rows_give_the_same_answers(path: Path, scans: Scans) -> None:
    session = playing_session(path)
    found = rows(session)
    session.close()
    dice = random.Random(1)
    with sqlite3.connect(path) as file:
        for key, data in list(file.execute("select rowid, data from known")):
            broken = bytearray(data)
            broken[dice.randrange(len(broken))] ^= 1 + dice.randrange(255)
            file.execute("update known set data = ? where rowid = ?", (bytes(broken), key))
    file.close()
    scans.since()
    session = playing_session(path)
    assert rows(session) == found and scans.since()
    session.close()


def test_the_last_address(path: Path) -> None:
    """A range ends behind it, where no address is."""
    last = (1 << 64) - 1
    stops = Stops((Breakpoint(last),), (Watchpoint(last, 1, Access.WRITE),))
    session = playing_session(path)
    timeline = session.timeline
    assert timeline.find_pc(last).why is Why.HISTORY_END
    timeline.seek(timeline.end)  # what cannot have it need not have been run
    assert timeline.run_backward(stops).why is Why.HISTORY_BEGIN
    session.close()
