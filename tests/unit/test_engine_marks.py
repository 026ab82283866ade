"""The row of marks that a native core fills in record and is compared with in play."""

from __future__ import annotations

from array import array

import pytest

from ttd.cpu.models import CPUS
from ttd.engine import Engine
from ttd.engine.mark_row import EXCEPTION, INTERRUPT, MAX_MARKS, MarkRow, key


@pytest.fixture
def row() -> MarkRow:
    engine = Engine(CPUS["cortex-m3"].isa)
    engine.map_ram(0, 4096)
    engine.start()
    return engine.marks


def marks(*given: tuple[int, int, int]) -> tuple[array[int], array[int], None]:
    steps = array("q", [step for step, _, _ in given])
    return steps, array("q", [key(kind, number) for _, kind, number in given]), None


def test_without_a_log_nothing_is_kept(row: MarkRow) -> None:
    row.keep_none()
    assert row.note(5, INTERRUPT, 3)
    row.take_back()
    assert row.at == 0 and row.next_step is None


def test_recorded_marks_are_taken_in_their_order(row: MarkRow) -> None:
    row.record(-1, None)
    given = [(7, INTERRUPT, 15), (7, EXCEPTION, 11), (1 << 62, INTERRUPT, 0xFFFFFFFF)]
    assert all(row.note(*mark) for mark in given)
    assert row.next_step is None
    assert row.take() == marks(*given)
    assert row.at == 0 and row.take() == marks()


def test_what_was_not_taken_after_all_is_not_noted(row: MarkRow) -> None:
    row.record(-1, None)
    row.note(1, INTERRUPT, 2)
    row.note(2, INTERRUPT, 2)
    row.take_back()
    assert row.take() == marks((1, INTERRUPT, 2))


def test_a_full_row_takes_no_more(row: MarkRow) -> None:
    row.record(-1, None)
    for step in range(MAX_MARKS):
        assert row.note(step, INTERRUPT, 1)
    assert not row.note(MAX_MARKS, INTERRUPT, 1)
    assert list(row.take()[0]) == list(range(MAX_MARKS))
    assert row.note(MAX_MARKS, INTERRUPT, 1)


@pytest.mark.parametrize("odd", [(11, INTERRUPT, 4), (12, EXCEPTION, 4), (12, INTERRUPT, 5)])
def test_another_mark_than_the_expected_one_is_refused(
    row: MarkRow, odd: tuple[int, int, int]
) -> None:
    row.expect(*marks((9, EXCEPTION, 3), (12, INTERRUPT, 4)))
    assert row.next_step == 9
    assert row.note(9, EXCEPTION, 3)
    assert row.next_step == 12
    assert not row.note(*odd)
    assert row.at == 1
    assert row.note(12, INTERRUPT, 4)
    assert row.at == 2 and row.next_step is None
    assert not row.note(13, INTERRUPT, 4), "what comes after the row is not known here"


def test_the_place_in_the_expected_row_can_be_set(row: MarkRow) -> None:
    row.expect(*marks((1, INTERRUPT, 1), (2, INTERRUPT, 1), (3, INTERRUPT, 1)))
    row.at = 2
    assert row.next_step == 3
    assert row.note(3, INTERRUPT, 1)
    row.take_back()
    assert row.at == 2


def test_more_than_a_row_is_refused(row: MarkRow) -> None:
    with pytest.raises(ValueError, match=f"room for {MAX_MARKS} marks, not for {MAX_MARKS + 1}"):
        row.expect(*marks(*((step, INTERRUPT, 1) for step in range(MAX_MARKS + 1))))
