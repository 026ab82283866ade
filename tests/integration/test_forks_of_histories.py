"""Branches that begin where another one did, or at a snapshot: each can be opened and replayed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.walks import GUESTS, plain, recorder
from ttd.history.place import Place
from ttd.recorded import RecordedMachine
from ttd.stops import Stops, Why

pytestmark = pytest.mark.slow
"""`make check` does without."""

GUEST = next(guest for guest in GUESTS if guest.name == "blob-cortex-m3")
REGISTERS = ("r4", "r5")


def ended(path: Path) -> RecordedMachine:
    """A live session whose guest has come to its end, with some input on the way."""
    session, line = recorder(GUEST, path)
    timeline = session.timeline
    timeline.step_forward(2000)
    line.type(b"xy")
    while timeline.run_forward(Stops()).why is not Why.HISTORY_END:
        pass
    return session


def branch(session: RecordedMachine, step: int, name: str = "r4") -> str:
    """What is written at a step, kept; the name of the branch that it makes."""
    timeline = session.timeline
    timeline.seek(step)
    timeline.probe.write_register(name, random.randrange(1, 1 << 31))
    timeline.trials.keep()
    return session.branches.present.name


def leave(session: RecordedMachine, path: Path) -> None:
    session.leave("enough")
    session.close()
    plain(path, {})


def test_before_the_beginning_of_the_present_one(tmp_path: Path) -> None:
    """It leaves the parent, whose events are stored in other pieces than the branch's."""
    path = tmp_path / "run.ttd"
    session = ended(path)
    names = [branch(session, step) for step in (50_000, 40_000, 39_999, 100)]
    assert len(set(names)) == len(names)
    leave(session, path)


@pytest.mark.parametrize("step", [0, 60_000])
def test_at_a_step_with_a_snapshot(step: int, tmp_path: Path) -> None:
    """A branch begins with a snapshot of its own."""
    path = tmp_path / "run.ttd"
    session = ended(path)
    made = []
    for name in REGISTERS:
        session.timeline.go_to(Place(0, step))
        made.append(branch(session, step, name))
    assert len(set(made)) == len(made)
    leave(session, path)


def test_something_is_on_trial_when_the_debugger_leaves(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    session = ended(path)
    branch(session, 70_000)
    session.timeline.seek(30_000)
    session.timeline.probe.write_register("r5", 77)
    assert session.timeline.trials.present is not None
    leave(session, path)


def test_interrupted_where_it_turns_to_another_one(tmp_path: Path) -> None:
    """It stands at a position then, with what has entered there."""
    path = tmp_path / "run.ttd"
    session, _ = recorder(GUEST, path)
    timeline = session.timeline
    timeline.probe.write_register("r4", 5)
    timeline.trials.keep()
    timeline.step_forward(1000)
    branch(session, 1)
    turn_to = session.branches.turn_to

    def and_interrupt(number: int) -> None:
        turn_to(number)
        timeline.interrupt()

    session.branches.turn_to = and_interrupt  # type: ignore[method-assign]
    assert timeline.go_to(Place(0, 900)).why is Why.INTERRUPTED
    assert timeline.position == 0
    assert timeline.cpu.read_register("r4") == 5
    del session.branches.turn_to
    leave(session, path)
