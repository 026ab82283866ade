"""SysTick (DDI0403E B3.3) against a model that counts every tick."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.armv7m_doubles import SYST_CSR, SYST_CVR, SYST_RVR, Bench, reset_bench
from ttd.cpu.armv7m import exceptions as exc
from ttd.engine._native import lib
from ttd.state import State

ENABLE, TICKINT, CLKSOURCE = 1, 2, 4
COUNTFLAG, NOREF = 1 << 16, 1 << 31
ON = ENABLE | TICKINT | CLKSOURCE


class Timer:
    """SysTick of a core whose time is set by hand; accesses do not account for it by themselves."""

    def __init__(self, hz: int, bench: Bench | None = None) -> None:
        self.bench = bench or reset_bench()
        self.bench.native.hz = hz
        self.hz = hz

    @property
    def time(self) -> int:
        return self.bench.clock.time

    @time.setter
    def time(self, ns: int) -> None:
        self.bench.clock.time = ns

    def catch_up(self) -> bool:
        """Account for the time until now; has the exception become pending?"""
        lib.armv7m_catch_up(self.bench.native)
        pends = bool(self.bench.cpu.scs.table.pending >> exc.SYSTICK & 1)
        self.bench.sets(pending=0)
        return pends

    def deadline(self) -> int | None:
        return self.bench.deadline()

    def csr(self) -> int:
        return self.bench.scs_read(SYST_CSR)

    def cvr(self) -> int:
        return self.bench.scs_read(SYST_CVR)

    def write(self, offset: int, value: int) -> None:
        self.bench.scs_write(offset, value)

    def save(self) -> State:
        return self.bench.cpu.scs.systick.save()

    def load(self, state: State) -> None:
        self.bench.cpu.scs.systick.load(state)


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


def started(reload: int, control: int = ON, hz: int = 1_000_000_000) -> Timer:
    timer = Timer(hz)
    timer.write(SYST_RVR, reload)
    timer.write(SYST_CVR, 0)
    timer.write(SYST_CSR, control)
    return timer


def test_first_period_begins_with_the_reload() -> None:
    timer = started(3)
    values = []
    for timer.time in range(10):
        values.append(timer.cvr())
    assert values == [0, 3, 2, 1, 0, 3, 2, 1, 0, 3]


def test_deadlines_are_the_times_of_zero() -> None:
    timer = started(3)
    seen = []
    for _ in range(3):
        timer.time = timer.deadline() or 0
        seen.append(timer.time)
        assert timer.catch_up()
        assert not timer.catch_up()
    assert seen == [4, 8, 12]


def test_deadline_is_the_first_nanosecond_of_its_tick() -> None:
    timer = started(1, hz=3)  # a tick is a third of a second
    deadline = timer.deadline()
    assert deadline == 666_666_667
    timer.time = deadline - 1
    assert not timer.catch_up()
    timer.time = deadline
    assert timer.catch_up()


def test_countflag_is_cleared_by_reading_it_and_by_writing_the_counter() -> None:
    timer = started(3, ENABLE | CLKSOURCE)
    assert timer.deadline() is None
    timer.time = 4
    assert not timer.catch_up()
    assert timer.csr() == ENABLE | CLKSOURCE | COUNTFLAG
    assert timer.csr() == ENABLE | CLKSOURCE
    timer.time = 8
    timer.catch_up()
    timer.write(SYST_CVR, 5)
    assert timer.csr() == ENABLE | CLKSOURCE


def test_without_a_reload_the_counter_stops_at_zero() -> None:
    timer = started(5)
    timer.time = 2
    timer.write(SYST_RVR, 0)
    assert timer.cvr() == 4
    assert timer.deadline() == 6
    timer.time = 100
    assert timer.catch_up()
    assert timer.cvr() == 0
    assert timer.deadline() is None


def test_calibration_and_the_reference_clock() -> None:
    timer = Timer(25_000_000)
    timer.write(SYST_CSR, 0)
    assert timer.csr() == CLKSOURCE
    assert timer.bench.scs_read(0x01C) == NOREF
    timer = Timer(25_000_000, Bench(reference_hz=1_000_000))
    assert timer.bench.scs_read(0x01C) == 9999
    timer.write(SYST_RVR, 999)
    timer.write(SYST_CSR, ENABLE | TICKINT)
    assert timer.deadline() == 1_000_000


OPERATION = (
    st.tuples(st.just("look"), st.just(0))
    | st.tuples(st.just("csr"), st.sampled_from([0, ENABLE, TICKINT, ENABLE | TICKINT]))
    | st.tuples(st.just("rvr"), st.integers(0, 6))
    | st.tuples(st.just("cvr"), st.just(0))
    | st.tuples(st.just("read"), st.just(0))
)


def apply(timer: Timer, operation: str, value: int) -> int | None:
    if operation == "csr":
        timer.write(SYST_CSR, value | CLKSOURCE)
    elif operation == "rvr":
        timer.write(SYST_RVR, value)
    elif operation == "cvr":
        timer.write(SYST_CVR, value)
    elif operation == "read":
        return timer.csr() & COUNTFLAG
    return None


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.integers(0, 12), OPERATION), max_size=25), st.integers(1, 4))
def test_it_counts_as_the_hardware_does(
    script: list[tuple[int, tuple[str, int]]], tick_ns: int
) -> None:
    timer = Timer(1_000_000_000 // tick_ns)
    counter = Counter()
    pends = 0
    for wait, (operation, value) in script:
        for _ in range(wait * tick_ns):
            before = timer.time * timer.hz // 1_000_000_000
            timer.time += 1
            for _ in range(timer.time * timer.hz // 1_000_000_000 - before):
                counter.tick()
            deadline = timer.deadline()
            if deadline is not None and deadline <= timer.time:
                assert deadline == timer.time
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
        assert timer.cvr() == counter.value
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
        timer = Timer(hz)
        now = pends = 0
        seen: list[object] = []
        for wait, (operation, value) in script:
            until = now + wait
            while (due := timer.deadline()) is not None and due <= until:
                timer.time = due
                pends += timer.catch_up()
            for at in extra:
                if now < at < until and at > timer.time:
                    timer.time = at
                    pends += timer.catch_up()
                    timer.cvr()
                    timer.load(timer.save())
            timer.time = now = until
            pends += timer.catch_up()
            seen.append((apply(timer, operation, value), timer.cvr(), timer.deadline()))
        results.append((seen, pends, timer.save()))
    assert results[0] == results[1]


@pytest.mark.parametrize("control", [0, ENABLE | CLKSOURCE, ON])
def test_save_load_save(control: int) -> None:
    timer = started(7, control)
    timer.time = 5
    state = timer.save()
    other = Timer(timer.hz, reset_bench(1))
    other.time = timer.time
    other.load(state)
    assert other.save() == state
    assert (other.cvr(), other.deadline()) == (timer.cvr(), timer.deadline())
