"""Nothing looks at a machine in the middle of a step, where play would not come by."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.border import FIRMWARE
from tests.integration.cli_tools import ttd
from tests.integration.inside import playing_session
from ttd.cpu.armv7m.cpu import CortexM
from ttd.recording.events import Kind

SVC = 0xDF
"""Upper byte of the instruction."""
EXC_RETURN = 0xF0000000


@pytest.mark.parametrize(("board", "name"), [("mps2-an385", "faults"), ("microbit", "microbit")])
def test_inputs_enter_before_an_instruction_or_after_what_it_causes(
    tmp_path: Path, board: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a fault is pending that its instruction has raised, input would be at a step at which
    play delivers it before that instruction; likewise between a branch to EXC_RETURN and the
    return. After SVC, which retires, there is a position."""
    path = tmp_path / "run.ttd"
    elf = FIRMWARE / name / f"{name}.elf"
    done = ttd("record", "--board", board, "--semihosting", "--steps", "400000", "-o", path, elf)
    assert done.code in (0, 1), done.err
    session = playing_session(path)
    machine = session.machine
    cpu, engine = machine.cpu, machine.engine
    assert isinstance(cpu, CortexM)
    pending, at_return, looked = set(), 0, 0
    let_in = machine.replay.arrive

    def arrive() -> None:
        nonlocal at_return, looked
        looked += 1
        at_return += engine.pc >= EXC_RETURN
        if cpu.core.synchronous and engine.read(engine.pc - 2, 2)[1] != SVC:
            pending.add(cpu.core.top)
        let_in()

    monkeypatch.setattr(machine.replay, "arrive", arrive)
    end = session.timeline.end
    _, first = next(session.replay.log.select([Kind.INTERRUPT, Kind.EXCEPTION]))
    session.timeline.seek(first.step - 10)
    for _ in range(2000):
        if machine.engine.step >= end:
            break
        session.timeline.step_forward()
    session.close()
    assert looked > 1000
    assert at_return == 0
    assert not pending


def test_a_step_is_one_step_around_every_exception(tmp_path: Path) -> None:
    """Also where the instruction after the last one of a run cannot be fetched."""
    path = tmp_path / "run.ttd"
    elf = FIRMWARE / "faults" / "faults.elf"
    done = ttd("record", "--board", "mps2-an385", "--semihosting", "-o", path, elf)
    assert done.code == 0, done.err
    session = playing_session(path)
    timeline = session.timeline
    steps = [event.step for _, event in session.replay.log.select([Kind.EXCEPTION])]
    assert len(steps) > 20
    for step in steps:
        timeline.seek(step - 3)
        for position in range(step - 2, step + 3):
            timeline.step_forward()
            assert timeline.position == position
    session.close()
