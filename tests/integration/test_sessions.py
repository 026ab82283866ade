"""Clients come and go; the history stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import TTD, Record, Server, ttd
from tests.integration.gdb_mi import Gdb


def test_reconnect_after_each_way_to_go(
    record: Record, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    calls = record("calls")
    server = serve("serve", "--port", "0", calls.path)
    gdb = attach(calls.elf, server.port)
    gdb.say("break inner")
    gdb.go("continue")
    place, there = gdb.step, gdb.registers()
    for goodbye in ("detach", "disconnect", "kill"):
        gdb.say(goodbye)
        gdb.say(f"target remote localhost:{server.port}")
        assert (gdb.step, gdb.registers()) == (place, there)
    gdb.vanish()
    second = attach(calls.elf, server.port)
    assert second.registers() == there
    # The breakpoints of the client that went are gone with it.
    second.go("stepi")
    second.say("break write_rare")
    stop, _ = second.go("continue")
    assert stop["frame"]["func"] == "write_rare"
    assert second.value("rare") == 0x11111111
    assert server.process.poll() is None


def test_run_starts_over(
    record: Record, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    calls = record("calls")
    server = serve("serve", "--port", "0", calls.path)
    gdb = attach(calls.elf, server.port, "extended-remote")
    gdb.say("break write_rare")
    for _ in range(3):
        gdb.go("continue")
    stop, _ = gdb.go("-exec-run")
    assert stop["reason"] == "breakpoint-hit"
    assert gdb.value("rare") == 0
    first = gdb.step
    gdb.say("kill")
    stop, _ = gdb.go("-exec-run")
    assert gdb.step == first
    gdb.say("delete")
    gdb.go("reverse-continue")
    assert gdb.step == 0


def test_standard_input_and_output(record: Record, attach: Callable[..., Gdb]) -> None:
    calls = record("calls")
    command = f"{TTD[0]} -c '{TTD[2]}' serve --stdio {calls.path}"
    gdb = attach(calls.elf, f"| {command}")
    gdb.say("break write_rare")
    gdb.go("continue")
    gdb.go("reverse-stepi")
    gdb.go("stepi")
    assert gdb.pc == calls.symbols["write_rare"]
    gdb.say("detach")
    gdb.say(f"target remote | {command}")
    assert gdb.step == 0


@pytest.mark.slow
def test_two_servers_on_one_recording(
    record: Record, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    calls = record("calls")
    clients = [attach(calls.elf, serve("serve", "--port", "0", calls.path).port) for _ in range(2)]
    for number, gdb in enumerate(clients):
        gdb.goto(1000 * (number + 1))
    assert [gdb.step for gdb in clients] == [1000, 2000]


@pytest.mark.slow
def test_a_write_in_the_past_begins_a_branch_and_says_so(
    record: Record, serve: Callable[..., Server], attach: Callable[..., Gdb], tmp_path: Path
) -> None:
    calls, path = record("calls"), tmp_path / "run.ttd"
    shutil.copyfile(calls.path, path)
    server = serve("serve", "--port", "0", path)
    gdb = attach(calls.elf, server.port)
    for number, change in enumerate(("rare = 5", "$r0 = 0x55"), 1):
        gdb.goto("main:100")
        gdb.say(f"set var {change}")
        _, noted = gdb.go("stepi")
        assert noted.count(f"Branch b{number} begins at step 100, as ") == 1
        assert noted.count("; what was to come stays on main.\n") == 1
    assert gdb.value("rare") == 0
    gdb.goto("b1:100")
    assert gdb.value("rare") == 5
    # What changes nothing begins nothing.
    gdb.goto("main:100")
    gdb.say("set var rare = rare")
    gdb.say("set var $r0 = $r0")
    _, noted = gdb.go("stepi")
    assert "begins" not in noted
    gdb.say("detach")
    server.process.terminate()
    assert server.wait() == 0
    for branch in ("main", "b1", "b2"):
        assert ttd("replay", path, "--branch", branch).returncode == 0
