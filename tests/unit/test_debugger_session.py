"""A debugger's session by itself: no protocol, and a history that is a list."""

from __future__ import annotations

import threading

import pytest

from tests.unit.gdbstub_fake import BACK, COUNTER, LOAD, PROLOGUE, TURN, FakeTimeline
from ttd.debugger.hunt import Quarry
from ttd.debugger.interrupts import Interrupts
from ttd.debugger.marks import Marks
from ttd.debugger.session import Armed, Session
from ttd.debugger.trail import Trail
from ttd.engine.types import Access
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.probe_api import TimelineError
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why

EACH_LOAD = Stops((Breakpoint(LOAD),))
EACH_WRITE = Stops((), (Watchpoint(COUNTER, 4, Access.WRITE),))
FIRST_LOAD = PROLOGUE + 2


def session_at(step: int, timeline: FakeTimeline | None = None) -> Session:
    """A session whose machine is there."""
    session = Session(timeline or FakeTimeline())
    session.timeline.seek(step)
    return session


def run(session: Session, stops: Stops = EACH_LOAD) -> Stop:
    """To the next stop after the present."""
    return session.move(lambda: session.timeline.run_forward(stops), far=True).stop


def walk(session: Session, index: int) -> int:
    """To a place on the trail."""
    session.armed = Armed(session.marks.trail.places[index], index)
    session.move(session.timeline.step_forward)
    return session.timeline.position


def test_what_a_movement_has_found() -> None:
    session = session_at(0)
    found = session.move(lambda: session.timeline.run_forward(EACH_LOAD), far=True)
    assert found.stop.why is Why.BREAKPOINT and found.stop.step == FIRST_LOAD
    assert (found.began, found.armed, found.in_call) == (Place(0, 0), None, False)
    assert session.place == Place(0, FIRST_LOAD)


def test_what_is_armed_takes_the_place_of_one_movement() -> None:
    session = session_at(10)
    session.armed = armed = Armed(Place(0, 500))
    found = session.move(session.timeline.step_forward)
    assert (found.armed, found.stop.step) == (armed, 500)
    assert session.armed is None
    assert session.move(session.timeline.step_forward).stop.step == 501


def test_the_trail_has_runs_and_jumps_and_no_steps() -> None:
    session = session_at(0)
    trail = session.marks.trail
    with pytest.raises(UserError, match="no earlier"):
        trail.back(session.place)
    with pytest.raises(UserError, match="Nothing has run"):
        trail.last()
    run(session)
    session.move(lambda: session.timeline.step_forward(3))
    assert trail.places == [Place(0, 0), Place(0, FIRST_LOAD)]
    assert trail.back(session.place) == trail.last() == 1
    assert walk(session, trail.back(session.place)) == FIRST_LOAD
    assert walk(session, trail.back(session.place)) == 0
    assert walk(session, trail.forward()) == FIRST_LOAD
    assert walk(session, trail.forward()) == FIRST_LOAD + 3
    with pytest.raises(UserError, match="no later"):
        trail.forward()


def test_a_run_whose_last_step_the_front_end_makes_itself() -> None:
    session = session_at(0)
    session.move(
        lambda: session.timeline.run_forward(EACH_WRITE, here=True), far=True, unfinished=True
    )
    assert session.marks.trail.places == []
    session.move(session.timeline.step_forward)
    assert session.marks.trail.places == [Place(0, 0), Place(0, PROLOGUE + 2)]


def test_what_the_front_end_makes_of_an_end_is_where_it_has_led() -> None:
    session = session_at(0)

    def past(stop: Stop) -> Stop:
        return session.timeline.step_forward() if stop.why is Why.WATCHPOINT else stop

    found = session.move(lambda: session.timeline.run_forward(EACH_WRITE), far=True, arrive=past)
    assert found.stop.step == PROLOGUE + 2
    assert session.marks.trail.places[-1] == Place(0, PROLOGUE + 2)


def test_another_time_is_only_looked_at() -> None:
    session = session_at(100)
    assert session.visit(lambda: session.timeline.seek(7), Why.STEPS)
    assert session.visiting and session.place == Place(0, 100)
    assert session.timeline.position == 7
    with pytest.raises(UserError, match="only looked at"):
        session.write_memory(COUNTER, b"\1")
    with pytest.raises(UserError, match="only looked at"):
        session.write_register("r0", 1)
    assert session.visit(lambda: session.timeline.find_pc(BACK), Why.BREAKPOINT)
    assert not session.visit(lambda: session.timeline.find_pc(0x8), Why.BREAKPOINT)
    assert session.timeline.position == PROLOGUE + 2 * TURN - 1, "nothing was found: not moved"
    session.leave()
    assert not session.visiting and session.timeline.position == 100
    session.visit(lambda: session.timeline.seek(7), Why.STEPS)
    assert session.move(session.timeline.step_forward).began == Place(0, 100)
    assert session.timeline.position == 101
    session.visit(lambda: session.timeline.seek(7), Why.STEPS)
    session.close()
    assert session.timeline.position == 101


def test_a_look_that_fails_leads_nowhere() -> None:
    session = session_at(100)

    def fail() -> Stop:
        session.timeline.seek(300)
        raise TimelineError("The page is damaged.")

    for home in (100, 7):
        with pytest.raises(TimelineError, match="damaged"):
            session.visit(fail, Why.STEPS)
        assert session.timeline.position == home and session.place == Place(0, 100)
        session.visit(lambda: session.timeline.seek(7), Why.STEPS)


