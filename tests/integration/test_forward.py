"""Going on to the end of what is known: not by running all of it again, where nothing can stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.inside import FIRMWARE, playing_session, recording_session
from ttd.moving.legs import NO_STOPS
from ttd.recorded import RecordedMachine
from ttd.runs import RunStop
from ttd.stops import Breakpoint, Stops, Why

pytestmark = pytest.mark.slow

BENCH = FIRMWARE / "bench" / "bench-systick.elf"
LENGTH = 100_000_000
NEVER = Stops((Breakpoint(0xFFFF_FFF0),))
"""No instruction is there."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with many snapshots."""
    path = tmp_path_factory.mktemp("forward") / "run.ttd"
    session = recording_session(BENCH, path)
    ended = session.run(LENGTH, lambda step: None)
    session.finish(ended.reason, ended.code)
    session.close()
    return path


@pytest.fixture
def session(recorded: Path) -> Iterator[RecordedMachine]:
    opened = playing_session(recorded)
    yield opened
    opened.close()


def counted(session: RecordedMachine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all runs of the machine from now on."""
    machine, lengths = session.machine, list[int]()
    run = machine.run

    def counting(*limit: int | None, **more: bool) -> RunStop:
        begin = machine.engine.step
        stop = run(*limit, **more)
        lengths.append(stop.step - begin)
        return stop

    monkeypatch.setattr(machine, "run", counting)
    return lengths


@pytest.mark.parametrize("begin", [0, 1000, LENGTH // 2])
def test_what_is_known_is_not_run_again(
    session: RecordedMachine, monkeypatch: pytest.MonkeyPatch, begin: int
) -> None:
    timeline = session.timeline
    timeline.seek(begin)
    stored = [info.step for info in session.recording.snapshots]
    lengths = counted(session, monkeypatch)
    stop = timeline.run_forward(NO_STOPS)
    assert (stop.why, stop.step, stop.note) == (
        Why.HISTORY_END,
        LENGTH,
        f"the limit of {LENGTH} steps was reached",
    )
    assert sum(lengths) == LENGTH - stored[-1] < LENGTH // 2 - 1000
    session.compare_end()


def test_it_is_where_a_run_leads(session: RecordedMachine) -> None:
    timeline = session.timeline
    timeline.run_forward(NO_STOPS)
    jumped = session.snapshots.state_hash(session.snapshots.capture())
    timeline.seek(1)
    timeline.run_forward(NEVER)
    assert session.snapshots.state_hash(session.snapshots.capture()) == jumped
    timeline.seek(1)
    session.machine.run(LENGTH)
    assert session.snapshots.state_hash(session.snapshots.capture()) == jumped


def test_what_cannot_stop_is_not_run(
    session: RecordedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = counted(session, monkeypatch)
    assert session.timeline.run_forward(NEVER, LENGTH).why is Why.STEPS
    assert session.timeline.position == LENGTH and sum(lengths) < LENGTH // 2


def test_stops_are_not_passed_by(session: RecordedMachine) -> None:
    timeline = session.timeline
    timeline.seek(LENGTH // 2)
    here = Stops((Breakpoint(timeline.cpu.read_register("pc")),))
    timeline.seek(10)
    assert timeline.run_forward(here).why is Why.BREAKPOINT
    assert timeline.position <= LENGTH // 2


def test_progress(session: RecordedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttd.timeline.FAR", LENGTH)
    timeline = session.timeline
    shown: list[tuple[float, str]] = []
    timeline.progress = lambda fraction, text: shown.append((fraction, text))
    timeline.run_forward(NEVER)
    assert len(shown) >= 3 and shown == sorted(shown)
    assert all(0 < fraction <= 1 and text == "running" for fraction, text in shown)


def test_a_live_recording_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the past: to the end of what is known, and on from there."""
    session = recording_session(BENCH, tmp_path / "run.ttd")
    timeline = session.timeline
    timeline.run_forward(NO_STOPS, until=LENGTH)
    timeline.seek(1000)
    stored = max(info.step for info in session.recording.snapshots)
    lengths = counted(session, monkeypatch)
    timeline.progress = lambda fraction, text: None
    calls: list[int] = []

    def stop_soon(*limit: int | None, **more: bool) -> RunStop:
        stop = run(*limit, **more)
        calls.append(stop.step)
        if stop.step > LENGTH:
            timeline.interrupt()
        return stop

    run = session.machine.run
    monkeypatch.setattr(session.machine, "run", stop_soon)
    stop = timeline.run_forward(NO_STOPS)
    assert stop.why is Why.INTERRUPTED and stop.step > LENGTH
    assert sum(lengths) <= stop.step - stored
    session.close()
