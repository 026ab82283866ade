"""SysTick (DDI0403E B3.3) against a model that counts every tick."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.armv7m_doubles import HandClock
from ttd.cpu.armv7m.systick import CLKSOURCE, COUNTFLAG, ENABLE, NOREF, TICKINT, SysTick

ON = ENABLE | TICKINT | CLKSOURCE


class Counter:
    """The hardware: one call per clock tick."""

    def __init__(self) -> None:
        self.control = self.reload = self.value = 0
        self.countflag = False
        self.pends = 0

    def tick(self) -> None:
        if not self.control & ENABLE:
            return
        if self.value == 0:
            self.value = self.reload
            return
        self.value -= 1
        if self.value == 0:
            self.countflag = True
            self.pends += bool(self.control & TICKINT)


def started(clock: HandClock, reload: int, control: int = ON, hz: int = 1_000_000_000) -> SysTick:
    timer = SysTick(clock, hz, 0)
    timer.write_rvr(reload)
    timer.write_cvr()
    timer.write_csr(control)
    return timer


def test_first_period_begins_with_the_reload() -> None:
    clock = HandClock()
    timer = started(clock, 3)
    values = []
    for clock.time in range(10):
        values.append(timer.read_cvr())
    assert values == [0, 3, 2, 1, 0, 3, 2, 1, 0, 3]


def test_deadlines_are_the_times_of_zero() -> None:
    clock = HandClock()
    timer = started(clock, 3)
    seen = []
    for _ in range(3):
        clock.time = timer.deadline() or 0
        seen.append(clock.time)
        assert timer.catch_up()
        assert not timer.catch_up()
    assert seen == [4, 8, 12]


def test_deadline_is_the_first_nanosecond_of_its_tick() -> None:
    clock = HandClock()
    timer = started(clock, 1, hz=3)  # a tick is a third of a second
    deadline = timer.deadline()
    assert deadline == 666_666_667
    clock.time = deadline - 1
    assert not timer.catch_up()
    clock.time = deadline
    assert timer.catch_up()


def test_countflag_is_cleared_by_reading_it_and_by_writing_the_counter() -> None:
    clock = HandClock()
    timer = started(clock, 3, ENABLE | CLKSOURCE)
    assert timer.deadline() is None
    clock.time = 4
    assert not timer.catch_up()
    assert timer.read_csr() == ENABLE | CLKSOURCE | COUNTFLAG
    assert timer.read_csr() == ENABLE | CLKSOURCE
    clock.time = 8
    timer.catch_up()
    timer.write_cvr()
    assert timer.read_csr() == ENABLE | CLKSOURCE


def test_without_a_reload_the_counter_stops_at_zero() -> None:
    clock = HandClock()
    timer = started(clock, 5)
    clock.time = 2
    timer.write_rvr(0)
    assert timer.read_cvr() == 4
    assert timer.deadline() == 6
    clock.time = 100
    assert timer.catch_up()
    assert timer.read_cvr() == 0
    assert timer.deadline() is None


def test_calibration_and_the_reference_clock() -> None:
    clock = HandClock()
    timer = SysTick(clock, 25_000_000, 0)
    timer.write_csr(0)
    assert timer.read_csr() == CLKSOURCE
    assert timer.read_calib() == NOREF
    timer = SysTick(clock, 25_000_000, 1_000_000)
    assert timer.read_calib() == 9999
    timer.write_rvr(999)
    timer.write_csr(ENABLE | TICKINT)
    assert timer.deadline() == 1_000_000


OPERATION = (
    st.tuples(st.just("look"), st.just(0))
    | st.tuples(st.just("csr"), st.sampled_from([0, ENABLE, TICKINT, ENABLE | TICKINT]))
    | st.tuples(st.just("rvr"), st.integers(0, 6))
    | st.tuples(st.just("cvr"), st.just(0))
    | st.tuples(st.just("read"), st.just(0))
)


def apply(timer: SysTick, operation: str, value: int) -> int | None:
    if operation == "csr":
        timer.write_csr(value | CLKSOURCE)
    elif operation == "rvr":
        timer.write_rvr(value)
    elif operation == "cvr":
        timer.write_cvr()
    elif operation == "read":
        return timer.read_csr() & COUNTFLAG
    return None


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 12), OPERATION), max_size=25), st.integers(1, 4))
def test_it_counts_as_the_hardware_does(
    script: list[tuple[int, tuple[str, int]]], tick_ns: int
) -> None:
    clock = HandClock()
    timer = SysTick(clock, 1_000_000_000 // tick_ns, 0)
    counter = Counter()
    pends = 0
    for wait, (operation, value) in script:
        for _ in range(wait * tick_ns):
            before = clock.time * timer.hz // 1_000_000_000
            clock.time += 1
            for _ in range(clock.time * timer.hz // 1_000_000_000 - before):
                counter.tick()
            deadline = timer.deadline()
            if deadline is not None and deadline <= clock.time:
                assert deadline == clock.time
                pends += timer.catch_up()
        pends += timer.catch_up()
        flag = apply(timer, operation, value)
        if operation == "csr":
            counter.control = value
        elif operation == "rvr":
            counter.reload = value
        elif operation == "cvr":
            counter.value = 0
            counter.countflag = False
        elif operation == "read":
            assert bool(flag) == counter.countflag
            counter.countflag = False
        assert timer.read_cvr() == counter.value
        assert pends == counter.pends


@given(
    st.lists(st.tuples(st.integers(0, 50), OPERATION), max_size=15),
    st.lists(st.integers(1, 400), max_size=30),
    st.integers(1, 60_000_000),
)
def test_looking_changes_nothing(
    script: list[tuple[int, tuple[str, int]]], looks: list[int], hz: int
) -> None:
    """One timer is looked at in between, the other is not; both end the same."""
    results = []
    for extra in ([], looks):
        clock = HandClock()
        timer = SysTick(clock, hz, 0)
        now = pends = 0
        seen: list[object] = []
        for wait, (operation, value) in script:
            until = now + wait
            while (due := timer.deadline()) is not None and due <= until:
                clock.time = due
                pends += timer.catch_up()
            for at in extra:
                if now < at < until and at > clock.time:
                    clock.time = at
                    timer.catch_up()
                    timer.read_cvr()
                    timer.load(timer.save())
            clock.time = now = until
            pends += timer.catch_up()
            seen.append((apply(timer, operation, value), timer.read_cvr(), timer.deadline()))
        results.append((seen, pends, timer.save()))
    assert results[0] == results[1]


@pytest.mark.parametrize("control", [0, ENABLE | CLKSOURCE, ON])
def test_save_load_save(control: int) -> None:
    clock = HandClock()
    timer = started(clock, 7, control)
    clock.time = 5
    state = timer.save()
    other = SysTick(clock, timer.hz, 0)
    other.load(state)
    assert other.save() == state
    assert (other.read_cvr(), other.deadline()) == (timer.read_cvr(), timer.deadline())
