"""What scans have found, kept by the index: nothing is run again for the same question.

Of an interval and a question there is one stretch of steps of which all rows are known. What is
scanned beside it makes it longer.
"""

from __future__ import annotations

from typing import Any

import msgpack

from ttd.search import packed
from ttd.search.interval import Interval
from ttd.search.question import Question, Row, What
from ttd.snapshot import Snapshots

_VERSION = 2
"""Of what rows are, and how they are written."""
MOST_KEPT = 10_000
"""Rows of an interval that are kept: more are as quick to find again as to read."""
_LAST = (1 << 64) - 1
"""Address: a range that has it ends at 0."""
_NOTED = (What.EXECUTED, What.READ, What.WRITTEN, What.ACCESSED, What.REGISTER, What.FOUND)


def recall(snapshots: Snapshots, interval: Interval, question: Question) -> list[Row] | None:
    """All rows of an interval, its condition left aside; None if they are not known."""
    if question.what not in _NOTED:
        return None
    index = snapshots.index
    number = index.number_at(interval.low)
    if number < 0:
        return None
    known = _known(snapshots, number, key_of(question))
    if known is None or interval.low < known[0].low or interval.high > known[0].high:
        return None
    return [row for row in known[1] if interval.low <= row.step < interval.high]


def keep(snapshots: Snapshots, interval: Interval, question: Question, rows: list[Row]) -> None:
    """Those are all rows of an interval, ascending, its condition left aside."""
    if question.what not in _NOTED or len(rows) > MOST_KEPT:
        return
    index = snapshots.index
    number = index.number_at(interval.low)
    if number < 0 or _grows(snapshots, number) or interval.high > index.span(number)[1]:
        return
    key = key_of(question)
    known = _known(snapshots, number, key)
    if known is not None:
        there, before = known
        if there.low <= interval.low and interval.high <= there.high:
            return
        if interval.low <= there.high and there.low <= interval.high:
            early = [row for row in before if row.step < interval.low]
            late = [row for row in before if row.step >= interval.high]
            rows = early + rows + late
            interval = Interval(min(interval.low, there.low), max(interval.high, there.high))
            if len(rows) > MOST_KEPT:
                return
    index.learn(number, key, data_of(interval, rows))


def data_of(interval: Interval, rows: list[Row]) -> bytes:
    """As the index has an answer."""
    data: bytes = msgpack.packb([interval.low, interval.high, packed.pack(rows)])
    return data


def _grows(snapshots: Snapshots, number: int) -> bool:
    """The interval is the last one of a recording that goes on."""
    steps = snapshots.recording.snapshots.steps
    return snapshots.machine.replay.live and number + 1 == len(steps)


def _known(snapshots: Snapshots, number: int, key: bytes) -> tuple[Interval, list[Row]] | None:
    data = snapshots.index.known(number, key)
    if data is None:
        return None
    try:
        low, high, rows = msgpack.unpackb(data)
        return Interval(low, high), packed.unpack(rows)
    except (TypeError, ValueError, msgpack.UnpackException):
        return None


def key_of(question: Question) -> bytes:
    """What is asked, without where and in which order: the name that the index has for it."""
    ranges = [(r.begin, r.end & _LAST) for r in question.ranges]
    asked: list[Any] = [_VERSION, question.what.value, ranges, question.physical, question.changes]
    if question.name:
        asked += [question.name, question.mask]
    if question.data:
        asked.append(question.data)
    found: bytes = msgpack.packb(asked)
    return found
