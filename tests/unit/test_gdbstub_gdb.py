"""The real GDB, driven through its machine interface, against the fake timeline."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gdb_mi import MI, Gdb, Record
from tests.unit.gdbstub_fake import BACK, COUNTER, LOAD, LOOP, STORE, FakeTimeline
from tests.unit.test_gdbstub_server import HANG, server

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ROOT / "ttd" / "share" / "ttd-gdb.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("gdb-multiarch"), reason="needs gdb-multiarch"),
]


def history_ended(stop: Record, text: str) -> bool:
    """GDB 13 tells people only; newer ones give a reason to front ends as well."""
    reason = stop.get("reason", "no-history")
    return reason == "no-history" and "No more reverse-execution history" in text


@contextmanager
def connected(
    timeline: FakeTimeline | None = None, how: str = "remote", first: str = "set trace-commands off"
) -> Iterator[tuple[Gdb, FakeTimeline]]:
    timeline = timeline or FakeTimeline()
    with server(timeline) as port:
        gdb = Gdb()
        try:
            gdb.say(first)
            gdb.say(f"target {how} localhost:{port}")
            yield gdb, timeline
        finally:
            gdb.close()


def test_connects_without_complaints() -> None:
    with connected() as (gdb, _):
        text = gdb.say("info registers")
        names = [line.split()[0] for line in text.splitlines()]
        assert names[-6:] == ["sp", "lr", "pc", "xpsr", "msp", "psp"]
        assert "none" in gdb.say("show osabi")
        assert 'currently "arm"' in gdb.say("show architecture")
        assert "str\tr0, [r1, #0]" in gdb.say(f"x/i {STORE}")
        record, _ = gdb.mi("-list-target-features")
        assert "reverse" in record["payload"]["features"]
        assert gdb.say("x/wx 0x40000000").endswith("Cannot access memory at address 0x40000000")
        assert "step 0 of 1000" in gdb.say("info threads")


def test_target_description_gives_no_warning() -> None:
    with server(FakeTimeline()) as port:
        gdb = Gdb()
        try:
            _, text = gdb.mi(f"target remote localhost:{port}")
            about_file = "No executable has been specified and target does not support"
            warnings = [line for line in text.splitlines() if "warning" in line]
            assert warnings == [f"warning: {about_file}"]
        finally:
            gdb.close()


def test_a_second_gdb_is_told_and_turned_away() -> None:
    with server(FakeTimeline()) as port:
        gdb, other = Gdb(), Gdb()
        try:
            gdb.say(f"target remote localhost:{port}")
            record, text = other.mi(f"target remote localhost:{port}")
            assert record["message"] == "error"
            assert "another debugger is connected to ttd" in text + str(record["payload"])
            gdb.go("stepi")
        finally:
            gdb.close()
            other.close()


def test_steps_both_ways() -> None:
    with connected() as (gdb, timeline):
        pcs = [timeline.pc]
        for _ in range(12):
            gdb.go("stepi")
            pcs.append(timeline.pc)
            assert gdb.value("$pc") == timeline.pc
        for pc in reversed(pcs[:-1]):
            gdb.go("reverse-stepi")
            assert gdb.value("$pc") == timeline.pc == pc
        assert history_ended(*gdb.go("reverse-stepi"))
        gdb.go("stepi 100")
        assert timeline.position == 100


def test_breakpoints_both_ways() -> None:
    with connected() as (gdb, timeline):
        gdb.say(f"break *{LOAD}")
        for position in (5, 10, 15):
            stop, _ = gdb.go("continue")
            assert stop["reason"] == "breakpoint-hit"
            assert timeline.position == position
        for position in (10, 5):
            stop, _ = gdb.go("reverse-continue")
            assert stop["reason"] == "breakpoint-hit"
            assert timeline.position == position
        assert history_ended(*gdb.go("reverse-continue"))
        assert timeline.position == 0


def test_conditions_are_evaluated_here() -> None:
    asked = 0

    class Counting(FakeTimeline):
        def run_backward(self, *arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            return super().run_backward(*arguments)

    with connected(Counting()) as (gdb, timeline):
        gdb.say(f"break *{LOAD} if $r0 == 70 || *(int *) {COUNTER} == 30")
        gdb.go("continue")
        assert timeline.position == 150
        gdb.go("continue")
        assert timeline.position == 350
        asked = 0
        gdb.go("reverse-continue")
        assert timeline.position == 150
        assert asked <= 2


@pytest.mark.parametrize("command", ["watch", "awatch"])
def test_watch_shows_old_and_new_values_both_ways(command: str) -> None:
    with connected() as (gdb, timeline):
        gdb.say(f"{command} *(int *) {COUNTER}")
        key = {"watch": "watchpoint-trigger", "awatch": "access-watchpoint-trigger"}[command]
        for old, new in (("0", "1"), ("1", "2")):
            stop, _ = gdb.go("continue")
            assert stop["reason"] == key
            assert (stop["value"]["old"], stop["value"]["new"]) == (old, new)
            assert timeline.pc == LOAD  # just after the store
            if command == "awatch":
                stop, _ = gdb.go("continue")
                assert stop["value"] == {"new": new}
        if command == "awatch":
            gdb.go("reverse-continue")
        for old, new in (("2", "1"), ("1", "0")):
            stop, _ = gdb.go("reverse-continue")
            assert stop["reason"] == key
            assert (stop["value"]["old"], stop["value"]["new"]) == (old, new)
            assert timeline.pc == STORE  # just before it
            if command == "awatch" and new != "0":
                gdb.go("reverse-continue")
        assert history_ended(*gdb.go("reverse-continue"))


def test_rwatch() -> None:
    with connected() as (gdb, timeline):
        gdb.say(f"rwatch *(char *) {COUNTER + 1}")
        stop, _ = gdb.go("continue")
        assert stop["reason"] == "read-watchpoint-trigger"
        assert (timeline.position, timeline.pc) == (6, LOAD + 2)
        gdb.go("continue")
        assert timeline.position == 11
        gdb.go("reverse-continue")
        assert (timeline.position, timeline.pc) == (10, LOAD)


def test_ends_of_history() -> None:
    with connected() as (gdb, timeline):
        stop, text = gdb.go("continue")
        assert history_ended(stop, text)
        assert "The recording ends here: guest called exit(1)." in text
        assert timeline.position == timeline.end
        gdb.go("reverse-stepi")
        assert timeline.position == timeline.end - 1
        assert history_ended(*gdb.go("reverse-continue"))


@pytest.mark.parametrize("command", ["continue", "reverse-continue"])
@pytest.mark.parametrize("way", ["sigint", "-exec-interrupt"])
def test_ctrl_c(command: str, way: str) -> None:
    timeline = FakeTimeline(steps=20_000, slow=True)
    timeline.seek(10_000)
    asynchronous = "on" if way == "-exec-interrupt" else "off"
    with connected(timeline, first=f"set mi-async {asynchronous}") as (gdb, _):
        record, _ = gdb.mi(MI[command])
        assert record["message"] == "running"
        assert timeline.moving.wait(HANG)
        if way == "sigint":
            gdb.interrupt()
        else:
            gdb.mi("-exec-interrupt")
        stop, text = gdb.stopped()
        assert stop["signal-name"] == "SIGINT"
        assert f"Step: {timeline.position} of 20000" in text
        position = timeline.position
        gdb.go("stepi")
        assert timeline.position == position + 1


def test_monitor_and_armed_seek() -> None:
    with connected() as (gdb, timeline):
        assert "Step: 0 of 1000 (0.00%)" in gdb.say("monitor when")
        gdb.say("monitor goto 50%")
        assert gdb.value("$pc") == 8
        stop, _ = gdb.go("stepi")
        assert timeline.position == 500
        assert gdb.value("$pc") == timeline.pc == int(stop["frame"]["addr"], 16)
        assert "There is no monitor command 'xyz'" in gdb.say("monitor xyz")


def test_tfind() -> None:
    # Not through MI: pygdbmi 0.11 does not understand `=traceframe-changed,end`.
    timeline = FakeTimeline()
    with server(timeline) as port:
        script = [
            f"target remote localhost:{port}",
            "stepi 100",
            "tfind 7",
            f'printf "frame %d %d\\n", $pc, *(int *) {COUNTER}',
            "tfind none",
            'printf "home %d\\n", $pc',
            f"tfind pc {LOOP}",
            "tfind none",
            "stepi",
            "tfind 5000",
            'printf "none %d\\n", $trace_frame',
        ]
        arguments = [word for line in script for word in ("-ex", line)]
        result = subprocess.run(
            ["gdb-multiarch", "-nx", "-q", "-batch", *arguments],
            capture_output=True,
            text=True,
            timeout=HANG,
            check=False,
        )
    assert "Found trace frame 7" in result.stdout
    assert f"frame {BACK} 1\n" in result.stdout
    assert f"home {LOAD}\n" in result.stdout
    assert "Found trace frame 103" in result.stdout
    assert "none -1\n" in result.stdout
    assert timeline.position == 101


def test_refused_writes_are_explained() -> None:
    with connected() as (gdb, timeline):
        assert "Cannot access memory" in gdb.say(f"set var *(int *) {COUNTER} = 5")
        _, text = gdb.go("stepi")
        assert "The past cannot be changed" in text
        assert "Could not write register" in gdb.say("set var $r5 = 5")
        assert not timeline.written


def test_writes_at_the_end_of_a_live_recording() -> None:
    with connected(FakeTimeline(live=True)) as (gdb, timeline):
        gdb.go("continue")
        gdb.say(f"set var *(int *) {COUNTER} = 5")
        gdb.say("set var $r5 = 6")
        assert timeline.written == [(COUNTER, b"\5\0\0\0"), ("r5", 6)]


def test_reconnects() -> None:
    with server(FakeTimeline()) as port:
        gdb = Gdb()
        try:
            for goodbye in ("detach", "disconnect", "kill", "detach"):
                gdb.say(f"target remote localhost:{port}")
                gdb.go("stepi")
                gdb.say(goodbye)
            gdb.say(f"target remote localhost:{port}")
            assert "Step: 4 of" in gdb.say("monitor when")
        finally:
            gdb.close()


def test_run_and_kill_in_extended_remote() -> None:
    with connected(how="extended-remote") as (gdb, timeline):
        gdb.say(f"break *{LOAD}")
        gdb.go("continue")
        gdb.go("continue")
        stop, _ = gdb.go("run")
        assert stop["reason"] == "breakpoint-hit"
        assert timeline.position == 5
        gdb.say("kill")
        gdb.go("run")
        assert timeline.position == 5
        gdb.go("reverse-stepi")
        gdb.say("detach")
        assert "Step: 4 of" in gdb.say("monitor when")


def test_stdio() -> None:
    serve = (
        "from tests.unit.gdbstub_fake import FakeTimeline;"
        "from ttd.gdbserver import serve_stdio;"
        "timeline = FakeTimeline(20000, slow=True);"
        "timeline.seek(10000);"
        "serve_stdio(timeline)"
    )
    gdb = Gdb()
    try:
        gdb.say(f"cd {ROOT}")
        gdb.say(f"target remote | {sys.executable} -c '{serve}'")
        gdb.go("reverse-stepi")
        assert "Step: 9999 of" in gdb.say("monitor when")
        gdb.mi(MI["reverse-continue"])
        gdb.interrupt()
        stop, _ = gdb.stopped()
        assert stop["signal-name"] == "SIGINT"
        gdb.say("detach")
    finally:
        gdb.close()


def test_commands_for_gdb() -> None:
    with connected(first=f"source {COMMANDS}") as (gdb, timeline):
        gdb.say(f"watch *(int *) {COUNTER}")
        gdb.go("continue")
        _, text = gdb.go("goto 500")
        assert "Step: 500 of 1000" in text
        assert gdb.value("$pc") == timeline.pc
        assert timeline.position == 500
        # GDB must not compare with the value it saw at the old position.
        stop, _ = gdb.go("reverse-continue")
        assert (stop["value"]["old"], stop["value"]["new"]) == ("100", "99")
        assert "Step: 499" in gdb.say("when")
        assert "Checkpoint 1 at step 499" in gdb.say("checkpoint")
        gdb.go("goto end")
        assert timeline.position == 1000
        gdb.go("restart 1")
        assert timeline.position == 499
        gdb.go("back")
        assert timeline.position == 1000
        gdb.go("forward")
        assert timeline.position == 499
        assert "1  step 499" in gdb.say("info checkpoints")
        assert gdb.say("complete goto s").endswith("\ngoto start\n")
        assert gdb.say("complete restart ").endswith("\nrestart 1\n")
        assert "outside the history" in gdb.say("goto 5000")
        assert timeline.position == 499
        assert "Replaying" in gdb.say("info replay")
        gdb.say("delete checkpoint 1")
        assert "No checkpoints" in gdb.say("info checkpoints")
