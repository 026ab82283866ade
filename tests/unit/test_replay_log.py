"""The event log against a plain list, in memory, over a growing and over a finished recording."""

import random
from pathlib import Path

import pytest

from ttd.recording import log as log_module
from ttd.recording.config import MachineConfig
from ttd.recording.events import Event, Kind
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording

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
    for number, event in enumerate(events):
        assert log.append(event) == number
    assert log.last_step == events[-1].step
    check(log, events, seed)


@pytest.mark.parametrize("seed", range(4))
def test_while_it_grows_and_after(tmp_path: Path, seed: int) -> None:
    events = random_events(seed, 200)
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG)
    log = EventLog(recording)
    rng = random.Random(seed)
    for number, event in enumerate(events):
        log.append(event)
        if rng.random() < 0.1:
            recording.commit(event.step, 0)
        if rng.random() < 0.02:
            check(log, events[: number + 1], seed)
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
