"""Priorities and pending state (DDI0403E B1.5.4, B3.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.cpu.armv7m import exceptions as exc
from ttd.cpu.armv7m.exceptions import FIRST_IRQ, LOWEST, ExceptionTable


def irq(number: int) -> int:
    return 1 << (FIRST_IRQ + number)


@pytest.fixture
def table() -> ExceptionTable:
    made = ExceptionTable(lines=32, priority_bits=3)
    made.enable(irq(32) - irq(0))
    return made


def test_a_disabled_interrupt_is_not_taken(table: ExceptionTable) -> None:
    table.disable(irq(3))
    table.pend(irq(3))
    assert table.takeable == 0
    table.enable(irq(3))
    assert table.takeable == FIRST_IRQ + 3


def test_the_lowest_priority_value_comes_first_and_ties_go_to_the_lowest_number(
    table: ExceptionTable,
) -> None:
    table.set_priority(FIRST_IRQ + 1, 0x40)
    table.set_priority(FIRST_IRQ + 2, 0x20)
    table.set_priority(FIRST_IRQ + 5, 0x20)
    table.pend(irq(1) | irq(5) | irq(2))
    assert table.top == FIRST_IRQ + 2
    table.pend(1 << exc.NMI | 1 << exc.HARD_FAULT)
    assert table.top == exc.NMI


def test_priority_bits_that_are_not_there_read_as_zero(table: ExceptionTable) -> None:
    table.set_priority(FIRST_IRQ, 0xFF)
    assert table.priority[FIRST_IRQ] == 0xE0
    table.set_priority(exc.NMI, 0x40)
    assert table.priority[exc.NMI] == -2


def test_only_the_group_priority_preempts(table: ExceptionTable) -> None:
    table.set_prigroup(6)  # group: bit 7
    table.set_priority(FIRST_IRQ, 0x60)
    table.set_priority(FIRST_IRQ + 1, 0x20)
    table.pend(irq(0))
    table.activate(FIRST_IRQ)
    table.pend(irq(1))
    assert (table.top, table.takeable) == (FIRST_IRQ + 1, 0)
    table.set_prigroup(4)
    assert table.takeable == FIRST_IRQ + 1
    table.set_prigroup(7)
    assert table.active_group == 0


def test_the_subpriority_orders_what_is_pending(table: ExceptionTable) -> None:
    table.set_prigroup(7)
    table.set_priority(FIRST_IRQ, 0xE0)
    table.set_priority(FIRST_IRQ + 9, 0x20)
    table.pend(irq(0) | irq(9))
    assert table.top == FIRST_IRQ + 9


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
    table: ExceptionTable, primask: int, faultmask: int, basepri: int, expected: int
) -> None:
    assert table.execution_priority(primask, faultmask, basepri) == expected


def test_basepri_is_cut_to_its_group(table: ExceptionTable) -> None:
    table.set_prigroup(6)
    assert table.execution_priority(0, 0, 0xE0) == 0x80
    assert table.execution_priority(0, 0, 0x60) == 0


def test_nmi_and_hard_fault_keep_their_priority_whatever_the_grouping(
    table: ExceptionTable,
) -> None:
    table.set_prigroup(7)
    table.pend(1 << exc.HARD_FAULT)
    assert table.top_group == -1
    table.activate(exc.HARD_FAULT)
    assert table.active_group == -1


def test_a_line_that_stays_high_pends_again_at_return(table: ExceptionTable) -> None:
    table.set_level(4, True)
    assert table.takeable == FIRST_IRQ + 4
    table.activate(FIRST_IRQ + 4)
    assert table.pending == 0
    table.deactivate(FIRST_IRQ + 4)
    assert table.pending == irq(4)
    table.activate(FIRST_IRQ + 4)
    table.set_level(4, False)
    table.deactivate(FIRST_IRQ + 4)
    assert table.pending == 0


def test_a_pulse_is_remembered(table: ExceptionTable) -> None:
    table.set_level(4, True)
    table.set_level(4, False)
    assert table.pending == irq(4)
    table.activate(FIRST_IRQ + 4)
    table.set_level(4, True)
    table.set_level(4, False)
    table.deactivate(FIRST_IRQ + 4)
    assert table.pending == irq(4)


def test_a_high_line_cannot_be_unpended(table: ExceptionTable) -> None:
    table.set_level(4, True)
    table.pend(irq(5))
    table.unpend(irq(4) | irq(5))
    assert table.pending == irq(4)
    table.activate(FIRST_IRQ + 4)
    table.pend(irq(4))
    table.unpend(irq(4))
    assert table.pending == 0


def test_on_change_is_called_for_what_can_preempt_only(table: ExceptionTable) -> None:
    calls: list[int] = []
    table.on_change = lambda: calls.append(table.takeable)
    table.set_priority(FIRST_IRQ + 1, 0x40)
    table.pend(irq(0))
    assert calls == [FIRST_IRQ]
    table.activate(FIRST_IRQ)
    table.pend(irq(1))
    assert calls == [FIRST_IRQ]
    table.set_priority(FIRST_IRQ, 0x80)
    assert calls == [FIRST_IRQ, FIRST_IRQ + 1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pend", "unpend", "enable", "disable"]), st.integers(0, 2**48 - 1)
        )
        | st.tuples(st.just("activate"), st.integers(16, 47))
        | st.tuples(st.just("deactivate"), st.integers(16, 47))
        | st.tuples(st.just("set_prigroup"), st.integers(0, 7)),
        max_size=20,
    ),
    st.dictionaries(st.integers(4, 47), st.integers(0, 255)),
)
def test_state_is_data_and_caches_follow_from_it(
    steps: list[tuple[str, int]], priorities: dict[int, int]
) -> None:
    table = ExceptionTable(lines=32, priority_bits=3)
    for number, value in priorities.items():
        table.set_priority(number, value)
    for name, argument in steps:
        getattr(table, name)(argument)
    state = table.save()
    other = ExceptionTable(lines=32, priority_bits=3)
    other.load(state)
    assert other.save() == state
    for field in ("top", "top_group", "active_group", "takeable"):
        assert getattr(other, field) == getattr(table, field)


def test_reset_keeps_the_inputs(table: ExceptionTable) -> None:
    table.set_level(3, True)
    table.activate(FIRST_IRQ + 3)
    table.pend(irq(7))
    table.reset()
    assert (table.pending, table.active, table.takeable) == (irq(3), 0, 0)
    table.enable(irq(3))
    assert table.takeable == FIRST_IRQ + 3
