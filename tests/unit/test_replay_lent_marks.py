"""Marks that a native core notes by itself: in the log as if they had come one by one."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.test_replay_border import CONFIG, Backend, Rig, events, finish, play
from ttd.cpu.models import CPUS
from ttd.engine import Engine
from ttd.engine.mark_row import EXCEPTION, INTERRUPT, MAX_MARKS, MarkRow
from ttd.recording.events import Event, Kind, small
from ttd.recording.recording import Recording
from ttd.replay.errors import Divergence
from ttd.replay.terms import Checkpoint, Clock, Mode


@pytest.fixture
def engine() -> Engine:
    engine = Engine(CPUS["cortex-m3"].isa)
    engine.map_ram(0, 4096)
    engine.start()
    return engine


@pytest.fixture
def row(engine: Engine) -> MarkRow:
    return engine.marks


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(Mode.RECORD, Recording.create(str(tmp_path / "run.ttd"), CONFIG), Backend())
    rig.replay.start()
    return rig


@pytest.fixture
def reread(tmp_path: Path) -> Iterator[Callable[[], Recording]]:
    opened: list[Recording] = []

    def again() -> Recording:
        opened.append(Recording.open(str(tmp_path / "run.ttd")))
        return opened[-1]

    yield again
    for recording in opened:
        recording.close()


def clock(rig: Rig, value: int = 0) -> int:
    return rig.replay.clock(Clock.HOST, lambda: value)


def record_some(rig: Rig, row: MarkRow) -> None:
    """Interrupts at 10, 20, 30; in between, at 25, a device of the core's run reads the clock."""
    rig.replay.lend_marks(row)
    for step in (10, 20):
        assert row.note(step, INTERRUPT, 15)
    rig.at.step = 25
    clock(rig, 7)
    assert row.note(30, EXCEPTION, 11)
    rig.at.step = 40
    rig.replay.take_marks()


EXPECTED = [
    Event(10, Kind.INTERRUPT, small(15)),
    Event(20, Kind.INTERRUPT, small(15)),
    Event(25, Kind.CLOCK_HOST, (7).to_bytes(8, "little")),
    Event(30, Kind.EXCEPTION, small(11)),
]


def test_they_stand_in_the_log_where_they_happened(rig: Rig, row: MarkRow) -> None:
    record_some(rig, row)
    assert events(rig) == EXPECTED
    assert rig.replay.sequence == 4


def test_the_state_is_that_of_one_by_one(rig: Rig, row: MarkRow, tmp_path: Path) -> None:
    slow = Rig(Mode.RECORD, Recording.create(None, CONFIG), Backend())
    slow.replay.start()
    for slow.at.step in (10, 20):
        slow.replay.interrupt(15)
    slow.at.step = 25
    clock(slow, 7)
    slow.at.step = 30
    slow.replay.exception(11)
    record_some(rig, row)
    assert rig.replay.save() == slow.replay.save()


def test_in_play_they_are_met(rig: Rig, row: MarkRow, reread: Callable[[], Recording]) -> None:
    record_some(rig, row)
    saved = rig.replay.save()
    finish(rig, 50)
    played = play(reread())
    played.replay.lend_marks(row)
    assert played.replay.get_instructions() == 50, "nobody stops for what the row has"
    assert row.next_step == 10
    for step in (10, 20):
        assert row.note(step, INTERRUPT, 15)
    assert played.replay.sequence == 2, "seen while the core still runs"
    assert not row.note(30, EXCEPTION, 11), "it is behind the read of the clock"
    played.at.step = 25
    assert clock(played) == 7
    played.replay.take_marks()
    assert played.replay.sequence == 3
    played.replay.lend_marks(row)
    assert row.note(30, EXCEPTION, 11)
    played.at.step = 40
    played.replay.take_marks()
    assert played.replay.save() == saved


def test_without_the_row_the_slow_way_goes_on(
    rig: Rig, row: MarkRow, reread: Callable[[], Recording]
) -> None:
    record_some(rig, row)
    finish(rig, 50)
    played = play(reread())
    played.replay.lend_marks(row)
    assert row.note(10, INTERRUPT, 15)
    played.at.step = 11
    played.replay.take_marks()
    assert played.replay.get_instructions() == 9
    played.at.step = 20
    played.replay.interrupt(15)
    played.replay.lend_marks(row)
    assert row.next_step is None
    with pytest.raises(Divergence, match="clock_host 7"):
        played.at.step = 26
        played.replay.account_executed_instructions()


def test_what_is_not_in_the_log_is_said_as_ever(
    rig: Rig, row: MarkRow, reread: Callable[[], Recording]
) -> None:
    record_some(rig, row)
    finish(rig, 50)
    recording = reread()
    said = []
    for native in (True, False):
        played = play(recording)
        if native:
            played.replay.lend_marks(row)
            assert row.note(10, INTERRUPT, 15)
            assert not row.note(20, INTERRUPT, 16)
            played.at.step = 20
            played.replay.take_marks()
        else:
            played.at.step = 10
            played.replay.interrupt(15)
        played.at.step = 20
        with pytest.raises(Divergence) as raised:
            played.replay.interrupt(16)
        said.append(str(raised.value))
    assert said[0] == said[1]


