"""What a run for programs shares with debuggers: the trail, threads, interrupts that persist."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

import ttd
from tests.integration.inside import FIRMWARE, playing_session
from ttd.api.patience import ctrl_c
from ttd.cpu.armv7m.registers import REGISTERS
from ttd.debugger.session import Session
from ttd.stops import Why

CALLS = FIRMWARE / "calls" / "calls.elf"
TASKS = FIRMWARE / "threads" / "freertos.elf"


@pytest.fixture
def run() -> Iterator[ttd.Run]:
    with ttd.record(board="mps2-an385", image=CALLS, semihosting=True, steps=20_000) as made:
        yield made


def test_the_trail(run: ttd.Run) -> None:
    start = run.place
    assert len(run.trail) == 0
    with pytest.raises(ttd.UserError, match="no earlier"):
        run.trail.back()
    far = run.goto(10_000)
    hit = run.stop_at("inner").previous()
    assert hit is not None
    end = run.go_on()
    assert list(run.trail) == [start, far, hit.place, end]
    assert run.trail[1:3] == [far, hit.place] and hit.place in run.trail
    assert run.back(7) != end
    assert [run.trail.back() for _ in range(4)] == [end, hit.place, far, start]
    assert run.trail.forward() == far == run.place
    run.goto(5)
    with pytest.raises(ttd.UserError, match="no later"):
        run.trail.forward()
    assert repr(run.trail) == f"<trail of {start}, {far}, main:5>"


def test_what_is_not_found_is_not_on_the_trail(run: ttd.Run) -> None:
    run.goto(10_000)
    assert run.stop_at("inner", when="0").next() is None
    with pytest.raises(ttd.UserError):
        run.goto("yesterday")
    assert [place.step for place in run.trail] == [0, 10_000]


def test_the_trail_loses_what_was_on_a_branch_that_is_gone(run: ttd.Run) -> None:
    run.goto(10_000)
    with run.branch_off("to be thrown away", "other"):
        run.go_on(100)
    assert any(place.branch == "other" for place in run.trail)
    with pytest.raises(ttd.UserError, match="main is where all branches come from"):
        run.discard("main")
    run.discard("other")
    assert {place.branch for place in run.trail} == {"main"}
    assert run.trail.back().branch == "main"


def test_ctrl_c_before_the_movement_begins(run: ttd.Run) -> None:
    """It ends the movement that comes, and none after that."""
    recorded = playing_session(run.path)
    session = Session(recorded.timeline)
    with pytest.raises(KeyboardInterrupt), ctrl_c(session.interrupts, recorded.machine):
        signal.raise_signal(signal.SIGINT)
        assert session.move(recorded.timeline.step_forward).stop.why is Why.INTERRUPTED
    assert session.move(recorded.timeline.step_forward).stop.why is Why.STEPS
    assert recorded.timeline.position == 1
    recorded.close()


def test_an_interrupt_ends_all_movements_until_it_is_taken_back(run: ttd.Run) -> None:
    run.interrupt()
    for _ in range(2):
        assert run.goto(10_000) == run.step(5) == run.go_on() == run.begin
        assert run.stop_at("inner").next() is None and run.place == run.begin
    run.go_ahead()
    assert run.goto(10_000).step == 10_000


def test_threads() -> None:
    with ttd.record(board="mps2-an385", image=TASKS, semihosting=True, steps=40_000) as run:
        before = run.threads
        assert [(t.number, t.name, t.running) for t in before] == [(1, "", True)]
        assert before[0].registers == dict(run.registers) and str(before[0]) == "thread 1"
        run.goto(30_000)
        found = {thread.name: thread for thread in run.threads}
        assert set(found) == {"deep", "sleeper", "sulky", "busy", "idle"}
        assert [thread.name for thread in found.values() if thread.running] == ["busy"]
        assert found["busy"].registers["pc"] == run.registers.pc
        sleeper = found["sleeper"]
        assert "blocked" in sleeper.state and str(sleeper).startswith("sleeper, blocked")
        assert sleeper.registers["pc"] != run.registers.pc
        assert set(sleeper.registers) <= {register.name for register in REGISTERS}
        run.goto(40_000)
        assert {thread.name: thread.number for thread in run.threads} == {
            name: thread.number for name, thread in found.items()
        }


def test_threads_after_a_write() -> None:
    """What was read before is not told of what is there now."""
    with ttd.record(board="mps2-an385", image=TASKS, semihosting=True, steps=40_000) as run:
        run.goto(30_000)
        sleeper = next(thread for thread in run.threads if thread.name == "sleeper")
        at = sleeper.registers["sp"] - 4 * 2
        saved = run.memory.u32[at]
        assert saved == sleeper.registers["pc"]
        run.memory.u32[at] = 0x1234
        again = next(thread for thread in run.threads if thread.name == "sleeper")
        assert again.registers["pc"] == 0x1234
