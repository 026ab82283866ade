"""What a recording says is compared under a debugger too, to its end; what is wrong is a stop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.fuzz.changes import SNAPSHOTS, put_events, snapshot_state
from tests.integration.border import Line, often, recorder, run_to_end
from tests.integration.cli_tools import FIRMWARE, change_meta, ttd
from tests.integration.cli_tools import change_status as rewrite_status
from tests.integration.conftest import symbols
from tests.snapshots import snapshots_every
from ttd.boards import BOARDS
from ttd.boards.extras import Extra
from ttd.engine.types import Access
from ttd.history.pages import DIRECTORY
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.recording.blob import pack, seal, unpack, unseal
from ttd.recording.chunk import decode_chunk
from ttd.recording.errors import RecordingError
from ttd.recording.events import Event, Kind, small
from ttd.recording.rows import context, pack_pages, unpack_pages
from ttd.replay.terms import Cause
from ttd.stops import Stops, Watchpoint, Why

pytestmark = pytest.mark.slow
"""`make check` does without."""

__all__ = ["often"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    run = tmp_path / "run.ttd"
    run_to_end(recorder("calls", run, uart=Line()))
    return run


def opened(path: Path) -> RecordedMachine:
    return RecordedMachine.open(str(path), SemihostFiles(None))


def change_status(path: Path, **values: Any) -> None:
    rewrite_status(path, lambda status: status | values)


def change_events(path: Path, change: Callable[[Event], Event]) -> None:
    change_log(path, lambda events: [change(event) for event in events])


def change_log(path: Path, change: Callable[[list[Event]], list[Event]]) -> None:
    db = sqlite3.connect(path)
    events: list[Event] = []
    for first, blob in db.execute("SELECT first, data FROM chunks ORDER BY first"):
        events += decode_chunk(blob, first)
    events = change(events)
    put_events(db, events)
    db.commit()
    db.close()
    change_status(path, events=len(events))


def diverges(path: Path, words: str) -> None:
    """Replayed, and under a debugger, which can still go anywhere before it."""
    done = ttd("replay", path)
    assert done.code == 3
    assert words in done.err
    session = opened(path)
    timeline = session.timeline
    for move in (lambda: timeline.run_forward(Stops()), lambda: timeline.seek(timeline.end)):
        stop = move()
        assert stop.why is Why.DIVERGED
        assert words in stop.note
        assert f"Step {stop.step} is the last place" in stop.note
        assert stop.step == timeline.position < timeline.end
        assert timeline.seek(7).why is Why.STEPS
        assert timeline.run_backward(Stops()).why is Why.HISTORY_BEGIN
    session.close()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state_hash": bytes(16)}, f"final state {bytes(16).hex()}"),
        ({"exit_code": 1}, "exit code 1"),
        ({"exit_code": None}, "exit code None"),
        ({"reason": "it was fun"}, "it was fun"),
    ],
)
def test_the_end_is_compared(path: Path, values: dict[str, Any], words: str) -> None:
    change_status(path, **values)
    diverges(path, words)


@pytest.mark.parametrize("cause", [1, 2])
def test_the_cause_of_a_shutdown_is_compared(path: Path, cause: int) -> None:
    change_events(
        path,
        lambda event: (
            event._replace(payload=bytes([cause])) if event.kind is Kind.SHUTDOWN else event
        ),
    )
    diverges(path, "shutdown" if cause == 1 else "final state")


@pytest.mark.parametrize("cause", [Cause.HOST, Cause.DEBUGGER])
def test_an_end_in_the_middle_is_compared(path: Path, cause: Cause) -> None:
    """A shutdown that nobody has asked for, after which history goes on."""

    def end(events: list[Event]) -> list[Event]:
        at = next(n for n, event in enumerate(events) if event.step > 12_000)
        return [*events[:at], Event(12_000, Kind.SHUTDOWN, small(cause)), *events[at:]]

    change_log(path, end)
    diverges(path, "its end")


def test_what_came_in_is_compared(tmp_path: Path) -> None:
    """Bytes that the guest never looked at, before the first snapshot after them."""
    path = tmp_path / "run.ttd"
    run_to_end(recorder("virtio-rng", path, extras=[Extra("virtio-rng", "rng0")], uart=Line()))

    def other(event: Event) -> Event:
        if event.kind is not Kind.RANDOM:
            return event
        return event._replace(payload=bytes([event.payload[0] ^ 1]) + event.payload[1:])

    change_events(path, other)
    assert ttd("replay", path).code == 3


@pytest.mark.parametrize("how", ["flipped", "nothing", "gone"])
def test_an_index_that_nobody_vouches_for_says_nothing(path: Path, how: str) -> None:
    db = sqlite3.connect(path)
    for key, blob in db.execute("SELECT id, data FROM intervals").fetchall():
        data = bytes([blob[0] ^ 1]) + blob[1:]
        if how == "nothing":
            data = seal(
                bytes(len(unseal(blob, context("interval", key))) and 3), context("interval", key)
            )
        db.execute("UPDATE intervals SET data = ? WHERE id = ?", (data, key))
    if how == "gone":
        db.execute("DELETE FROM intervals")
    db.commit()
    db.close()
    session = opened(path)
    timeline = session.timeline
    timeline.seek(timeline.end)
    rare = symbols(FIRMWARE / "calls/calls.elf")["rare"]
    found = timeline.run_backward(Stops(watchpoints=(Watchpoint(rare, 4, Access.WRITE),)))
    assert found.why is Why.WATCHPOINT
    session.close()


def test_an_index_of_what_nobody_recorded_is_damage(path: Path) -> None:
    last = len(opened(path).recording.snapshots) - 1
    db = sqlite3.connect(path)
    row = (last, seal(bytes(3), context("interval", last)))
    db.execute("INSERT INTO intervals VALUES (0, ?, ?)", row)
    db.commit()
    db.close()
    done = ttd("replay", path)
    assert done.code == 2 and "index" in done.err


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording whose recorder ended without a word, and which has more than one snapshot."""
    snapshots_every(monkeypatch, 5000)
    run = tmp_path / "cut.ttd"
    session = recorder("calls", run, uart=Line())
    session.run(22_000, lambda step: None)
    session.recording.wait()
    session.replay.commit()
    session.close()
    return run


