"""Of many rows those for which something holds that has to be looked at, from the end that is asked
for: the machine only runs forward from one to the next, so they are taken some at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ttd.search.question import Row

_FIRST = 16
"""Rows that are looked at together, backward; then eight times as many, and so on."""
_GROWS = 8


def holding(
    rows: Sequence[Row], holds: Callable[[Row], bool], *, backward: bool, limit: int | None
) -> tuple[list[Row], int]:
    """Of ascending rows those that hold, ascending, and how many rows, from the end that is asked
    for, those are of: all of them, or as many as it took to have `limit`, with all of a step."""
    found = list[Row]()
    if not backward:
        for looked, row in enumerate(rows):
            if limit is not None and len(found) >= limit and row.step != rows[looked - 1].step:
                return found, looked
            if holds(row):
                found.append(row)
        return found, len(rows)
    end, size = len(rows), _FIRST
    while end and (limit is None or len(found) < limit):
        begin = 0 if limit is None else max(0, end - size)
        while begin and rows[begin - 1].step == rows[begin].step:
            begin -= 1
        found = [row for row in rows[begin:end] if holds(row)] + found
        end, size = begin, size * _GROWS
    return found, len(rows) - end
