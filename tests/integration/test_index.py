"""What is known of intervals, beside single steps through them."""

from __future__ import annotations

import errno
import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration import soak
from tests.integration.cli_tools import FIRMWARE, ttd
from tests.integration.conftest import Gdb, Server, symbols
from tests.integration.inside import playing_session, record_to_end
from tests.snapshots import snapshots_every
from ttd.cli.indexing import idle_index
from ttd.engine import Access
from ttd.engine.types import TIMELESS
from ttd.host.semihost_files import SemihostFiles
from ttd.index import Ranges, Ticks
from ttd.indexing import learn, missing
from ttd.recorded import RecordedMachine
from ttd.recording.blob import shrink
from ttd.recording.claim import Claim
from ttd.recording.events import Kind
from ttd.recording.recording import Recording
from ttd.search import Question, What, answer
from ttd.search import Range as SearchRange
from ttd.stops import Breakpoint, Stops, Watchpoint, Why

pytestmark = pytest.mark.slow
"""`make check` does without."""

STEPS = 2000
ANYWHERE = (SearchRange(0, (1 << 64) - 1),)
APART = 450


def record(name: str, seed: int, folder: Path) -> Path:
    """A random program of a target."""
    dice = random.Random(seed)
    image, path = folder / f"{name}.elf", folder / f"{name}.ttd"
    image.write_bytes(soak.program(name, dice))
    with soak.every(APART):
        session, line = soak.recorder(soak.TARGETS[name], image, path)
        if soak.TARGETS[name].devices:  # others may do anything with characters, and lock up
            line.type(dice.randbytes(40))
        while session.machine.engine.step < STEPS:
            session.machine.run(STEPS)
            assert session.machine.ended is None, session.machine.ended
        session.finish("enough", None)
        session.close()
    return path


def size_of(name: str, half: bytes) -> int:
    """Bytes of the instruction that begins so."""
    first = int.from_bytes(half, "little")
    return 4 if (first & 3 == 3 if "rv" in name else first >> 11 >= 0x1D) else 2


def recorded(name: str, folder: Path, apart: int = APART) -> Path:
    """A random program of a target, or one that changes its code."""
    if name == "selfmod":
        with soak.every(apart):
            record_to_end(FIRMWARE / "selfmod" / "selfmod.elf", folder / "run.ttd")
        return folder / "run.ttd"
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return record(name, seed, folder)