def test_a_hunt_is_a_run() -> None:
    session = session_at(0)
    session.armed = armed = Armed(Place(0, 500))
    hit = session.hunt(Quarry(Breakpoint(LOAD), every=2))
    assert hit is not None and hit.step == session.timeline.position == FIRST_LOAD + TURN
    assert session.marks.trail.places == [Place(0, 0), Place(0, FIRST_LOAD + TURN)]
    assert session.hunt(Quarry(Breakpoint(0x8)), until=500) is None
    assert session.timeline.position == FIRST_LOAD + TURN
    session.interrupts.seen()
    assert session.hunt(Quarry(Breakpoint(LOAD)), backward=True) is None
    assert not session.interrupts.pending and session.armed is armed
    hit = session.hunt(Quarry(Breakpoint(LOAD)), backward=True)
    assert hit is not None and hit.step == FIRST_LOAD


def test_an_interrupt_persists_until_it_is_answered() -> None:
    session = session_at(500)
    session.interrupts.seen()
    assert session.interrupts.pending
    found = session.move(lambda: session.timeline.run_forward(EACH_LOAD), far=True)
    assert (found.stop.why, found.stop.step) == (Why.INTERRUPTED, 500)
    assert not session.interrupts.pending
    session.interrupts.seen()
    assert not session.visit(lambda: session.timeline.seek(7), Why.STEPS)
    assert session.timeline.position == 500
    assert run(session).why is Why.BREAKPOINT


def test_an_interrupt_ends_what_moves() -> None:
    timeline = FakeTimeline(slow=True)
    session = Session(timeline)

    def ask() -> None:
        timeline.moving.wait()
        session.interrupts.seen()
        session.interrupts.deliver()

    asker = threading.Thread(target=ask)
    asker.start()
    stop = run(session, Stops())
    asker.join()
    assert stop.why is Why.INTERRUPTED and 0 < stop.step < timeline.end


def test_an_interrupt_lets_a_movement_go_back() -> None:
    """To be interrupted again and again on the way back would be never to come there."""
    asked = threading.Event()
    interrupts = Interrupts(asked.set)
    with interrupts.moving():
        interrupts.seen()
        asker = threading.Thread(target=interrupts.deliver)
        asker.start()
        assert asked.wait(10)
        for _ in range(50):
            asked.clear()
            if not asked.wait(0.1):  # the way back takes as long
                break
        else:
            raise AssertionError("it was never left in peace")
    asker.join()


def test_the_end_of_the_process_ends_every_movement() -> None:
    over = threading.Event()
    session = Session(FakeTimeline(), stop=over)
    over.set()
    for _ in range(2):
        assert run(session).why is Why.INTERRUPTED
    assert session.timeline.position == 0


def test_a_movement_that_fails_leads_nowhere() -> None:
    session = session_at(100)

    def fail() -> Stop:
        session.timeline.seek(300)
        raise TimelineError("The page is damaged.")

    with pytest.raises(TimelineError, match="damaged"):
        session.move(fail, far=True)
    assert session.timeline.position == 100
    assert session.marks.trail.places == []


def test_but_not_from_the_end_of_what_is_being_recorded() -> None:
    session = session_at(100, FakeTimeline(live=True))

    def fail() -> Stop:
        session.timeline.seek(session.timeline.end)
        raise TimelineError("The disk is full.")

    with pytest.raises(TimelineError, match="full"):
        session.move(fail, far=True)
    assert session.timeline.position == session.timeline.end


def test_where_a_run_stops_in_any_case() -> None:
    session = session_at(100)
    assert session.run_limit(forward=True) is None
    session.marks.run_break = 300
    assert (session.run_limit(forward=True), session.run_limit(forward=False)) == (300, None)
    session.timeline.seek(300)
    assert session.run_limit(forward=True) is session.run_limit(forward=False) is None


def test_a_restart_forgets_what_was_to_come() -> None:
    session = session_at(100)
    session.armed = Armed(Place(0, 500))
    session.visit(lambda: session.timeline.seek(7), Why.STEPS)
    session.restart()
    assert session.place == Place(0, 0) and session.armed is None and not session.visiting
    assert session.marks.trail.places == [Place(0, 100), Place(0, 0)]


def test_marks_outlive_a_session() -> None:
    marks = Marks()
    first = Session(FakeTimeline(), marks)
    run(first)
    assert marks.add(first.place) == 1
    second = Session(FakeTimeline(), marks)
    assert second.marks.trail.last() == 1
    del marks.checkpoints[1]
    assert marks.add(second.place) == 2, "numbers are never used again"


def test_marks_follow_their_branches() -> None:
    places = [Place(0, 1), Place(7, 2), Place(9, 3), Place(0, 4)]
    marks = Marks()
    marks.trail = trail = Trail(places)
    for place in places:
        marks.add(place)
    trail.here = 2
    marks.follow(lambda place: {0: place, 7: Place(1, place.step)}.get(place.branch))
    assert trail.places == [Place(0, 1), Place(1, 2), Place(0, 4)] and trail.here == 1
    assert marks.checkpoints == {1: Place(0, 1), 2: Place(1, 2), 4: Place(0, 4)}
    marks.follow(lambda place: None)
    assert (trail.places, trail.here, marks.checkpoints) == ([], -1, {})
