"""Answers to what is likely to be asked, noted while an interval is run anyway: when functions were
entered and small variables were written, as long as that was not often."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from ttd.engine.types import Access
from ttd.search.interval import Interval
from ttd.search.kept import data_of, key_of, recall
from ttd.search.plan import may_contain
from ttd.search.question import Question, Range, Row, What
from ttd.search.scan import rows_of, wanted
from ttd.snapshot import Snapshots
from ttd.symbols import Symbols

MOST_ROWS = 64
"""Of a question in an interval: what happens more often is near wherever it is asked for."""
_LARGEST = 8
"""Bytes of a variable."""
_MOST_CODE = 1024
_MOST_DATA = 64
"""Functions and variables that are noted in an interval."""
_ROOM = 2048
"""Bytes of the answers of an interval, before they are compressed to a third."""
_FIRST = 1 << 14
_GROWS = 4
"""Steps until it is seen what happens often; then so many times more until the next look."""
_RING = 1 << 18
"""What happens between two looks at most."""


class Likely:
    """What is asked of one program, most likely."""

    def __init__(self, symbols: Symbols) -> None:
        named = symbols.by_name.values()
        self.functions = {n.name: _entered(n.address) for n in named if n.function}
        self.variables = {
            n.name: _written(n.address, n.address + n.size)
            for n in named
            if not n.function and 0 < n.size <= _LARGEST
        }
        self._code = sorted({each.address for each in named if each.function})
        found = {(v.ranges[0].begin, v.ranges[0].end) for v in self.variables.values()}
        self._data = list(_apart(sorted(found)))

    def questions(self, snapshots: Snapshots, low: int) -> list[Question]:
        """Those that an interval can have answers to."""
        number = snapshots.index.number_at(low)
        code = (a for a in self._code if snapshots.index.may_execute(number, a, a + 1))
        data = (
            (b, e)
            for b, e in self._data
            if snapshots.touched.may_touch(low, Access.WRITE, b, e - b)
        )
        return [
            *(_entered(a) for a in islice(code, _MOST_CODE)),
            *(_written(b, e) for b, e in islice(data, _MOST_DATA)),
        ]


def count(snapshots: Snapshots, question: Question) -> int | None:
    """How many rows an answer has that is known; None if it is not."""
    index, total = snapshots.index, 0
    for number in range(len(snapshots.recording.snapshots)):
        low, high = index.span(number)
        if may_contain(snapshots, low, question):
            known = recall(snapshots, Interval(low, high), question)
            if known is None:
                return None
            total += len(known)
    return total


def _entered(address: int) -> Question:
    return Question(What.EXECUTED, (Range(address, address + 1),))


def _written(begin: int, end: int) -> Question:
    return Question(What.WRITTEN, (Range(begin, end),))


def answers(
    snapshots: Snapshots, interval: Interval, likely: Likely, run: Callable[[int], None]
) -> Mapping[bytes, bytes]:
    """What the index keeps of all of an interval, at whose begin the machine is; `run` leads to a
    step."""
    engine = snapshots.machine.engine
    found = {question: list[Row]() for question in likely.questions(snapshots, interval.low)}
    length, step = _FIRST, interval.low
    try:
        while step < interval.high:
            step = min(step + length, interval.high)
            engine.collect(wanted([*found]), _RING)
            run(step)
            noted = engine.collected()
            if noted.complete_from > interval.low:
                found.clear()  # what was more often than there is room for hides the rest
            else:
                _put(found, rows_of(noted))
            found = {q: rows for q, rows in found.items() if len(rows) <= MOST_ROWS}
            length *= _GROWS
    finally:
        engine.collect(None)
    return dict(_chosen(interval, found))


def _put(found: Mapping[Question, list[Row]], rows: Iterable[Row]) -> None:
    """Each to its question, of whose ranges no two overlap."""
    code = {q.ranges[0].begin: q for q in found if q.what is What.EXECUTED}
    data = sorted((q for q in found if q.what is What.WRITTEN), key=lambda q: q.ranges[0].begin)
    ends = [question.ranges[0].end for question in data]
    for row in rows:
        if row.kind is What.EXECUTED:
            _add(found[code[row.address]], row)
            continue
        for question in islice(data, bisect_right(ends, row.address), None):
            if question.ranges[0].begin >= row.address + row.size:
                break
            _add(found[question], row)


def _add(rows: list[Row], row: Row) -> None:
    # What is begun before a look and ends after it is noted twice.
    again = bool(rows) and row.step <= rows[-1].step and row in rows[-8:]
    if not again and len(rows) <= MOST_ROWS:
        rows.append(row)


def _chosen(
    interval: Interval, found: Mapping[Question, list[Row]]
) -> Iterator[tuple[bytes, bytes]]:
    """Those that there is room for, the shortest first."""
    room = _ROOM
    for question, rows in sorted(found.items(), key=lambda item: len(item[1])):
        kept = [row for row in rows if interval.low <= row.step < interval.high]
        key, data = key_of(question), data_of(interval, kept)
        # That code has not run is known.
        if kept or question.what is What.WRITTEN:
            room -= len(key) + len(data)
            if room < 0:
                return
            yield key, data


def _apart(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Without those that begin in one before."""
    last = 0
    for begin, end in ranges:
        if begin >= last:
            yield begin, end
            last = end
