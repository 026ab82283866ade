"""Which rows are looked at where something has to hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ttd.search.holding import holding
from ttd.search.question import Row, What


@given(
    st.lists(st.integers(0, 60), max_size=200),
    st.sets(st.integers(0, 200)),
    st.booleans(),
    st.none() | st.integers(1, 8),
)
def test_as_if_all_were_looked_at(
    steps: list[int], good: set[int], backward: bool, limit: int | None
) -> None:
    rows = [Row(step, What.EXECUTED, n) for n, step in enumerate(sorted(steps))]
    seen = list[Row]()

    def holds(row: Row) -> bool:
        seen.append(row)
        return row.pc in good

    found, looked = holding(rows, holds, backward=backward, limit=limit)
    part = rows[len(rows) - looked :] if backward else rows[:looked]
    assert found == [row for row in part if row.pc in good]
    assert {row.step for row in part}.isdisjoint({row.step for row in rows if row not in part})
    assert looked == len(rows) or (limit is not None and len(found) >= limit)
    assert len(seen) == len({id(row) for row in seen}) == looked


def test_the_latest_are_looked_at_first() -> None:
    rows = [Row(step, What.EXECUTED, step) for step in range(10_000)]
    found, looked = holding(rows, lambda row: row.step % 10 == 0, backward=True, limit=1)
    assert found[-1].step == 9_990 and looked <= 16
