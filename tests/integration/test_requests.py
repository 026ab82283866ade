"""Reset, suspension and shutdown, asked for by guest, host and debugger while a machine records."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.border import Line, often, recorder, replay_everywhere, run_to_end
from tests.integration.conftest import Record, Server, symbols, ttd
from tests.integration.gdb_mi import Gdb
from tests.integration.test_live import elf, live, verified
from ttd.boards.extras import Extra
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind, to_small
from ttd.replay.terms import Cause

pytestmark = pytest.mark.slow

__all__ = ["often"]

Serve = Callable[..., Server]
Attach = Callable[..., Gdb]
POWER = Extra("power", "power0")
OUTPUT = b"start 00000001\nstart 00000002\nstart 00000003\nreads 00000000\nsuspending\nawake\n"
PAST = "This is the past: 'monitor branch NAME' begins another future, which can be asked.\n"
COMMANDS = ("system_reset", "system_suspend", "system_wakeup", "quit")


def monitor(gdb: Gdb, command: str) -> str:
    """What is printed for a monitor command."""
    return gdb.say(f"monitor {command}").removeprefix(f"monitor {command}\n")


def logged(path: Path, kind: str) -> list[int]:
    """The steps of the events of a kind."""
    lines = ttd("events", path, "--kind", kind).stdout.decode().splitlines()
    return [int(line.split()[0].replace(",", "")) for line in lines]


def test_reset_by_the_debugger(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    server = live(serve, "calls", path)
    gdb = attach(elf("calls"), server.port)
    gdb.say("break write_rare")
    gdb.go("continue")
    here = gdb.step
    assert "with the next command that resumes" in monitor(gdb, "system_reset")
    assert gdb.step == here
    gdb.say("delete")
    gdb.go("stepi")
    assert gdb.step == here + 1
    start = symbols(elf("calls"))["Reset_Handler"]
    assert start < gdb.pc <= start + 4
    seen = gdb.registers()
    # Before the reset, and over it again.
    gdb.go("reverse-stepi 2")
    assert gdb.step == here - 1
    assert abs(gdb.pc - start) > 4
    gdb.go("stepi 2")
    assert (gdb.step, gdb.registers()) == (here + 1, seen)
    gdb.go("continue")
    gdb.say("kill")
    server.process.send_signal(2)
    server.wait()
    assert verified(path)["end"] == "the guest exited with code 0"
    assert logged(path, "reset") == [here]


def test_suspension_and_shutdown_by_the_debugger(
    serve: Serve, attach: Attach, tmp_path: Path
) -> None:
    path = tmp_path / "run.ttd"
    server = live(serve, "calls", path)
    gdb = attach(elf("calls"), server.port)
    gdb.say("break write_rare")
    gdb.go("continue")
    here = gdb.step
    assert monitor(gdb, "system_wakeup") == "The machine is not suspended.\n"
    monitor(gdb, "system_suspend")
    for command in ("stepi", "continue"):
        text = ""
        # A Ctrl-C may come before the machine has begun to wait: then nothing has happened yet.
        while "The machine is suspended, until 'monitor system_wakeup'." not in text:
            gdb.start(command)
            text = gdb.break_in()
            assert gdb.step == here
    # The past can be visited, and is no way around the suspension.
    gdb.go("reverse-stepi 5")
    gdb.go("stepi 5")
    assert gdb.step == here
    gdb.start("stepi")
    gdb.break_in()
    assert gdb.step == here
    assert "goes on" in monitor(gdb, "system_wakeup")
    gdb.go("reverse-stepi 5")
    gdb.say("delete")
    gdb.go("stepi 6")
    assert gdb.step == here + 1
    monitor(gdb, "quit")
    _, text = gdb.go("continue")
    assert "the recording was ended from outside" in text
    for command in COMMANDS:
        refused = monitor(gdb, command)
        assert refused == PAST
    gdb.go("reverse-stepi")
    for command in COMMANDS:
        assert monitor(gdb, command).count("\n") == 1
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    facts = verified(path)
    assert (facts["steps"], facts["end"]) == (here + 1, "the recording was ended from outside")
    assert logged(path, "suspend") == [here]
    assert logged(path, "shutdown") == [here + 1]


def test_requests_in_the_past_are_refused(
    serve: Serve, attach: Attach, tmp_path: Path, record: Record
) -> None:
    path = tmp_path / "run.ttd"
    gdb = attach(elf("calls"), live(serve, "calls", path).port)
    gdb.go("stepi 20")
    gdb.go("reverse-stepi")
    for command in COMMANDS:
        refused = monitor(gdb, command)
        assert refused == PAST
    finished = attach(elf("calls"), serve("serve", "--port", "0", record("calls").path).port)
    for place in ("start", "end"):
        finished.goto(place)
        for command in COMMANDS:
            refused = monitor(finished, command)
            assert refused == PAST


def test_the_guest_asks_for_all_of_them(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    woken: list[int] = []

    def idle() -> bool:
        assert live.machine.suspended
        woken.append(live.machine.engine.step)
        live.machine.wake_up()
        return True

    live = recorder("power", path, extras=[POWER], uart=line, idle=idle)
    run_to_end(live)
    assert live.machine.ended is not None
    assert live.machine.ended.reason == "the guest switched the machine off"
    assert line.output == OUTPUT
    output, played = replay_everywhere(path)
    assert output == OUTPUT
    events = [event for _, event in played.replay.log.select([*REQUESTS])]
    assert [event.kind for event in events] == [Kind.RESET, Kind.RESET, Kind.SUSPEND, Kind.SHUTDOWN]
    assert {to_small(event.payload) for event in events} == {Cause.GUEST}
    assert woken == [events[2].step]
    assert events[3].step == played.recording.status.steps


REQUESTS = (Kind.RESET, Kind.SUSPEND, Kind.SHUTDOWN)


def test_single_steps_over_the_guests_requests(tmp_path: Path) -> None:
    """Stopped before, at and after each of them, and from there back and on again."""
    path, line = tmp_path / "run.ttd", Line()
    live = recorder("power", path, extras=[POWER], uart=line, idle=lambda: wake(live))
    machine, timeline = live.machine, live.timeline
    while machine.ended is None:
        asked = len(list(live.replay.log.select([*REQUESTS])))
        timeline.seek(timeline.position + 200)
        if len(list(live.replay.log.select([*REQUESTS]))) == asked:
            continue
        (*_, (_, event)) = live.replay.log.select([*REQUESTS])
        here, state = timeline.position, live.snapshots.state_hash(live.snapshots.capture())
        for place in (event.step - 1, event.step, event.step + 1):
            timeline.seek(place)
            timeline.step_backward(3)
            timeline.step_forward(3)
            assert timeline.position == min(place, here)
        timeline.seek(here)
        assert live.snapshots.state_hash(live.snapshots.capture()) == state
    run_to_end(live)
    assert line.output == OUTPUT
    assert replay_everywhere(path)[0] == OUTPUT


def wake(session: RecordedMachine) -> bool:
    session.machine.wake_up()
    return True


def test_the_host_wakes_a_guest_up(tmp_path: Path) -> None:
    path, run = tmp_path / "socket", tmp_path / "run.ttd"
    server = Server(
        *("record", "--board", "mps2-an385", "-o", run, "--device", "power"),
        *("--input", f"unix:{path}", elf("power")),
    )
    try:
        while not server.printed.endswith(b"suspending\n"):
            assert server.process.poll() is None, server.lines
            time.sleep(0.02)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            answers = peer.makefile("rb")
            while server.process.poll() is None:
                try:
                    peer.sendall(b'{"execute": "system_wakeup"}\n')
                    answer = answers.readline()
                except OSError:
                    break
                assert not answer or json.loads(answer) == {"return": {}}
                time.sleep(0.02)
        assert server.wait() == 0, server.lines
    finally:
        server.close()
    assert server.printed == OUTPUT
    assert verified(run)["end"] == "the guest switched the machine off"
    assert ttd("replay", "--echo", run).stdout == OUTPUT
    assert len(logged(run, "reset")) == 2