def test_a_machine_that_went_on_without_one_is_found_out(
    rig: Rig, row: MarkRow, reread: Callable[[], Recording]
) -> None:
    record_some(rig, row)
    finish(rig, 50)
    played = play(reread())
    played.replay.lend_marks(row)
    assert row.note(10, INTERRUPT, 15)
    played.at.step = 25
    with pytest.raises(Divergence, match="went on without it"):
        played.replay.account_executed_instructions()


@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_them(
    rig: Rig, row: MarkRow, reread: Callable[[], Recording], seed: int
) -> None:
    """Record in rows of any length, be back at some place, and play: the same state as recorded."""
    print("seed", seed)
    rng = random.Random(seed)
    step, places, given = 0, [], []
    for _ in range(30):
        rig.replay.lend_marks(row)
        for _ in range(rng.choice((0, 1, 10, 1000, MAX_MARKS))):
            step += rng.choice((0, 1, 780))
            given.append((step, rng.choice((INTERRUPT, EXCEPTION)), rng.choice((3, 15, 300))))
            assert row.note(*given[-1])
        rig.at.step = step
        rig.replay.take_marks()
        places.append((step, rig.replay.save()))
    finish(rig, step)
    played = play(reread())
    at = 0
    for where, saved in places:
        until = saved["sequence"]["cursor"]
        while at < until:
            played.replay.lend_marks(row)
            assert row.next_step == given[at][0]
            while at < until and row.note(*given[at]):
                at += 1
            assert at == until or row.next_step is None
            played.at.step = given[at - 1][0]
            played.replay.take_marks()
        played.at.step = where
        assert played.replay.save() == saved
    played.at.step, saved = rng.choice(places)
    played.replay.load(saved)
    at = saved["sequence"]["cursor"]
    played.replay.lend_marks(row)
    if at < len(given):
        assert row.next_step == given[at][0]
    assert played.replay.sequence == at


def test_history_that_has_grown_is_gone_through_again(rig: Rig, row: MarkRow) -> None:
    rig.at.step = 10
    rig.replay.note_position()
    saved = rig.replay.save()
    rig.at.step = 40
    rig.replay.note_position()
    for end in (40, 90):
        rig.replay.note_position()
        rig.at.step = 10
        rig.replay.load(saved)
        rig.replay.lend_marks(row)
        assert rig.replay.get_instructions() == end - 10
        rig.replay.take_marks()
        rig.at.step = end
        rig.replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)
        assert not rig.replay.in_play
        rig.at.step = 90


class Half:
    """The receiving half of a native device, which takes as much as the test says."""

    def __init__(self) -> None:
        self.waits = b""
        self.number = -1

    def offer(self, data: bytes) -> int:
        self.waits = data
        return len(data)

    def rest(self) -> bytes:
        rest, self.waits = self.waits, b""
        return rest

    def is_known_as(self, device: int) -> None:
        self.number = device


def with_half(tmp_path: Path) -> tuple[Rig, Half, Backend]:
    backend, half = Backend(), Half()
    rig = Rig(Mode.RECORD, Recording.create(str(tmp_path / "in.ttd"), CONFIG), backend)

    def receive(data: bytes) -> None:
        rig.got += data
        rig.room -= len(data)

    rig.uart.connect(receive, lambda: rig.room, half)
    rig.room = 0
    rig.replay.start()
    assert half.number == 0
    return rig, half, backend


def test_input_that_has_not_entered_is_queued_as_before(tmp_path: Path, row: MarkRow) -> None:
    rig, half, backend = with_half(tmp_path)
    rig.uart.be_write(b"abcd")
    rig.checkpoint()
    rig.replay.lend_marks(row)
    assert half.waits == b"abcd"
    half.waits = b"cd"
    rig.uart.be_write(b"ef")
    rig.replay.take_marks()
    rig.room = 3
    rig.checkpoint()
    assert (bytes(rig.got), half.waits) == (b"cde", b"")
    assert rig.replay.chr_take_back(backend) == b"f"
    rig.replay.lend_marks(row)
    assert half.waits == b"", "nothing is left"
    rig.replay.take_marks()
    rig.replay.close()


def test_the_host_goes_on_when_input_has_entered_natively(tmp_path: Path, row: MarkRow) -> None:
    rig, half, _ = with_half(tmp_path)
    rig.uart.be_write(bytes(1 << 16))
    thread = threading.Thread(target=rig.uart.be_write, args=(b"more",), daemon=True)
    thread.start()
    rig.checkpoint()
    rig.replay.lend_marks(row)
    half.waits = half.waits[1:]
    rig.replay.take_marks()
    thread.join(10)
    assert not thread.is_alive()
    rig.replay.close()
