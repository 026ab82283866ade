"""GDB's watchpoints on memory that no instruction stores to, both ways."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Server, symbols, ttd
from tests.integration.gdb_mi import Gdb, Record, history_ended
from tests.integration.inside import playing_session
from tests.unit.unseen_runs import elf_of, record
from ttd.engine.types import Access
from ttd.host.files import Null
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import SEMIHOSTING, RecordedMachine, RecordOptions
from ttd.replay.terms import Cause
from ttd.stops import Stops, Watchpoint, Why

pytestmark = pytest.mark.slow

WATCHED = {
    "mps2": {
        "by_stacking[25]": "Written by exception entry 11.",
        "by_bitband": "",
        "by_cmdline[0]": "Written by semihosting SYS_GET_CMDLINE.",
        "by_read[0]": "Written by semihosting SYS_READ.",
        "by_dma[4]": "Written by virtio-rng DMA (rng0).",
        "by_used.index": "Written by virtio-rng DMA (rng0).",
    },
    "microbit": {
        "by_stacking[25]": "Written by exception entry 11.",
        "*(int *)0x20000": "Written by nvmc.",
        "by_tmpnam[0]": "Written by semihosting SYS_TMPNAM.",
    },
    "virt": {
        "by_walk[1]": "Written by page walk.",
        "by_walk[2]": "Written by page walk.",
        "by_paged[1]": "",
        "by_elapsed": "Written by semihosting SYS_ELAPSED.",
        "by_dma[0]": "Written by virtio-rng DMA (rng0).",
    },
    "virt32": {
        "by_walk[512]": "Written by page walk.",
        "by_paged_cmdline[0]": "Written by semihosting SYS_GET_CMDLINE.",
    },
}


@pytest.fixture(scope="module", params=sorted(WATCHED))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(request.param, tmp_path_factory.mktemp("unseen") / f"{request.param}.ttd")


def _changes(gdb: Gdb, command: str) -> list[tuple[str, str, str]]:
    """What GDB shows as old and new value, and what else it prints, to the end in a direction."""
    found = []
    while len(found) < 100:
        stop: Record
        stop, text = gdb.go(command)
        if history_ended(stop, text):
            return found
        assert stop["reason"] == "watchpoint-trigger", (stop, text)
        found.append((stop["value"]["old"], stop["value"]["new"], text))
    raise AssertionError("GDB stops again and again")


def test_old_and_new_values(
    run: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    gdb = attach(elf_of(run.stem), serve("serve", "--port", "0", run).port)
    for expression, note in WATCHED[run.stem].items():
        gdb.goto("start")
        before = gdb.value(expression)
        gdb.say(f"watch {expression}")
        forward = _changes(gdb, "continue")
        assert forward, expression
        assert any(note in text for _, _, text in forward), forward
        backward = _changes(gdb, "reverse-continue")
        assert [(new, old) for old, new, _ in backward] == [
            (old, new) for old, new, _ in reversed(forward)
        ], expression
        assert any(note in text for _, _, text in backward), backward
        assert gdb.value(expression) == before
        gdb.say("delete")


def test_while_recording(
    tmp_path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    """The machine goes back by a step for each, and on from there; what it has asked of the host
    is not asked again."""
    path, elf = tmp_path / "live.ttd", elf_of("mps2")
    server = serve(
        *("record", "--board", "mps2-an385", "--semihosting", "--device", "virtio-rng"),
        *("--gdb", "0", "-o", path, elf),
    )
    gdb = attach(elf, server.port)
    for expression in ("by_stacking[25]", "by_cmdline[0]", "by_read[0]", "by_dma[4]", "by_dma[0]"):
        gdb.say(f"watch {expression}")
    forward = _changes(gdb, "continue")
    assert [text.count("Written by") for _, _, text in forward] == [1] * len(forward)
    assert len(forward) >= 5
    backward = _changes(gdb, "reverse-continue")
    assert [(new, old) for old, new, _ in backward] == [
        (old, new) for old, new, _ in reversed(forward)
    ]
    gdb.goto("end")
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    replayed = ttd("replay", "--verify", path)
    assert replayed.returncode == 0, replayed.stderr


def test_a_reset_loads_again(
    tmp_path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    path, elf = tmp_path / "live.ttd", elf_of("virt")
    server = serve("record", "--board", "virt", "--semihosting", "--gdb", "0", "-o", path, elf)
    gdb = attach(elf, server.port)
    gdb.say("break dma")
    gdb.go("continue")
    gdb.say("delete")
    loaded = gdb.value("*(int *)finish")
    gdb.say("set var *(int *)finish = 0x1234")
    gdb.say("watch *(int *)finish")
    gdb.say("monitor system_reset")
    ((old, new, text),) = _changes(gdb, "continue")
    assert (int(old), int(new)) == (0x1234, loaded)
    assert "Written by reset." in text
    ((new, old, text),) = _changes(gdb, "reverse-continue")
    assert (int(old), int(new)) == (0x1234, loaded)
    gdb.goto("end")
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    assert ttd("replay", "--verify", path).returncode == 0


def test_history_ends_where_a_reset_was_found(tmp_path: Path) -> None:
    """The debugger stands before the reset, and goes; the recording has all of it."""
    path, elf = tmp_path / "live.ttd", elf_of("virt")
    board, loads = MachineChoice("virt", str(elf)).make()
    options = RecordOptions(board, loads, board.ns_per_step, semihosting=True)
    backends = {name: Null() for name in (SEMIHOSTING, *board.serials)}
    session = RecordedMachine.record(options, str(path), backends, SemihostFiles(None), os.urandom)
    timeline = session.timeline
    timeline.run_forward(Stops(), 100)
    code = symbols(elf)["finish"]
    timeline.probe.write_memory(code, bytes(4))
    timeline.trials.keep()
    session.replay.note_position()
    session.replay.reset_request(Cause.HOST)
    stop = timeline.run_forward(Stops(watchpoints=(Watchpoint(code, 4, Access.WRITE),)), here=True)
    assert (stop.why, stop.step) == (Why.WATCHPOINT, 100)
    session.leave("enough")
    session.close()
    played = playing_session(path)
    played.run(None, lambda step: None)
    assert played.machine.engine.step == 101
    played.compare_end()
    played.close()
