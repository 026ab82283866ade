"""The event log against a plain list, in memory, over a growing and over a finished recording."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from ttd.recording import log as log_module
from ttd.recording.chunk import mark_key, packet_key
from ttd.recording.config import MachineConfig
from ttd.recording.events import Event, Kind, number, small, to_number, to_small
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.recording.varint import Reader, varint

CONFIG = MachineConfig("board", "cpu", 40)
KINDS = (Kind.INTERRUPT, Kind.CHAR_READ, Kind.HOST_CALL, Kind.SHUTDOWN)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "CHUNK_EVENTS", 16)
    monkeypatch.setattr(log_module, "CACHED_BYTES", 10_000)


def random_events(seed: int, count: int) -> list[Event]:
    print("seed", seed)
    rng = random.Random(seed)
    step = 0
    events = []
    for _ in range(count):
        step += rng.choice((0, 0, 1, 5, 1000))
        kind = rng.choices(KINDS, (20, 5, 5, 1))[0]
        events.append(Event(step, kind, rng.randbytes(rng.randrange(1, 4))))
    return events


def check(log: EventLog, events: list[Event], seed: int) -> None:
    rng = random.Random(seed)
    assert len(log) == len(events)
    assert log.get(len(events)) is None
    assert log.get(-1) is None
    for _ in range(100):
        at = rng.randrange(len(events) + 1)
        if at < len(events):
            assert log.get(at) == events[at]
        step = rng.randrange(events[-1].step + 3)
        later = [n for n, event in enumerate(events) if event.step >= step]
        assert log.first_at(step) == (later[0] if later else len(events))
        kinds = rng.sample(KINDS, 2)
        after = [(n, e) for n, e in enumerate(events) if n >= at and e.kind in kinds]
        assert log.next_of(kinds, at) == (after[0] if after else None)
        where = (after[0][0], after[0][1].step) if after else None
        assert log.next_at(kinds, at) == where
        before = [(n, e) for n, e in enumerate(events) if n < at and e.kind in kinds]
        assert log.last_of(kinds, at) == (before[-1] if before else None)
        end = step + rng.randrange(2000)
        span = [(n, e) for n, e in enumerate(events) if step <= e.step <= end and e.kind in kinds]
        assert list(log.select(kinds, step, end)) == span
    for kind, count in log.counts().items():
        assert count == sum(event.kind is kind for event in events)
    assert list(log.select()) == list(enumerate(events))


@pytest.mark.parametrize("seed", range(4))
def test_in_memory(seed: int) -> None:
    events = random_events(seed, 100)
    log = EventLog()
    for at, event in enumerate(events):
        assert log.append(event) == at
    assert log.last_step == events[-1].step
    check(log, events, seed)


@pytest.mark.parametrize("seed", range(4))
def test_while_it_grows_and_after(tmp_path: Path, seed: int) -> None:
    events = random_events(seed, 200)
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG)
    log = EventLog(recording)
    rng = random.Random(seed)
    for at, event in enumerate(events):
        log.append(event)
        if rng.random() < 0.1:
            recording.commit(event.step, 0)
        if rng.random() < 0.02:
            check(log, events[: at + 1], seed)
    check(log, events, seed)
    recording.commit(events[-1].step, 0)
    recording.finish("done")
    recording.close()
    again = Recording.open(path)
    check(EventLog(again), events, seed)
    again.close()


def test_an_empty_log() -> None:
    log = EventLog()
    assert log.first_at(0) == 0
    assert log.next_of(KINDS, 0) is None
    assert log.last_of(KINDS, 0) is None
    assert log.last_step == 0


MARKS = (Kind.INTERRUPT, Kind.EXCEPTION, Kind.NET_TX)
DEVICES = (0, 3)
"""Those for which bytes enter natively."""


def input_at(step: int, rng: random.Random) -> list[Event]:
    """A byte for one of them, after a sleep or without one."""
    warp = Event(step, Kind.WARP, number(rng.choice((5, 1 << 40))))
    byte = Event(step, Kind.CHAR_READ, bytes((rng.choice(DEVICES), rng.randrange(256))))
    return [warp] * rng.randrange(2) + [byte]


def marks_and_others(seed: int, inputs: float) -> list[list[Event]]:
    """Rows of marks, as a native core hands them over, and other events between them."""
    print("seed", seed)
    rng = random.Random(seed)
    step = 0
    rows = []
    for _ in range(40):
        row = []
        for _ in range(rng.choice((0, 1, 3, 50))):
            step += rng.choice((0, 1, 780))
            taken = rng.choice((15, 15, 15, 14, 0, 1 << 31, rng.randrange(1 << 32)))
            kind, payload = rng.choice(MARKS), small(taken)
            if kind is Kind.NET_TX:
                size = rng.choice((60, 1514, 127, 128, 65535, 0))
                payload = b"\x03" + taken.to_bytes(4, "little") + varint(size)
            row.append(Event(step, kind, payload))
            if rng.random() < inputs:
                row += input_at(step, rng)
        rows.append(row)
        other = rng.choice(
            [
                [Event(step, Kind.CHAR_READ, rng.randbytes(3))],
                [Event(step, Kind.CHAR_READ, b"\x01x")],
                [Event(step, Kind.CHAR_READ, b"\x00")],
                [Event(step, Kind.WARP, number(7)), Event(step, Kind.NET, bytes(3))],
            ]
        )
        rows.append(other * rng.choice((0, 0, 1, 2)))
    return rows


def as_mark(event: Event) -> tuple[int, int]:
    """Its key and its value."""
    payload = event.payload
    match event.kind:
        case Kind.WARP:
            return mark_key(event.kind, 0), to_number(payload)
        case Kind.CHAR_READ:
            return mark_key(event.kind, payload[0]), payload[1]
        case Kind.NET_TX:
            return packet_key(3, Reader(payload[5:]).varint(), to_small(payload[1:5])), 0
    return mark_key(event.kind, to_small(payload)), 0


def as_row(events: list[Event]) -> tuple[array[int], array[int], array[int]]:
    marks = [as_mark(event) for event in events]
    return (
        array("q", [event.step for event in events]),
        array("q", [key for key, _ in marks]),
        array("q", [value for _, value in marks]),
    )


def in_a_row(events: list[Event]) -> int:
    """How many events at the begin are marks."""
    count = 0
    for at, event in enumerate(events):
        byte = event.kind is Kind.CHAR_READ and len(event.payload) == 2
        if event.kind in MARKS and at == count:
            count += 1
        elif byte and event.payload[0] in DEVICES:
            count = at + 1
        elif event.kind is not Kind.WARP:
            break
    return count


@pytest.mark.parametrize("inputs", [0, 0.3])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stored", [False, True])
def test_rows_of_marks(tmp_path: Path, seed: int, stored: bool, inputs: float) -> None:
    recording = Recording.create(str(tmp_path / "run.ttd"), CONFIG) if stored else None
    log, events = EventLog(recording), []
    for row in marks_and_others(seed, inputs):
        if row and row[0].kind in MARKS:
            steps, keys, values = as_row(row)
            log.append_marks(steps, keys, values if inputs else None)
        else:
            for event in row:
                log.append(event)
        events += row
        if recording is not None and events:
            recording.commit(events[-1].step, 0)
    check_marks(log, events)
    if recording is not None:
        recording.finish("done")
        recording.close()
        again = Recording.open(str(tmp_path / "run.ttd"))
        check_marks(EventLog(again), events)
        again.close()


def check_marks(log: EventLog, events: list[Event]) -> None:
    assert list(log.select()) == list(enumerate(events))
    for at in range(len(events) + 1):
        steps, keys, values = log.marks_from(at, DEVICES)
        expected = as_row(events[at : at + len(steps)])
        assert (steps, keys) == expected[:2]
        assert (array("q", bytes(8 * len(steps))) if values is None else values) == expected[2]
        # Up to the end of the chunk at most, of which there may be a small one at a commit.
        count = in_a_row(events[at : at + 4200])
        assert len(steps) <= count
        assert len(steps) or at == len(events) or events[at].kind not in MARKS


def test_what_no_core_takes_is_no_mark() -> None:
    """A payload that is not that of its number has to be compared as it is."""
    events = [
        Event(1, Kind.INTERRUPT, b"\x05"),
        Event(2, Kind.INTERRUPT, b"\x05\x00"),
        Event(3, Kind.INTERRUPT, b"\x05\x00\x00\x00\x01"),
        Event(4, Kind.EXCEPTION, b""),
        Event(5, Kind.NET_TX, b""),
        Event(5, Kind.NET_TX, b"\x03"),
        Event(5, Kind.NET_TX, b"\x03abcd"),
        Event(5, Kind.NET_TX, b"\x03abcd\x80\x00"),
        Event(5, Kind.NET_TX, b"\x03abcd\x05\x00"),
        Event(5, Kind.NET_TX, b"\x03abcd\x80\x80\x04"),
        Event(5, Kind.NET_TX, b"\x03abcd\x05"),
    ]
    log = EventLog()
    for event in events:
        log.append(event)
    found = [len(log.marks_from(at)[0]) for at in range(len(events))]
    assert found == [1] + [0] * 9 + [1]
