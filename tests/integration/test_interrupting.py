"""Ctrl-C: in both directions and during jumps; afterwards the position is a known one."""

from __future__ import annotations

import random
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import FIRMWARE, Server, ttd
from tests.integration.gdb_mi import HANG, Gdb
from tests.integration.inside import recording_session
from tests.snapshots import no_snapshots
from ttd.stops import Stop, Stops, Why

NO_STOPS = Stops()

BENCH = FIRMWARE / "bench" / "bench-notimer.elf"
NEVER = "$r0 == 0x12345678 && $r1 == 0x12345678 && $r2 == 0x12345678 && $r3 == 0x12345678"


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "bench.ttd"
    result = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", path),
        *("--serial", "null", "--steps", "60000000", BENCH),
    )
    assert result.returncode == 0, result.stderr.decode()
    return path


@pytest.fixture
def server(long_run: Path, serve: Callable[..., Server]) -> Server:
    return serve("--trace-packets", "serve", "--port", "0", long_run)


@pytest.fixture
def gdb(server: Server, attach: Callable[..., Gdb]) -> Gdb:
    return attach(BENCH, server.port)


def slow_down(gdb: Gdb) -> None:
    """A condition on an instruction of the innermost loop, millions of times: no way is short."""
    home = gdb.step
    gdb.goto(30_000_000)
    gdb.say(f"break *{gdb.pc} if {NEVER}")
    gdb.goto(home)


def start(gdb: Gdb, server: Server, command: str) -> None:
    """Have the machine moving: a Ctrl-C before GDB has sent its packet cancels only that."""
    seen = server.settled()
    gdb.start(command)
    server.said(r"<- .*(vCont;c|\$bc)", seen)


def interrupted(gdb: Gdb) -> int:
    """Ctrl-C; returns the position that GDB's user is told."""
    gdb.interrupt()
    stop, text = gdb.stopped()
    assert stop["reason"] == "signal-received"
    assert stop["signal-name"] == "SIGINT"
    found = re.search(r"Step: (\d+) of \d+", text)
    assert found, text
    assert gdb.step == int(found[1])
    assert gdb.pc == int(stop["frame"]["addr"], 16)
    return int(found[1])


def test_reverse_continue(gdb: Gdb, server: Server) -> None:
    gdb.goto(50_000_000)
    home = gdb.registers()
    slow_down(gdb)
    start(gdb, server, "reverse-continue")
    assert interrupted(gdb) == 50_000_000
    assert gdb.registers() == home
    # What comes next is not disturbed, in either direction.
    gdb.go("reverse-stepi")
    gdb.go("stepi")
    assert gdb.registers() == home
    gdb.say("delete")
    gdb.say("break milestone if i > 0")
    gdb.go("continue")
    forward = (gdb.step, gdb.registers())
    gdb.goto(50_000_000)
    gdb.go("continue")
    assert (gdb.step, gdb.registers()) == forward


def test_continue(gdb: Gdb, server: Server) -> None:
    gdb.goto(1_000_000)
    slow_down(gdb)
    start(gdb, server, "continue")
    place = interrupted(gdb)
    assert 1_000_000 <= place < 60_000_000
    here = gdb.registers()
    start(gdb, server, "continue")
    again = interrupted(gdb)
    assert again >= place
    gdb.say("delete")
    gdb.goto(place)
    assert gdb.registers() == here


@pytest.mark.slow
@pytest.mark.parametrize("command", ["continue", "reverse-continue"])
@pytest.mark.parametrize("condition", ['$_streq("a", "b")', NEVER])
def test_once_is_enough(gdb: Gdb, server: Server, command: str, condition: str) -> None:
    """GDB evaluates calls of its own functions itself, and resumes for each hit."""
    gdb.goto(30_000_000)
    gdb.say(f"break *{gdb.pc} if {condition}")
    dice = random.Random(command)
    for _ in range(15):
        gdb.goto(40_000_000 if command == "reverse-continue" else 1000)
        start(gdb, server, command)
        time.sleep(dice.choice((0, 0.01, 0.1)) * dice.random())
        gdb.interrupt()
        # A Ctrl-C that interrupts GDB's evaluation ends the command as well.
        stop, _ = gdb.stopped()
        assert stop["reason"] in ("signal-received", "breakpoint-hit")


@pytest.mark.slow
def test_mi_interrupt(server: Server) -> None:
    """The way front ends do it."""
    gdb = Gdb(BENCH)
    try:
        gdb.say("set mi-async on")
        gdb.say(f"target remote localhost:{server.port}")
        slow_down(gdb)
        for command in ("continue", "reverse-continue"):
            start(gdb, server, command)
            gdb.mi("-exec-interrupt")
            stop, _ = gdb.stopped()
            assert stop["reason"] == "signal-received"
            gdb.goto(40_000_000)
    finally:
        gdb.close()


def test_a_client_that_vanishes_ends_the_search(
    gdb: Gdb, server: Server, attach: Callable[..., Gdb]
) -> None:
    gdb.goto(50_000_000)
    slow_down(gdb)
    start(gdb, server, "reverse-continue")
    gdb.vanish()
    second = attach(BENCH, server.port)
    assert second.step == 50_000_000
    second.go("reverse-stepi")
    assert second.step == 49_999_999


@pytest.mark.slow
def test_sigint_to_the_server_ends_it(gdb: Gdb, server: Server) -> None:
    """Ctrl-C in the server's own terminal, whatever it is doing."""
    slow_down(gdb)
    start(gdb, server, "continue")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() in (0, 130)
    assert not any("Traceback" in line for line in server.lines)


@pytest.mark.slow
def test_during_a_long_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump with no snapshot near: ended early it has not happened at all."""
    no_snapshots(monkeypatch)
    session = recording_session(BENCH, tmp_path / "run.ttd")
    timeline = session.timeline
    timeline.run_forward(NO_STOPS, until=150_000_000)
    begun = threading.Event()
    timeline.progress = lambda fraction, text: begun.set()
    timeline.seek(1_000)
    before = timeline.cpu.read_register("pc"), session.machine.save()
    for move in (
        lambda: timeline.seek(140_000_000),
        lambda: timeline.step_forward(140_000_000),
    ):
        timeline.seek(1_000)
        begun.clear()

        def interrupt() -> None:
            begun.wait(HANG)
            timeline.interrupt()

        thread = threading.Thread(target=interrupt)
        thread.start()
        begun.set()
        stop: Stop = move()  # type: ignore[no-untyped-call]
        thread.join()
        assert stop.step == timeline.position
        if stop.why is Why.INTERRUPTED and timeline.position == 1_000:
            assert (timeline.cpu.read_register("pc"), session.machine.save()) == before
    timeline.seek(10)
    assert timeline.position == 10
    session.close()
