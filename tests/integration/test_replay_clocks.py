"""Clocks: `REPLAY_CLOCK`, the checkpoints of the host's clocks, idle warps that take real time."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.border import (
    FIRMWARE,
    Clocks,
    Line,
    often,
    recorder,
    replay_everywhere,
    run_to_end,
)
from tests.integration.conftest import ttd
from ttd.boards.extras import Extra
from ttd.engine import Engine
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine
from ttd.recording.events import Kind, to_small
from ttd.replay.terms import Cause, Checkpoint, Clock
from ttd.runs import RunEnd

pytestmark = pytest.mark.slow

__all__ = ["often"]

SECOND = 1_000_000_000


def rtc(clock: str) -> Extra:
    return Extra("pl031", "rtc0", {"clock": clock})


def checkpoints(session: RecordedMachine) -> list[Checkpoint]:
    found = session.replay.log.select([Kind.CHECKPOINT])
    return [Checkpoint(to_small(event.payload)) for _, event in found]


@pytest.mark.parametrize(
    ("clock", "kind", "mark"),
    [
        ("host", Kind.CLOCK_HOST, Checkpoint.CLOCK_HOST),
        ("rt", Kind.CLOCK_VIRTUAL_RT, Checkpoint.CLOCK_VIRTUAL_RT),
    ],
)
def test_a_clock_once_a_second(tmp_path: Path, clock: str, kind: Kind, mark: Checkpoint) -> None:
    path, line, clocks = tmp_path / "run.ttd", Line(), Clocks(tick=30_000_000)
    host = HostSides(time=clocks)
    live = recorder("rtc", path, extras=[rtc(clock)], uart=line, host=host, idle=lambda: True)
    while line.output.count(b"\n") < 3:
        live.machine.run(live.machine.engine.step + 100)
    # From here on a look at the clock takes a second.
    clocks.tick = SECOND
    before = sum(1 for _ in live.replay.log.select([kind]))
    run_to_end(live)
    lines = line.output.split(b"\n")
    seconds = [int(text[-2:]) for text in lines[:3]]
    assert [(b - a) % 60 for a, b in pairwise(seconds)] == [1, 1]
    assert lines[3] == b"alarms 00000003"
    changes = int(lines[4].removeprefix(b"changes "))
    output, played = replay_everywhere(path)
    assert output == line.output
    assert checkpoints(played) == [Checkpoint.INIT, mark, mark, mark]
    values = [event for _, event in played.replay.log.select([kind])]
    # The 20000 reads of some milliseconds have asked the host every 100 us.
    assert 30 < changes < 200
    assert changes <= len(values) - before <= changes + 2
    assert len(played.recording.snapshots) > 10


@pytest.mark.parametrize("natively", [True, False])
def test_reads_in_a_tight_loop_however_the_run_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, natively: bool
) -> None:
    path, seed = tmp_path / "run.ttd", random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    host = HostSides(time=Clocks(tick=400_000_000))
    live = recorder("rtc", path, extras=[rtc("host")], host=host, idle=lambda: True)
    while live.machine.ended is None:
        live.machine.run(live.machine.engine.step + dice.choice((1, 7, 300, 20_000)))
    run_to_end(live)
    if not natively:
        monkeypatch.setattr(Engine, "keep_reading", lambda *_: None)
    _, played = replay_everywhere(path)
    end = played.recording.status.steps
    played.timeline.seek(0)
    while (step := played.machine.engine.step) < end:
        played.machine.run(min(end, step + dice.choice((1, 9, 400, 30_000))))
    played.compare_end()


def test_cached_values_are_part_of_every_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    host = HostSides(time=Clocks(tick=30_000_000))
    live = recorder("rtc", path, extras=[rtc("host")], host=host, idle=lambda: True)
    live.machine.run(40_000)
    values = [live.machine.save()["replay"]["clocks"][Clock.HOST.name]]
    first = live.machine.engine.step
    live.machine.run(80_000)
    live.timeline.seek(first)
    values.append(live.machine.save()["replay"]["clocks"][Clock.HOST.name])
    assert values[0] == values[1]
    assert values[0][0] is not None
    live.leave("enough")
    live.close()
    replay_everywhere(path)


def test_a_clock_of_virtual_time_leaves_nothing_in_the_log(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    run_to_end(recorder("rtc", path, extras=[rtc("vm")], uart=line))
    assert line.output.startswith(b"00:00:01\n00:00:02\n00:00:03\n")
    output, played = replay_everywhere(path)
    assert output == line.output
    assert checkpoints(played) == [Checkpoint.INIT]


def test_real_time_passes_while_the_guest_sleeps(tmp_path: Path) -> None:
    """With `realtime` a sleep of three seconds is many short ones of the host's."""
    path, line = tmp_path / "run.ttd", Line()
    clocks = Clocks(tick=7_000_000)
    live = recorder(
        *("rtc", path),
        extras=[rtc("vm")],
        uart=line,
        host=HostSides(time=clocks),
        realtime=True,
        idle=lambda: True,
    )
    run_to_end(live)
    assert 2.9 * SECOND < clocks.running < 6.2 * SECOND
    assert line.output.startswith(b"00:00:01\n00:00:02\n00:00:03\n")
    assert replay_everywhere(path)[0] == line.output