@pytest.mark.parametrize("said", [0, 1, None])
def test_the_latest_snapshots_are_counted(cut: Path, said: int | None) -> None:
    """A recorder that was killed has not stored its latest ones; those that it has are all there.

    The seal covers how many those are.
    """
    assert "the recording was cut off there" in ttd("replay", "--verify", cut).err
    db = sqlite3.connect(cut)
    assert db.execute("SELECT count(*) FROM snapshots").fetchone() > (1,)
    db.execute("DELETE FROM snapshots WHERE id >= ?", (said or 0,))
    db.execute("DELETE FROM intervals")
    db.commit()
    db.close()
    assert ttd("replay", cut).code == 2
    change_status(cut, snapshots=said)
    for verify in ([], ["--verify"]):
        done = ttd("replay", *verify, cut)
        assert done.code == 3
        assert "the same" not in done.err


def test_what_came_in_is_compared_where_a_recording_was_cut_off(tmp_path: Path) -> None:
    """No state is known of there, but everything that has led to it is."""
    path = tmp_path / "run.ttd"
    lines = Line()
    session = recorder("virtio-rng", path, extras=[Extra("virtio-rng", "rng0")], uart=lines)
    session.run(2500, lambda step: None)
    session.recording.wait()
    session.replay.commit()
    session.close()
    assert "the same" in ttd("replay", path).err

    def other(events: list[Event]) -> list[Event]:
        at = max(n for n, event in enumerate(events) if event.kind is Kind.RANDOM)
        payload = events[at].payload
        changed = events[at]._replace(payload=payload[:-1] + bytes([payload[-1] ^ 1]))
        return [*events[:at], changed, *events[at + 1 :]]

    change_log(path, other)
    diverges(path, "the events and the end that were recorded")


@pytest.mark.parametrize(
    "other", [lambda names: names[::-1], lambda names: [*names, names[0]]], ids=["turned", "twice"]
)
def test_devices_are_those_of_the_recording_in_their_order(
    cut: Path, other: Callable[[list[str]], list[str]]
) -> None:
    """What came in for one of them would enter at another, of which the log's hash says nothing."""
    change_meta(cut, "devices", lambda names: other(list(names)))
    done = ttd("replay", cut)
    assert done.code == 2 and "devices with a host side differ" in done.err


@pytest.mark.parametrize("value", [None, "text", -1, {}, [1]])
def test_a_damaged_snapshot_is_passed_over(path: Path, value: Any) -> None:
    db = sqlite3.connect(path)
    row = db.execute(f"{SNAPSHOTS} ORDER BY id").fetchall()[2]
    place = context("snapshot", *row[:5]) + b"state"
    state = unpack(snapshot_state(db, row))
    state["machine"]["devices"] = value
    db.execute("UPDATE snapshots SET state = ? WHERE id = ?", (seal(pack(state), place), row[0]))
    db.commit()
    db.close()
    plain, session = opened(path), opened(path)
    where = row[1] + 3
    plain.machine.run(where)
    stop = session.timeline.seek(where)
    assert stop.why is Why.STEPS
    assert "A stored snapshot is not used" in stop.note
    hashes = [s.snapshots.state_hash(s.snapshots.capture()) for s in (plain, session)]
    assert hashes[0] == hashes[1]
    assert ttd("replay", path).code == 0
    assert ttd("replay", "--verify", path).code in (2, 3)


def test_what_is_wrong_with_all_snapshots_is_said_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(path)
    there = session.recording.snapshots
    assert len(there) > 3

    def full(snapshot: int) -> NoReturn:
        raise RecordingError("the disk is full")

    monkeypatch.setattr(session.recording, "snapshot_state", full)
    stop = session.timeline.seek(there[3].step + 3)
    assert stop.why is Why.STEPS
    assert stop.note == "A stored snapshot is not used: the disk is full."
    monkeypatch.setattr(session.snapshots, "nearest", lambda step: None)
    stop = session.timeline.seek(1)
    assert stop.why is Why.DIVERGED
    assert stop.note == "the recording has no snapshot to go back to"


@pytest.mark.parametrize("beyond", [0, 100, 1 << 40])
def test_pages_that_the_machine_has_not(tmp_path: Path, beyond: int) -> None:
    """Also where a table of pages is not full."""
    path = tmp_path / "run.ttd"
    session = recorder("microbit", path, board=BOARDS["microbit"])
    after = session.machine.engine.pages
    assert 0 < after % DIRECTORY < DIRECTORY - 100
    session.run(2000, lambda step: None)
    session.finish("it is enough", None)
    session.close()
    db = sqlite3.connect(path)
    row = db.execute(f"{SNAPSHOTS} WHERE id = 0").fetchone()
    place = context("snapshot", *row[:5]) + b"pages"
    pages = [p for p in unpack_pages(unseal(row[5], place)) if p[0] < after]
    more = seal(pack_pages([*pages, (after + beyond, pages[0][1])]), place)
    db.execute("UPDATE snapshots SET pages = ? WHERE id = 0", (more,))
    db.commit()
    db.close()
    done = ttd("replay", "--verify", path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "too many pages" in done.err
