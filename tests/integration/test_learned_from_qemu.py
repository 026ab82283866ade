"""What goes wrong with QEMU's record and replay, and must not here.

Ctrl-C in reverse-continue: test_interrupting.py. The end of the log: test_stepping.py.
Writes into the past: test_sessions.py, test_live.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.conftest import FIRMWARE, Record, Server, ttd
from tests.integration.inside import playing_session
from ttd.machine import Machine
from ttd.runs import RunStop
from ttd.stops import Breakpoint, Stops, Why

BENCH = FIRMWARE / "bench"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "bench.ttd"
    result = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", path),
        *("--serial", "null", "--steps", "100000000", BENCH / "bench-systick.elf"),
    )
    assert result.returncode == 0, result.stderr.decode()
    return path


@contextmanager
def counting(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The steps of each run of the machine."""
    runs: list[int] = []
    run = machine.run

    def counted(limit: int | None = None, *, interruptible: bool = True) -> RunStop:
        before = machine.engine.step
        try:
            return run(limit, interruptible=interruptible)
        finally:
            runs.append(machine.engine.step - before)

    with monkeypatch.context() as patch:
        patch.setattr(machine, "run", counted)
        yield runs


def test_a_killed_recorder_leaves_a_good_recording(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    path = tmp_path / "run.ttd"
    server = serve(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", path),
        *("--serial", "stdio", BENCH / "bench-systick.elf"),
    )
    while b"M" not in server.printed or not path.exists():
        assert server.process.poll() is None
        os.sched_yield()
    server.process.kill()
    server.wait()
    facts = json.loads(ttd("info", "--json", path).stdout)
    assert not facts["complete"]
    assert str(facts["steps"]) in facts["end"]
    replayed = ttd("replay", "--verify", path)
    assert replayed.returncode == 0, replayed.stderr.decode()


def test_a_recording_knows_its_machine(record: Record) -> None:
    facts = json.loads(ttd("info", "--json", record("calls").path).stdout)
    assert facts["board"] == "mps2-an385"
    assert facts["clock_ns"] == 40
    assert facts["images"] == ["calls.elf"]
    session = playing_session(record("calls").path)
    assert all(session.recording.config.images.values())
    session.close()


def test_there_are_snapshots_all_along(long_run: Path) -> None:
    session = playing_session(long_run)
    steps = [info.step for info in session.recording.snapshots]
    session.close()
    assert len(steps) >= 3
    assert steps[0] == 0 and steps == sorted(steps)
    assert steps[-1] > 20_000_000


def test_a_row_of_steps_back_costs_one_replay(
    long_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = playing_session(long_run)
    timeline = session.timeline
    place = 70_000_123
    timeline.seek(place)
    timeline.step_backward()
    nearest = max(i.step for i in session.recording.snapshots if i.step <= place)
    with counting(session.machine, monkeypatch) as runs:
        for back in range(2, 300):
            assert timeline.step_backward().step == place - back
    # Much less than going there once from the recording's snapshot.
    assert sum(runs) < max(place - nearest, 100_000) // 2
    session.close()


def test_a_breakpoint_in_a_hot_page_does_not_slow_the_search(
    long_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a hot loop, hit nowhere: the machine is not stopped for it."""
    session = playing_session(long_run)
    timeline = session.timeline
    start = 90_000_000
    timeline.seek(start)
    hot = timeline.cpu.read_register("pc")
    never = 0x40  # Default_Handler, in the page of all the code
    assert hot >> 10 == never >> 10
    with counting(session.machine, monkeypatch) as runs:
        stop = timeline.run_backward(Stops((Breakpoint(never),)))
    assert stop.why is Why.HISTORY_BEGIN
    # Every interval once; the one that it begins in again, for the windows nearest to its start.
    # How long they are depends on the recorder's processor time.
    steps = [info.step for info in session.recording.snapshots]
    assert sum(runs) <= start + 3 * max(b - a for a, b in pairwise(steps))
    assert len(runs) < 200
    session.close()


def test_a_search_skips_what_cannot_contain_the_answer(
    long_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that ran only at the beginning is found without running all that came after."""
    session = playing_session(long_run)
    timeline = session.timeline
    timeline.seek(90_000_000)
    untouched = 0x00100000
    with counting(session.machine, monkeypatch) as runs:
        timeline.run_backward(Stops((Breakpoint(untouched),)))
    assert sum(runs) < 45_000_000
    session.close()


def test_ticks_and_characters_are_small(record: Record, tmp_path: Path) -> None:
    # Of the log alone: when snapshots are stored is a matter of processor time.
    irqs = json.loads(ttd("info", "--json", record("irqs").path).stdout)
    ticks = irqs["events"]["interrupt"]
    assert ticks > 3_000
    assert irqs["event_bytes"] < 3 * ticks + 8192

    sizes = []
    for name, line in (("short", "x"), ("long", "x" * 60)):
        path = tmp_path / f"{name}.ttd"
        result = ttd(
            *("record", "--board", "mps2-an385", "--semihosting", "-o", path),
            FIRMWARE / "echo" / "echo.elf",
            stdin=f"{line}\n".encode() * 80 + b"quit\n",
        )
        assert result.returncode == 0, result.stderr.decode()
        sizes.append(json.loads(ttd("info", "--json", path).stdout)["event_bytes"])
    assert sizes[1] - sizes[0] < 80 * 59 * 3