@pytest.mark.parametrize(
    "name", ["m3", "io-m3", "pages-rv64", "selfmod", "m0", "rv64", "rv32", "pages-rv32"]
)
def test_executed_code(tmp_path: Path, name: str) -> None:
    session = soak.player(recorded(name, tmp_path))
    machine, index = session.machine, session.snapshots.index
    rows = session.replay.log.select([Kind.INTERRUPT, Kind.EXCEPTION])
    entered = {event.step for _, event in rows}
    reached: dict[int, list[tuple[int, int]]] = {}
    certain: dict[int, set[int]] = {}
    moments: dict[int, dict[int, list[int]]] = {}
    numbers = range(index.number_at(min(session.timeline.end, STEPS)))
    while (step := machine.engine.step) < index.span(numbers[-1])[1]:
        number, pc = index.number_at(step), machine.engine.pc
        if half := machine.read_memory(pc, 2):
            reached.setdefault(number, []).append((pc, pc + size_of(name, half)))
        if step not in entered:
            certain.setdefault(number, set()).add(pc)
            moments.setdefault(number, {}).setdefault(pc, []).append(step)
        machine.run(step + 1)
    assert len(numbers) > 2
    for number in numbers:
        executed = index.executed(number)
        assert executed is not None
        assert all(executed.meets(pc, pc + 1) for pc in certain[number])
        most = Ranges.of(reached[number])
        ranges = executed.ranges
        more = [(hex(a), hex(b)) for a, b in ranges if Ranges.of([*most, (a, b)]) != most]
        assert not more, (number, [(hex(a), hex(b)) for a, b in most])
        assert not index.may_execute(number, most.ends[-1], most.ends[-1] + 2)
        assert executed.shift < TIMELESS
        begin, end = index.span(number)
        for pc, steps in moments[number].items():
            # In the last tick it ran, and in one before it may have.
            last = executed.latest(pc, pc + 1, begin, end)
            assert last is not None
            assert last[0] <= steps[-1] < last[1]
            for at in (steps[0], steps[len(steps) // 2]):
                found = executed.latest(pc, pc + 1, begin, at + 1)
                assert found is not None
                assert at < found[1]
            assert executed.latest(pc, pc + 1, last[1], end) is None
            first = steps[0] >> executed.shift << executed.shift
            assert executed.latest(pc, pc + 1, begin, first) is None
    session.close()


@pytest.mark.parametrize("name", ["m3", "io-m3", "rv64", "pages-rv64", "selfmod"])
def test_replayed_it_is_the_same_code(tmp_path: Path, name: str) -> None:
    path = recorded(name, tmp_path)
    number = len(rows(path))
    assert number > 2
    session = soak.player(path)
    index = session.snapshots.index
    for found in learn(session, range(number)):
        executed, noted = found.executed, index.executed(found.number)
        assert executed is not None
        assert noted is not None
        assert executed.shift <= noted.shift  # the recorder does not know how long one will be
        assert executed.coarser(noted.shift) == noted
    session.close()


@pytest.mark.parametrize(
    "name", ["m3", "io-m3", "pages-rv64", "selfmod", "m0", "rv64", "rv32", "pages-rv32"]
)
def test_written_words(tmp_path: Path, name: str) -> None:
    """Beside all bytes that are stored, and those that single steps find changed."""
    path = recorded(name, tmp_path)
    assert ttd("index", path, "--jobs", "1").code == 0
    session = soak.player(path)
    machine, index, engine = session.machine, session.snapshots.index, session.machine.engine
    everywhere = tuple(SearchRange(base, base + size) for base, size in engine.regions())

    def word_of(address: int) -> int:
        page = engine.find_page(address)
        assert page is not None
        return (page * engine.page_size + address % engine.page_size) // 4

    assert index.written(len(session.recording.snapshots) - 1) is not None
    numbers = range(index.number_at(min(session.timeline.end, STEPS)))
    for number in numbers:
        low, high = index.span(number)
        asked = Question(What.WRITTEN, everywhere, begin=low, end=high, physical=True)
        at = {row.address + n for row in answer(session.timeline, asked) for n in range(row.size)}
        written = index.written(number)
        assert written is not None
        noted = {word for begin, end in written for word in range(begin, end)}
        assert {word_of(address) for address in at} == noted
        for row in answer(session.timeline, replace(asked, ranges=ANYWHERE, physical=False)):
            assert session.snapshots.touched.may_touch(low, Access.WRITE, row.address, row.size)
        session.timeline.seek(low)
        pages = sorted({address - address % engine.page_size for address in at})
        before = [engine.read(page, engine.page_size) for page in pages]
        while engine.step < high:
            machine.run(engine.step + 1)
            now = [engine.read(page, engine.page_size) for page in pages]
            for page, old, new in zip(pages, before, now, strict=True):
                if old != new:
                    changed = (n for n in range(engine.page_size) if old[n] != new[n])
                    assert {word_of(page + n) for n in changed} <= noted
            before = now
    session.close()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run.ttd"
    snapshots_every(monkeypatch, 5_000)
    record_to_end(FIRMWARE / "calls" / "calls.elf", path)
    return path


def stops(path: Path) -> list[tuple[int, Why]]:
    """Where a search backward ends, for some places."""
    session = playing_session(path)
    timeline = session.timeline
    pcs = []
    for step in range(0, timeline.end, timeline.end // 12):
        timeline.seek(step)
        pcs.append(session.machine.engine.pc)
    found = []
    for pc in (*pcs, 0x2002):
        timeline.seek(timeline.end)
        stop = timeline.run_backward(Stops(breakpoints=(Breakpoint(pc),)))
        found.append((stop.step, stop.why))
    session.close()
    return found


def rows(path: Path) -> dict[tuple[int, str], bytes]:
    recording = Recording.open(str(path))
    index = sqlite3.connect(path)
    keys = index.execute("SELECT interval, kind FROM known").fetchall()
    found = {key: recording.known(*key) for key in keys}
    recording.close()
    assert all(row is not None for row in found.values())
    return {key: row for key, row in found.items() if row is not None}


def change(path: Path, *sql: str) -> None:
    db = sqlite3.connect(path)
    for one in sql:
        db.execute(one)
    db.commit()
    db.close()


FLIP = "UPDATE known SET data = CAST(substr(data, 1, 40) || X'00' || substr(data, 42) AS BLOB)"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM known",
        FLIP,
        "DELETE FROM known WHERE interval % 2",
        "DELETE FROM known WHERE interval = 0",
        "UPDATE known SET data = X''",
        "UPDATE known SET interval = interval + 1000",
        "UPDATE known SET data = (SELECT data FROM known WHERE interval = 1)",
        "UPDATE known SET branch = 7",
    ],
)
def test_without_rows_or_with_wrong_ones(path: Path, sql: str) -> None:
    before = stops(path)
    assert len(rows(path)) > 3
    change(path, sql)
    assert stops(path) == before


def test_rows_of_another_run(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ttd"
    record_to_end(FIRMWARE / "selfmod" / "selfmod.elf", other)
    before = stops(path)
    db = sqlite3.connect(path)
    db.execute(f"ATTACH '{other}' AS other")
    db.execute("INSERT OR REPLACE INTO known SELECT * FROM other.known")
    db.commit()
    db.close()
    assert stops(path) == before


def test_rows_that_do_not_say_when(path: Path) -> None:
    """Those of earlier versions give the same answers."""
    before = stops(path)
    session = playing_session(path)
    recording, index = session.recording, session.snapshots.index
    rows_then = {}
    for number in range(len(recording.snapshots)):
        executed = index.executed(number)
        assert executed is not None
        rows_then[number, "executed"] = b"\0" + shrink(executed.ranges.pack())
    session.close()
    change(path, "DELETE FROM known")
    recording = Recording.open(str(path))
    recording.learn(rows_then)
    recording.close()
    session = playing_session(path)
    executed = session.snapshots.index.executed(1)
    assert executed is not None
    assert executed.shift == TIMELESS
    session.close()
    assert stops(path) == before


def test_format_2_has_none(path: Path) -> None:
    before = stops(path)
    change(path, "DROP TABLE known", "PRAGMA user_version = 2")
    assert stops(path) == before
    session = playing_session(path)
    index = session.snapshots.index
    index.learn(1, b"a question", b"an answer")
    executed = Ticks((0, 8), (4, 10), (3, 4), 7, 12)
    index.learn_executed(1, executed)
    index.flush()
    session.close()
    session = playing_session(path)
    index = session.snapshots.index
    assert index.known(1, b"a question") == b"an answer"
    assert index.executed(1) == executed
    assert index.known(2, b"a question") is index.executed(2) is None
    session.close()


def test_all_is_learned(path: Path) -> None:
    rare = symbols(FIRMWARE / "calls/calls.elf")["rare"]
    watch = Stops(watchpoints=(Watchpoint(rare, 4, Access.WRITE),))

    def written() -> list[tuple[int, Why]]:
        session = playing_session(path)
        timeline = session.timeline
        timeline.seek(timeline.end)
        found = []
        while not found or found[-1][1] is Why.WATCHPOINT:
            stop = timeline.run_backward(watch)
            found.append((stop.step, stop.why))
        session.close()
        return found

    before, went = stops(path), written()
    count = len(playing_session(path).recording.snapshots)
    for jobs, learned in (("2", count), ("1", 0)):
        done = ttd("index", path, "--jobs", jobs)
        assert (done.code, done.out) == (0, b"")
        assert f"{learned} intervals learned; what is known takes" in done.err
        assert len([kind for _, kind in rows(path) if kind in ("reached", "written")]) == 2 * count
    assert (stops(path), written()) == (before, went)
    change(path, FLIP)
    assert (stops(path), written()) == (before, went)


def test_words_exclude_what_pages_do_not(path: Path) -> None:
    assert ttd("index", path).code == 0
    session = playing_session(path)
    engine, snapshots = session.machine.engine, session.snapshots
    step = snapshots.recording.snapshots.steps[5]
    words = {word for begin, end in snapshots.index.written(5) or () for word in range(begin, end)}
    per_page = engine.page_size // 4
    pages = {word // per_page for word in words}
    assert len(words) < len(pages) * per_page
    for base, size in engine.regions():
        first = engine.page_number(base)
        for page in pages & {*range(first, first + size // engine.page_size)}:
            for n in range(per_page):
                address, word = (
                    base + (page - first) * engine.page_size + 4 * n,
                    page * per_page + n,
                )
                assert snapshots.touched.may_touch(step, Access.WRITE, address + 3, 1) == (
                    word in words
                )
                both = n + 1 < per_page and bool({word, word + 1} & words)
                assert snapshots.touched.may_touch(step, Access.WRITE, address + 2, 4) >= both
                assert snapshots.touched.may_touch(step, Access.READ, address, 4)
    session.close()


def test_index_of_what_cannot_be_written(path: Path) -> None:
    claim = Claim(str(path))
    done = ttd("index", path)
    assert done.code == 2 and "is being recorded by another ttd" in done.err
    claim.release()


def test_all_branches(path: Path) -> None:
    done = ttd("branch", path, "--at", "50%", "--name", "other", "--set", "$r0=1")
    assert done.code == 0, done.err
    assert ttd("index", path).code == 0
    for branch in ("main", "other"):
        session = RecordedMachine.open(str(path), SemihostFiles(None), branch=branch)
        index = session.snapshots.index
        numbers = range(len(session.recording.snapshots))
        assert all(index.executed(n) and index.written(n) for n in numbers)
        session.close()


def test_a_server_keeps_what_it_finds(
    path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    """And the next one finds it in the file."""

    def backward() -> str:
        server = serve("serve", "--port", "0", path)
        gdb = attach(FIRMWARE / "calls/calls.elf", server.port)
        gdb.goto("end")
        gdb.say("watch rare")
        found: str = gdb.say("reverse-continue") + gdb.say("monitor when")
        gdb.say("detach")
        server.process.terminate()
        assert server.wait() == 0
        lines = found.splitlines()  # progress is told of what takes long
        return "\n".join(line for line in lines if not line.startswith("searching "))

    before, told = rows(path), backward()
    after = rows(path)
    assert before.items() <= after.items() and "rare" in told
    assert any(kind.startswith("answer ") for _, kind in after.keys() - before.keys())
    assert backward() == told
    assert rows(path) == after


def test_idle_time_of_a_server(path: Path) -> None:
    def is_known() -> bool:
        session = playing_session(path)
        todo = missing(session)
        session.close()
        return not todo

    assert not is_known()
    with idle_index(str(path), (), wanted=False):
        pass
    with idle_index(str(path), (), wanted=True):
        for _ in range(600):
            if is_known():
                break
            time.sleep(0.1)
    assert is_known()
    assert ttd("serve", path, "--stdio", "--index", "idle").code == 0


def learn_something(path: Path) -> None:
    """It is known in this session, wherever it is kept."""
    session = playing_session(path)
    index = session.snapshots.index
    index.learn(1, b"key", b"value")
    index.flush()
    assert index.known(1, b"key") == b"value"
    session.close()


def test_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("ttd.recording.schema.changing", refuse)
        learn_something(path)
    assert path.read_bytes() == before


def test_somebody_else_writes(path: Path) -> None:
    before = path.read_bytes()
    claim = Claim(str(path))
    learn_something(path)
    claim.release()
    assert path.read_bytes() == before
    learn_something(path)
    assert path.read_bytes() != before
