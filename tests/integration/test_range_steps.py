"""Steps over a range of addresses run in the engine, and end where single steps would."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.cli_tools import raw, ttd
from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from ttd.recorded import RecordedMachine
from ttd.stops import Breakpoint, Stop, Stops, Why

LONGEST = 3_000
"""Steps that the slow way is followed."""


def step_by_step(session: RecordedMachine, start: int, end: int, stops: Stops) -> Stop | None:
    """The same, one step at a time; None if it goes on for too long."""
    timeline = session.timeline
    for _ in range(LONGEST):
        stop = timeline.run_forward(stops, timeline.position + 1, here=True)
        if stop.why is not Why.STEPS or not start <= stop.pc < end:
            return stop
    return None


@pytest.mark.parametrize(
    "name",
    [
        "mpu",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("calls", "irqs", "faults", "selfmod")),
    ],
)
def test_ranges_end_where_single_steps_would(name: str, tmp_path: Path) -> None:
    record_to_end(FIRMWARE / name / f"{name}.elf", tmp_path / "run.ttd")
    session = playing_session(tmp_path / "run.ttd")
    timeline = session.timeline
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    compared = 0
    for _ in range(60):
        timeline.seek(choose.randrange(timeline.end))
        home, pc = timeline.position, session.machine.engine.pc
        start = pc - 2 * choose.choice((0, 0, 1, 5, 40))
        end = pc + 2 * choose.choice((1, 2, 3, 8, 40, 4000))
        # Not where it begins: a breakpoint there has been met already.
        places = [pc + 2 * choose.randrange(1, 40) for _ in range(choose.randrange(3))]
        stops = Stops(tuple(map(Breakpoint, places)))
        expected = step_by_step(session, start, end, stops)
        if expected is None:
            continue
        state = session.snapshots.state_hash(session.snapshots.capture())
        timeline.seek(home)
        found = timeline.range_step(start, end, stops)
        assert (found.why, found.step, found.pc) == (expected.why, expected.step, expected.pc)
        assert session.snapshots.state_hash(session.snapshots.capture()) == state
        compared += 1
    assert compared > 20
    session.close()


def test_what_is_due_where_a_range_is_left_has_come(tmp_path: Path) -> None:
    """SysTick runs out again and again, in a loop that branches out of every range."""
    # Handler and start: mrs r0, ipsr; cbz r0, start; bx lr
    code = [0xF3EF, 0x8005, 0xB100, 0x4770]
    # start: ldr r0, [pc, #..]; movs r1, #20; str r1, [r0, #4]; movs r1, #7; str r1, [r0]
    code += [0x480D, 0x2114, 0x6041, 0x2107, 0x6001]
    # loop: nop; nop; b loop
    code += [0xBF00, 0xBF00, 0xE7FC]
    image = raw(tmp_path / "loop.bin", code, [0xE000E010])
    run = tmp_path / "run.ttd"
    done = ttd("record", "--board", "mps2-an385", "--steps", "300", "-o", run, image)
    assert done.code == 0, done.err
    session = playing_session(run)
    timeline, engine = session.timeline, session.machine.engine

    def state() -> bytes:
        return session.snapshots.state_hash(session.snapshots.capture())

    for home in range(10, 290):
        timeline.seek(home)
        pc = engine.pc
        timeline.seek(home + 2)
        expected = state()
        timeline.seek(home)
        stop = timeline.range_step(pc, pc + 4, Stops())
        if stop.step == home + 2:
            assert state() == expected, home
        # Where it is left an interrupt may be due: it has not been taken yet.
        timeline.seek(home)
        left = step_by_step(session, pc, pc + 4, Stops())
        assert left is not None
        assert (stop.step, stop.pc) == (left.step, left.pc)
    session.close()
