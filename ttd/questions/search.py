"""Rows of `ttd.search`, for a part of the present branch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ttd import search
from ttd.questions.past import Interrupted, Past, Stretch


def rows(past: Past, stretch: Stretch, what: search.What, **asked: Any) -> Iterator[search.Row]:
    """What is asked for, in the order in which that is wanted; `asked`: fields of a `Question`."""
    question = search.Question(
        what, begin=stretch.begin, end=stretch.end, backward=stretch.backward, **asked
    )
    interruption = past.machine.interruption
    try:
        for row in search.answer(past.timeline, question, past.report):
            if interruption.asked:
                interruption.answer()
                raise Interrupted
            yield row
    except search.Interrupted:
        raise Interrupted from None


def put(now: bytearray, offset: int, row: search.Row) -> None:
    """Write what an access has written, at an offset: only a part of it may be inside."""
    data = (row.new or 0).to_bytes(row.size, "little")
    low, high = max(offset, 0), min(offset + row.size, len(now))
    now[low:high] = data[low - offset : high - offset]
