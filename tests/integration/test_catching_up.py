"""Back at the end of a live recording: what is due there is due again, what is new comes after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.state_difference import difference
from tests.integration.walks import GUESTS, Guest, Known, plain, recorder, seen
from ttd.stops import Why

pytestmark = pytest.mark.slow

TIMED = [g for g in GUESTS if g.name in ("irqs", "ticks", "rtos-64", "rtos-32")]


@pytest.mark.parametrize("guest", TIMED, ids=lambda guest: guest.name)
def test_the_end_at_a_timer_s_step_has_one_state(tmp_path: Path, guest: Guest) -> None:
    """What a timer does where the recording ends for now is in no log yet."""
    path = tmp_path / "run.ttd"
    session, _ = recorder(guest, path)
    timeline, clock = session.timeline, session.machine.clock
    known: Known = {}
    for _ in range(12):
        first = clock.agenda.first()
        due = 0 if first is None else -((clock.warp_ns - first) // clock.clock_ns)
        here = timeline.position
        timeline.seek(due if here < due < here + 100_000 else here + 5_000)
        end = timeline.position
        known["main", end] = seen(session)
        for back in (1, 2, 700):
            timeline.step_backward(min(back, end))
            timeline.step_forward(min(back, end))
            assert timeline.position == timeline.end == end
            found = seen(session)
            assert found.hash == known["main", end].hash, difference(known["main", end], found)
    session.leave("enough")
    session.close()
    plain(path, known)


def test_what_is_typed_in_the_past_enters_after_the_end(tmp_path: Path) -> None:
    """At the position that is the end nothing enters, however it is reached again."""
    path = tmp_path / "run.ttd"
    session, line = recorder(TIMED[0], path)
    timeline = session.timeline
    known: Known = {}
    for _ in range(4):
        timeline.seek(timeline.end + 3_000)
        end = timeline.position
        known["main", end] = seen(session)
        for back in (1, 700):
            timeline.step_backward(back)
            line.type(b"x")
            stop = timeline.step_forward(back)
            assert stop.why is Why.STEPS and stop.step == timeline.end == end
            found = seen(session)
            assert found.hash == known["main", end].hash, difference(known["main", end], found)
    session.leave("enough")
    session.close()
    plain(path, known)
