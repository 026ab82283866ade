"""A recording with known contents, and the check that it still has them."""

import random

from ttd.recording.blob import digest
from ttd.recording.config import MachineConfig
from ttd.recording.events import Event, Kind, small
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording

CONFIG = MachineConfig("mps2", "cortex-m3", 40, options={"semihosting": True})
ALWAYS = 1 << 30
"""A page that changes before every snapshot."""
IMAGE = bytes(range(256)) * 40


def page(number: int) -> bytes:
    return random.Random(number).randbytes(64) * 64


def fill(
    recording: Recording, log: EventLog, start: int, snapshots: int, whole: bool = True
) -> None:
    """Ten events and a snapshot each thousand steps; `whole`: all in the commit that follows."""
    for number in range(start, start + snapshots):
        pages = [(n, recording.put_page(page(number * 10 + n))) for n in (number, ALWAYS)]
        state = {"step": number * 1000, "registers": [number] * 16, "uart": {"fifo": b"x"}}
        if number:
            recording.add_interval(number - 1, b"pages %d" % (number - 1))
        recording.add_snapshot(
            number * 1000, len(log), number * 40_000, digest(b"%d" % number), state, pages
        )
        for step in range(number * 1000, (number + 1) * 1000, 100):
            log.append(Event(step, Kind.INTERRUPT, small(15)))
    end = (start + snapshots) * 1000
    if whole:
        recording.wait()
    recording.commit(end, end * 40)


def verify(recording: Recording) -> None:
    """Read everything in a recording, and compare it with what `fill` wrote."""
    log = EventLog(recording)
    events = [event for _, event in log.select()]
    assert events == [Event(n * 100, Kind.INTERRUPT, small(15)) for n in range(len(events))]
    recording.file.images()
    for info in recording.snapshots:
        state = recording.snapshot_state(info.id)
        assert state["step"] == info.step == info.id * 1000
        assert info.sequence == info.id * 10 <= len(log)
        assert info.hash == digest(b"%d" % info.id)
        changed = dict(recording.changed_pages(info.id))
        assert changed.keys() == {info.id, ALWAYS}
        for number, name in changed.items():
            assert next(recording.pages([name])) == page(info.id * 10 + number)
        last = info.id == len(recording.snapshots) - 1
        assert recording.interval(info.id) == (None if last else b"pages %d" % info.id)
    recording.file.remarks.bookmarks()
