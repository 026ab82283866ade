"""Functions that a debugger calls and that do not return: whoever waits for one is asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import Record
from ttd.debugger.session import Found, Session
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.stops import Breakpoint, Stops, Why

STEP = 27000
LOOP = 0x20001000
LOOPS = {"computes": b"\xfe\xe7", "sleeps": b"\x30\xbf\xfd\xe7"}
"""Instructions: `b .`, and `wfi` before it."""


@pytest.mark.parametrize("name", LOOPS)
def test_a_function_that_does_not_return(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("ttd.debugger.session.CALL_SECONDS", 0.2)
    recorded = record("calls")
    path = shutil.copyfile(recorded.path, tmp_path / "run.ttd")
    opened = RecordedMachine.open(str(path), SemihostFiles(None))
    # As at a machine that is being recorded: something might come from outside.
    opened.machine.onlooker = None
    timeline, home = opened.timeline, recorded.symbols["Reset_Handler"]
    stops = Stops((Breakpoint(home),))
    session = Session(timeline, stops=lambda: stops)
    timeline.seek(STEP)
    before = timeline.cpu.read_registers(("pc", "lr"))
    session.write_register("lr", home | 1)
    session.write_memory(LOOP, LOOPS[name])
    session.write_register("pc", LOOP)

    def run() -> Found:
        return session.move(lambda: timeline.run_forward(stops), far=True)

    found = run()
    assert found.stop.why is Why.ASLEEP and found.in_call
    assert "has not returned for 0.2 seconds; 'continue' goes on with it" in found.stop.note
    reached = timeline.position
    # Who goes on with it waits as long as they like.
    session.interrupts.seen()
    assert run().stop.why is Why.INTERRUPTED
    assert timeline.position >= reached
    session.close()
    assert timeline.position == STEP
    assert timeline.cpu.read_registers(("pc", "lr")) == before
    opened.close()
