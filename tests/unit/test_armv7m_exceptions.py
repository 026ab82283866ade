"""Priorities and pending state (DDI0403E B1.5.4, B3.4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.armv7m_doubles import FIRST_IRQ, ICER, ICPR, IPR, ISER, ISPR, Bench, reset_bench
from ttd.cpu.armv7m import exceptions as exc
from ttd.engine._native import lib

AIRCR_KEY = 0x05FA0000
LOWEST = 256
SETS = ("pending", "active", "enabled", "levels")


def irq(number: int) -> int:
    return 1 << (FIRST_IRQ + number)


@pytest.fixture
def bench() -> Bench:
    """All interrupts are enabled."""
    made = Bench(priority_bits=3)
    made.scs_write(ISER, 0xFFFFFFFF)
    return made


def table(bench: Bench) -> tuple[int, int]:
    """The most urgent exception, and it again if it beats those active."""
    return bench.native.top, bench.native.takeable


def group(bench: Bench, prigroup: int) -> None:
    bench.scs_write(0xD0C, AIRCR_KEY | prigroup << 8)


def priority(bench: Bench, number: int, value: int) -> None:
    bench.scs_write(IPR + number, value, 1)


def execution_priority(bench: Bench, primask: int, faultmask: int, basepri: int) -> int:
    bench.put(primask=primask, faultmask=faultmask, basepri=basepri)
    return lib.armv7m_execution_priority(bench.native, False)  # type: ignore[no-any-return]


def test_a_disabled_interrupt_is_not_taken(bench: Bench) -> None:
    bench.scs_write(ICER, 1 << 3)
    bench.scs_write(ISPR, 1 << 3)
    assert table(bench) == (0, 0)
    bench.scs_write(ISER, 1 << 3)
    assert table(bench) == (FIRST_IRQ + 3, FIRST_IRQ + 3)


def test_the_lowest_priority_value_comes_first_and_ties_go_to_the_lowest_number(
    bench: Bench,
) -> None:
    priority(bench, 1, 0x40)
    priority(bench, 2, 0x20)
    priority(bench, 5, 0x20)
    bench.scs_write(ISPR, 1 << 1 | 1 << 5 | 1 << 2)
    assert bench.native.top == FIRST_IRQ + 2
    bench.sets(pending=bench.cpu.scs.table.pending | 1 << exc.NMI | 1 << exc.HARD_FAULT)
    assert bench.native.top == exc.NMI


def test_only_the_group_priority_preempts(bench: Bench) -> None:
    group(bench, 6)  # bit 7
    priority(bench, 0, 0x60)
    priority(bench, 1, 0x20)
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.scs_write(ISPR, 2)
    assert table(bench) == (FIRST_IRQ + 1, 0)
    group(bench, 4)
    assert table(bench) == (FIRST_IRQ + 1, FIRST_IRQ + 1)
    group(bench, 7)
    assert bench.native.active_group == 0


def test_the_subpriority_orders_what_is_pending(bench: Bench) -> None:
    group(bench, 7)
    priority(bench, 0, 0xE0)
    priority(bench, 9, 0x20)
    bench.scs_write(ISPR, 1 << 0 | 1 << 9)
    assert bench.native.top == FIRST_IRQ + 9


@pytest.mark.parametrize(
    ("primask", "faultmask", "basepri", "expected"),
    [
        (0, 0, 0, LOWEST),
        (0, 0, 0x40, 0x40),
        (0, 0, 0x1F, LOWEST),  # bits that the core does not have
        (1, 0, 0x40, 0),
        (1, 1, 0, -1),
    ],
)
def test_execution_priority(
    bench: Bench, primask: int, faultmask: int, basepri: int, expected: int
) -> None:
    assert execution_priority(bench, primask, faultmask, basepri) == expected


def test_basepri_is_cut_to_its_group(bench: Bench) -> None:
    group(bench, 6)
    assert execution_priority(bench, 0, 0, 0xE0) == 0x80
    assert execution_priority(bench, 0, 0, 0x60) == 0


def test_nmi_and_hard_fault_keep_their_priority_whatever_the_grouping(bench: Bench) -> None:
    group(bench, 7)
    bench.sets(pending=1 << exc.HARD_FAULT)
    assert bench.native.top_group == -1
    bench.take()
    assert bench.native.active_group == -1


def test_a_line_that_stays_high_pends_again_at_return(bench: Bench) -> None:
    bench.cpu.set_line(4, True)
    assert bench.take() == FIRST_IRQ + 4
    assert bench.cpu.scs.table.pending == 0
    bench.exc_return()
    assert bench.cpu.scs.table.pending == irq(4)
    bench.take()
    bench.cpu.set_line(4, False)
    bench.exc_return()
    assert bench.cpu.scs.table.pending == 0


def test_a_pulse_is_remembered(bench: Bench) -> None:
    def pulse() -> None:
        bench.cpu.set_line(4, True)
        bench.cpu.set_line(4, False)

    pulse()
    assert bench.take() == FIRST_IRQ + 4
    pulse()
    bench.exc_return()
    assert bench.cpu.scs.table.pending == irq(4)


def test_a_high_line_cannot_be_unpended(bench: Bench) -> None:
    bench.put(primask=1)
    bench.cpu.set_line(4, True)
    bench.scs_write(ISPR, 1 << 5)
    bench.scs_write(ICPR, 1 << 4 | 1 << 5)
    assert bench.cpu.scs.table.pending == irq(4)
    bench.put(primask=0)
    bench.take()
    bench.scs_write(ISPR, 1 << 4)
    bench.scs_write(ICPR, 1 << 4)
    assert bench.cpu.scs.table.pending == 0


def test_reset_keeps_the_inputs(bench: Bench) -> None:
    bench.cpu.set_line(3, True)
    bench.take()
    bench.scs_write(ISPR, 1 << 7)
    bench.cpu.reset()
    state = bench.cpu.scs.table
    assert (state.pending, state.active, table(bench)) == (irq(3), 0, (0, 0))
    bench.scs_write(ISER, 1 << 3)
    assert table(bench) == (FIRST_IRQ + 3, FIRST_IRQ + 3)


NUMBERS = st.integers(0, (1 << 256) - 1)


@settings(max_examples=examples(50))
@given(
    st.tuples(NUMBERS, NUMBERS, NUMBERS),
    st.lists(st.integers(0, 255), min_size=252, max_size=252),
    st.integers(0, 7),
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 255)),
    st.integers(0, 256),
)
def test_what_comes_first_is_what_the_manual_says(
    sets: tuple[int, int, int],
    priorities: list[int],
    prigroup: int,
    masks: tuple[int, int, int],
    few: int,
) -> None:
    """With 240 lines, and sets of any size: against the definition, written down once more."""
    bench = reset_bench(lines=240)
    known = [LOWEST, -3, -2, -1, *priorities]
    pending, active, enabled = (bits & ~(3 << few) & ~3 for bits in sets)
    state = bench.cpu.scs.table
    state.priority = known
    state.prigroup = prigroup
    bench.sets(pending=pending, active=active, enabled=enabled)

    def group_of(value: int) -> int:
        return value if value < 0 else value >> (prigroup + 1) << (prigroup + 1)

    def best(numbers: int) -> tuple[int, int]:
        """Priority and number."""
        return min(((known[n], n) for n in range(256) if numbers >> n & 1), default=(LOWEST, 0))

    first, top = best(pending & enabled)
    running, _ = best(active)
    takes = top if top and group_of(first) < group_of(running) else 0
    assert table(bench) == (top, takes)
    primask, faultmask, basepri = masks
    levels = [group_of(running)]
    levels += [group_of(basepri)] * bool(basepri) + [0] * primask + [-1] * faultmask
    assert execution_priority(bench, *masks) == min(levels)
    expected = takes if top and group_of(first) < min(levels) else None
    assert bench.cpu.pending() == (expected or None)


@given(
    st.lists(
        st.tuples(st.sampled_from([ISPR, ICPR, ISER, ICER]), st.integers(0, 2**32 - 1))
        | st.tuples(st.just(0xD0C), st.integers(0, 7).map(lambda n: AIRCR_KEY | n << 8))
        | st.tuples(st.sampled_from(["take", "leave"]), st.just(0)),
        max_size=20,
    ),
    st.dictionaries(st.integers(0, 31), st.integers(0, 255)),
)
def test_state_is_data_and_what_follows_from_it_does(
    steps: list[tuple[int | str, int]], priorities: dict[int, int]
) -> None:
    bench = reset_bench(priority_bits=3)
    for number, value in priorities.items():
        priority(bench, number, value)
    for where, value in steps:
        if where == "take":
            bench.take()
        elif where == "leave":
            bench.sets(active=bench.cpu.scs.table.active & (bench.cpu.scs.table.active - 1))
        else:
            assert isinstance(where, int)
            bench.scs_write(where, value)
    state = bench.cpu.scs.table.save()
    other = reset_bench(1, priority_bits=3)
    other.cpu.scs.table.load(state)
    assert other.cpu.scs.table.save() == state
    for field in ("top", "top_group", "active_group", "takeable"):
        assert getattr(other.native, field) == getattr(bench.native, field)
