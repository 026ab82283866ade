"""Clients come and go; the history stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import TTD, Record, Server
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


def test_writes_are_refused_with_a_sentence(
    record: Record, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    calls = record("calls")
    before = Path(calls.path).read_bytes()
    gdb = attach(calls.elf, serve("serve", "--port", "0", calls.path).port)
    for change in ("rare = 5", "$r0 = 0x55"):
        refused = gdb.say(f"set var {change}")
        assert "Cannot access memory" in refused or "Could not write" in refused, refused
        # GDB shows the reply to a write of a register, and never that to a write of memory.
        _, noted = gdb.go("stepi")
        assert "finished recording cannot be changed" in refused + noted
    assert gdb.value("rare") == 0
    assert Path(calls.path).read_bytes() == before
