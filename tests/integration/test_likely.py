"""What is noted on the way, of what is likely to be asked, is what a search finds."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.integration import soak
from tests.integration.cli_tools import FIRMWARE, ttd
from tests.integration.inside import playing_session, record_to_end
from tests.integration.test_index import recorded
from tests.snapshots import snapshots_every
from ttd.indexing import keep, learn, missing
from ttd.recorded import RecordedMachine
from ttd.search import Question, Range, What, answer
from ttd.search.interval import Interval
from ttd.search.kept import recall
from ttd.search.likely import Likely
from ttd.symbols import Named, Symbols

pytestmark = pytest.mark.slow
"""`make check` does without."""

ANYWHERE = (Range(0, (1 << 64) - 1),)


def symbols(code: list[int], data: list[tuple[int, int]]) -> Symbols:
    """Names for places."""
    found = Symbols([])
    named = [(address, 0, True) for address in code]
    named += [(address, size, False) for address, size in data]
    found.by_name = {f"n{n}": Named(f"n{n}", *each) for n, each in enumerate(named)}
    return found


def compare(session: RecordedMachine, fresh: RecordedMachine, likely: Likely) -> dict[What, int]:
    """Each answer that is known is what a search finds in a recording without an index; how many
    rows those have."""
    count = {What.EXECUTED: 0, What.WRITTEN: 0}
    snapshots = session.snapshots
    for number in range(len(session.recording.snapshots)):
        low, high = snapshots.index.span(number)
        for question in likely.questions(snapshots, low):
            known = recall(snapshots, Interval(low, high), question)
            asked = Question(question.what, question.ranges, begin=low, end=high)
            if known is not None:
                assert known == list(answer(fresh.timeline, asked)), (number, question)
                count[question.what] += len(known)
    return count


@pytest.mark.parametrize("name", ["m3", "io-m3", "pages-rv64", "selfmod", "m0", "rv64", "rv32"])
def test_random_places(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded(name, tmp_path)
    fresh = soak.player(Path(shutil.copy(path, tmp_path / "fresh.ttd")))
    dice = random.Random(path.stat().st_size)
    ran = {row.address for row in answer(fresh.timeline, Question(What.EXECUTED, ANYWHERE))}
    wrote = {row.address for row in answer(fresh.timeline, Question(What.WRITTEN, ANYWHERE))}
    code = dice.sample(sorted(ran), min(20, len(ran)))
    data = dice.sample(sorted(wrote), min(20, len(wrote)))
    named = symbols(code, [(address, dice.choice((1, 2, 4, 8))) for address in data])
    monkeypatch.setattr("ttd.indexing.Symbols", lambda images: named)
    session = soak.player(path)
    for found in learn(session, missing(session)):
        keep(session.snapshots.index, found)
    assert all(compare(session, fresh, Likely(named)).values())
    fresh.close()
    session.close()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    snapshots_every(monkeypatch, 10_000)
    record_to_end(FIRMWARE / "calls" / "calls.elf", tmp_path / "run.ttd")
    return tmp_path / "run.ttd"


def test_a_program(path: Path, tmp_path: Path) -> None:
    """Answers to questions about its names, in one session and as commands; what happens often is
    not kept."""
    fresh = Path(shutil.copy(path, tmp_path / "fresh.ttd"))
    asked = ("last rare", "writes rare", "writes counter", "calls write_rare", "calls inner")
    before = [ttd("ask", fresh, *words.split()) for words in asked]
    assert ttd("index", path).code == 0
    session = playing_session(path)
    likely = Likely(Symbols(load.image for load in session.machine.loads))
    assert all(compare(session, playing_session(fresh), likely).values())
    spans = map(session.snapshots.index.span, range(len(session.recording.snapshots)))
    often = likely.functions["fib"]
    assert None in [recall(session.snapshots, Interval(*span), often) for span in spans]
    session.close()
    assert [ttd("ask", path, *words.split()) for words in asked] == before
    for sql in ("UPDATE known SET data = zeroblob(length(data))", "DELETE FROM known"):
        with sqlite3.connect(path) as db:
            db.execute(sql)
        assert [ttd("ask", path, *words.split()) for words in asked] == before


def test_more_than_there_is_room_for(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks, as where a guest ends in a handler that is an endless loop."""
    fresh = Path(shutil.copy(path, tmp_path / "fresh.ttd"))
    monkeypatch.setattr("ttd.search.likely._RING", 800)
    session = playing_session(path)
    likely = Likely(Symbols(load.image for load in session.machine.loads))
    full = 0
    for found in learn(session, missing(session)):
        full += not found.answers
        keep(session.snapshots.index, found)
    assert full
    assert not missing(session)
    assert any(compare(session, playing_session(fresh), likely).values())
