"""A disk that is full while somebody goes about in a recording: what cannot be stored is lost, and
nothing else."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.inside import FIRMWARE, playing_session
from ttd.cli.indexing import idle_index
from ttd.history.place import Place
from ttd.indexing import missing
from ttd.recorded import RecordedMachine
from ttd.stops import Stops, Why

STEPS = 3_000_000
FULL = "cannot grow, the disk is full or failing; it is good up to its last commit"
RAM = 0x20000100


@contextmanager
def full(size: int) -> Iterator[None]:
    """No file becomes larger than `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A guest that fills its memory with random words, for ever."""
    from tests.integration.cli_tools import ttd  # noqa: PLC0415

    path = tmp_path_factory.mktemp("full") / "run.ttd"
    image = FIRMWARE / "dirty" / "dirty-all.elf"
    done = ttd("record", "--board", "mps2-an385", image, "--steps", STEPS, "-o", path)
    assert done.code == 0, done.err
    return path


@pytest.fixture
def session(recorded: Path, tmp_path: Path) -> Iterator[RecordedMachine]:
    path = tmp_path / "run.ttd"
    shutil.copyfile(recorded, path)
    opened = playing_session(path)
    yield opened
    opened.close()


def states(session: RecordedMachine, places: list[Place]) -> list[bytes]:
    """What the machine is there."""
    found = []
    for place in places:
        stop = session.timeline.go_to(place)
        assert stop.why is not Why.DIVERGED, stop.note
        assert session.timeline.place == place
        found.append(session.snapshots.state_hash(session.snapshots.capture()))
    return found


def test_a_branch_that_cannot_grow_is_left(session: RecordedMachine) -> None:
    timeline = session.timeline
    timeline.seek(1_000_000)
    timeline.probe.write_memory(RAM, b"\x05\0\0\0")
    timeline.step_forward(10)
    timeline.trials.keep()
    branch = timeline.place.branch
    places = [Place(0, 2_500_000), Place(0, 10), Place(branch, 1_000_005), Place(0, STEPS)]
    before = states(session, places)
    with full(1 << 20):
        timeline.go_to_end(branch)
        stop = timeline.run_forward(Stops())
        assert stop.why is Why.DIVERGED and stop.note.count(FULL) == 1, stop.note
        # Everywhere else is as it was, on this branch, too.
        assert states(session, places) == before
        assert timeline.step_backward().why is not Why.DIVERGED


def test_a_branch_that_cannot_be_stored_stays_in_memory(session: RecordedMachine) -> None:
    timeline = session.timeline
    timeline.seek(2_900_000)
    with full(1 << 12):
        timeline.probe.write_memory(RAM, b"\x05\0\0\0")
        timeline.step_forward(10)
        timeline.trials.keep()
        note = " ".join(timeline.notes)
        assert "It is kept in memory only: " in note and FULL in note
        kept, step = timeline.place.branch, timeline.position
        timeline.run_forward(Stops(), STEPS + 1_000_000)
        places = [Place(0, 10), Place(kept, step), Place(kept, STEPS + 900_000), Place(0, STEPS)]
        before = states(session, places)
        assert states(session, places[::-1]) == before[::-1]
        # Another one, from there and from the recorded one.
        timeline.go_to(Place(kept, STEPS))
        timeline.probe.write_memory(RAM, b"\x06\0\0\0")
        timeline.step_forward(10)
        timeline.trials.keep()
        assert states(session, places) == before
    path = session.recording.path
    session.close()
    after = playing_session(Path(path))
    assert [branch.name for branch in after.branches.all] == ["main"]
    after.close()


def test_why_idle_time_was_of_no_use_is_said(
    recorded: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.ttd"
    shutil.copyfile(recorded, path)
    with full(1 << 12), idle_index(str(path), (), wanted=True):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    assert capfd.readouterr().err == f"ttd: {path} {FULL}\n"
    session = playing_session(path)
    assert missing(session)
    session.close()