def test_a_stop_in_a_sleep_keeps_what_is_due(tmp_path: Path) -> None:
    """The place becomes a position, by a step in which nothing runs; the timer then wakes it."""
    path, line = tmp_path / "run.ttd", Line()
    calls: list[int] = []

    def idle() -> bool:
        calls.append(live.machine.engine.step)
        if len(calls) % 7 == 3:
            live.machine.interrupt()
        return True

    live = recorder(
        *("rtc", path),
        extras=[rtc("vm")],
        uart=line,
        host=HostSides(time=Clocks(tick=70_000_000)),
        realtime=True,
        idle=idle,
    )
    stops = 0
    while live.machine.ended is None:
        stops += live.machine.run().end is RunEnd.INTERRUPTED
    assert stops > 2
    live.leave("enough")
    live.close()
    assert line.output.startswith(b"00:00:01\n00:00:02\n00:00:03\n")
    assert Checkpoint.CLOCK_WARP_ACCOUNT in checkpoints(replay_everywhere(path)[1])


def test_input_cuts_a_sleep_short(tmp_path: Path) -> None:
    """What comes in during an idle warp enters at its time, and again in play."""
    path, line = tmp_path / "run.ttd", Line()
    presses = [Extra("virtio-keyboard", "keyboard0")]
    moments: list[int] = []

    def idle() -> bool:
        if len(moments) < 200:
            moments.append(live.machine.virtual_ns)
            live.replay.input_event("keyboard0", (1, 30, len(moments) % 2))
            live.replay.input_sync_event("keyboard0")
        return True

    live = recorder(
        *("rtc", path),
        extras=[rtc("vm"), *presses],
        uart=line,
        host=HostSides(time=Clocks(tick=7_000_000)),
        realtime=True,
        idle=idle,
    )
    run_to_end(live)
    assert len(set(moments)) > 100
    assert len(list(live.replay.log.select([Kind.WARP]))) > 100
    assert replay_everywhere(path)[0] == line.output


class Patient(Line):
    """A console on which something is typed when some seconds have passed."""

    def __init__(self, clocks: Clocks) -> None:
        super().__init__()
        self._clocks = clocks

    def read_all(self, count: int) -> bytes:
        self._clocks.now += 11 * SECOND
        return b"c"


@pytest.mark.parametrize("realtime", [False, True])
def test_the_time_after_a_sleep_is_not_that_before(tmp_path: Path, realtime: bool) -> None:
    """However short the sleep is in virtual time: in WFI, in a semihosting call, suspended; from
    there the alarm wakes the machine up."""
    path, line, clocks = tmp_path / "run.ttd", Line(), Clocks(tick=100)
    suspended: list[bool] = []

    def idle() -> bool:
        suspended.append(live.machine.suspended)
        if suspended == [False]:
            clocks.now += 5 * SECOND
            line.type(b"a")
        else:
            clocks.now += SECOND
        return True

    live = recorder(
        "sleeps",
        path,
        extras=[rtc("host"), Extra("power", "power0")],
        uart=line,
        backends={SEMIHOSTING: Patient(clocks)},
        host=HostSides(time=clocks),
        realtime=realtime,
        idle=idle,
    )
    run_to_end(live)
    assert suspended == [False] + [True] * 7
    found = dict(text.split() for text in line.output.decode().splitlines())
    assert found["character"] == f"{ord('c'):08x}"
    assert [int(found[name], 16) for name in ("typed", "read", "awake")] == [5, 11, 7]
    output, played = replay_everywhere(path)
    assert output == line.output
    marks = [Checkpoint.INIT, Checkpoint.SUSPEND_REQUESTED, Checkpoint.CLOCK_HOST]
    assert checkpoints(played) == marks


def test_an_alarm_that_is_masked_wakes_nobody(tmp_path: Path) -> None:
    clocks = Clocks(tick=100)
    live = recorder(
        "rtc",
        tmp_path / "run.ttd",
        extras=[rtc("host")],
        host=HostSides(time=clocks),
        idle=lambda: live.machine.suspended and len(waits) < 30 and not waits.append(0),
    )
    waits: list[int] = []
    clock = live.machine.devices["rtc0"]
    while not clock.host_timer():
        live.machine.run(live.machine.engine.step + 1)
    clock.write(0x10, 4, 0)
    live.replay.suspend_request(Cause.HOST)
    clocks.now += 5 * SECOND
    live.machine.run()
    assert live.machine.suspended and len(waits) == 30
    assert not clock.host_timer(), "it has gone off"
    live.close()


@pytest.mark.slow
def test_the_clock_of_this_host(tmp_path: Path) -> None:
    run = tmp_path / "run.ttd"
    elf = FIRMWARE / "rtc" / "rtc.elf"
    result = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", run),
        *("--device", "pl031", elf),
    )
    assert result.returncode == 0, result.stderr.decode()
    replayed = ttd("replay", "--echo", "--verify", run)
    assert replayed.stdout == result.stdout
    assert b"alarms 00000003" in replayed.stdout


def test_another_clock_rate_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run.ttd"
    run_to_end(recorder("rtc", run, extras=[rtc("vm")]))
    before = run.read_bytes()
    refused = ttd("replay", "--clock", "7", run)
    assert refused.returncode == 2
    assert refused.stderr.decode() == (
        "ttd: clock differs: the recording has 40 ns per step, this machine 7 ns per step\n"
    )
    assert run.read_bytes() == before
    same = RecordedMachine.open(str(run), SemihostFiles(None))
    assert same.machine.clock.clock_ns == 40
