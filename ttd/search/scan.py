"""One interval of the past, and all the rows of an answer that are in it.

The machine runs it once more while a native collector notes what is asked for; nothing stops it.
What an interval's rows are follows from the recording, the interval and the question alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge
from operator import attrgetter

from ttd.conditions import evaluate
from ttd.engine.types import HANDLERS_LEFT, HIT, Access, Collected, HandlerHit, Wanted
from ttd.machine import Machine
from ttd.recording.events import MARKS, to_small
from ttd.runs import RunEnd
from ttd.search.holding import holding
from ttd.search.interval import Interval
from ttd.search.kept import MOST_KEPT, keep, recall
from ttd.search.moments import AtRow, Now, reads_machine
from ttd.search.question import Question, Row, What
from ttd.snapshot import Snapshots
from ttd.values import dataclass

MOST = 1 << 18
"""Rows that one scan gives at most."""
_KINDS = {
    What.READ: Access.READ,
    What.WRITTEN: Access.WRITE,
    What.ACCESSED: Access.READ | Access.WRITE,
    What.FOUND: Access.WRITE,
}
_SLICE = 1 << 20
"""Steps, each of which may be a row, that are run before it is asked how many there are."""
_MARCH = 30_000_000


class Interrupted(Exception):
    """Somebody wanted an end."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Rows, ascending, and the steps of which they are all: the rest is to be asked for again."""

    rows: list[Row]
    low: int
    high: int

    def rest(self, interval: Interval, backward: bool) -> Interval:
        """What of an interval has not been scanned."""
        if backward:
            return Interval(interval.low, self.low)
        return Interval(self.high, interval.high)


def scan(
    machine: Machine, snapshots: Snapshots, interval: Interval, question: Question, most: int = MOST
) -> Scanned:
    """The rows of an interval; where they are more than `most`, about as many from the end at which
    the question begins. Leaves the machine somewhere. `Interrupted`."""
    runner = Runner(machine, snapshots)
    compared = _compared(machine, question)
    match question.what:
        case What.ENTERED:
            found = Scanned(
                list(_entered(machine, interval, question)), interval.low, interval.high
            )
        case What.REGISTER | What.VALUES if compared is None:
            found = Scanned(list(_values(runner, interval, question)), interval.low, interval.high)
        case _:
            known = recall(snapshots, interval, question)
            if known is None:
                notes = replace(wanted([question]), compared=compared)
                if not question.backward and question.limit and question.condition is None:
                    most = min(most, max(question.limit, MOST_KEPT))
                found = _collect(runner, interval, notes, most, backward=question.backward)
                keep(snapshots, Interval(found.low, found.high), question, found.rows)
            else:
                found = Scanned(known, interval.low, interval.high)
    return found if question.condition is None else _where_it_holds(runner, found, question)


class Runner:
    """Moves the machine in the known history, for a scan."""

    def __init__(self, machine: Machine, snapshots: Snapshots) -> None:
        self.machine = machine
        self._snapshots = snapshots

    def to(self, step: int) -> None:
        """Be at a position."""
        here = self.machine.engine.step
        near = self._snapshots.nearest_step(step)
        if step < here or self.machine.beyond or (near is not None and near > here):
            self._snapshots.go_back(step)
        self.run(step)

    def run(self, limit: int) -> None:
        """Forward to a position, or the end of history."""
        machine = self.machine
        while True:
            stop = machine.run(min(limit, machine.engine.step + _MARCH))
            if stop.end is RunEnd.INTERRUPTED:
                machine.interruption.ask()
                raise Interrupted
            if stop.end is not RunEnd.LIMIT or stop.step >= limit:
                return


# -- what the collector notes -----------------------------------------------------------------


def wanted(questions: Sequence[Question]) -> Wanted:
    """What answers all of them."""
    executed = [q for q in questions if q.what is What.EXECUTED]
    accessed = [q for q in questions if q.what in _KINDS]
    return Wanted(
        executed=[(r.begin, r.end) for q in executed for r in q.ranges],
        accessed=[
            (r.begin, r.end, int(_KINDS[q.what]), q.changes) for q in accessed for r in q.ranges
        ],
        physical=any(q.physical for q in accessed),
        sought=next((q.data for q in accessed if q.data), b""),
        handlers=any(q.what is What.HANDLERS for q in questions),
    )


def _compared(machine: Machine, question: Question) -> tuple[int, int] | None:
    """How the changes of a register are noted natively, if they are."""
    if question.what is not What.REGISTER:
        return None
    found = machine.cpu.compared(question.name)
    return None if found is None else (found[0], found[1] & question.mask)


def _collect(
    runner: Runner, interval: Interval, notes: Wanted, most: int, *, backward: bool
) -> Scanned:
    engine = runner.machine.engine
    low, high = interval.low, interval.high
    runner.to(low)
    with engine.collecting(notes, most if backward else 1 << 31):
        if backward:
            runner.run(high)
        else:
            high = _run_until_full(runner, high, most)
    noted = engine.collected()
    low = max(low, noted.complete_from)
    rows = list[Row]()
    for row in rows_of(noted):
        if not backward and len(rows) >= most and row.step != rows[-1].step:
            high = min(high, row.step)
            break
        if low <= row.step < high:
            rows.append(row)
    return Scanned(rows, low, high)


def _run_until_full(runner: Runner, high: int, most: int) -> int:
    """Run in slices, each so long that it is not likely to note very many more than `most`."""
    engine = runner.machine.engine
    length = _SLICE
    while engine.step < high:
        here, before = engine.step, engine.noted
        runner.run(min(high, here + length))
        if engine.step == here:
            break
        if engine.noted >= most:
            return engine.step
        more = engine.noted - before
        length = min(_SLICE, 2 * length) if more <= most // 8 else max(1024, length // 2)
    return high


def rows_of(noted: Collected) -> Iterator[Row]:
    """What a collector has noted, as rows by ascending steps."""
    return merge(_executed(noted), accesses_of(noted), key=attrgetter("step"))


def _executed(noted: Collected) -> Iterator[Row]:
    for step, pc, _, value, old, _, kind, number, _ in HIT.iter_unpack(noted.executed):
        match kind:
            case HandlerHit.ENTERED:
                yield Row(step, What.ENTERED, address=pc, new=number)
            case HandlerHit.LEFT:
                yield Row(step, What.LEFT, address=pc, new=0 if number == HANDLERS_LEFT else None)
            case HandlerHit.CHANGED:
                yield Row(step, What.REGISTER, pc, old=old, new=value)
            case _:
                yield Row(step, What.EXECUTED, pc, pc)


def accesses_of(noted: Collected, most: int | None = None) -> Iterator[Row]:
    """The accesses among them, ascending; the latest `most`."""
    raw = noted.accessed if most is None else noted.accessed[-most * HIT.size :]
    for step, pc, address, value, old, size, kind, _, by in HIT.iter_unpack(raw):
        new = value & ((1 << 8 * size) - 1)
        if kind == HandlerHit.FOUND:
            yield Row(step, What.FOUND, pc, address, size, by=noted.makers[by])
        elif kind == Access.READ:
            yield Row(step, What.READ, pc, address, size, new, new, noted.makers[by])
        else:
            was = old & ((1 << 8 * size) - 1)
            yield Row(step, What.WRITTEN, pc, address, size, was, new, noted.makers[by])


# -- what the log tells -----------------------------------------------------------------------


def _entered(machine: Machine, interval: Interval, question: Question) -> Iterator[Row]:
    log = machine.replay.log
    for _, event in log.select(MARKS, interval.low, interval.high - 1):
        number = to_small(event.payload)
        if not question.numbers or number in question.numbers:
            yield Row(event.step, What.ENTERED, new=number)


# -- what is compared step by step --------------------------------------------------------------


def _values(runner: Runner, interval: Interval, question: Question) -> Iterator[Row]:
    """Rows of steps between whose two positions a value differs."""
    machine = runner.machine
    now = Now(machine)
    tree, mask = question.expression, question.mask

    def value() -> int | None:
        return now.register(question.name) & mask if tree is None else now.value(tree)

    runner.to(interval.low)
    old = value()
    while (step := machine.engine.step) < interval.high:
        pc = machine.engine.pc
        runner.run(step + 1)
        if machine.engine.step == step:
            return
        new = value()
        if new != old:
            yield Row(step, question.what, pc, old=old, new=new)
        old = new


# -- conditions ------------------------------------------------------------------------------


def _where_it_holds(runner: Runner, found: Scanned, question: Question) -> Scanned:
    """Looked at from the end at which the question begins, until there are enough."""
    condition = question.condition
    assert condition is not None
    looks = reads_machine(condition)

    def holds(row: Row) -> bool:
        if looks:
            runner.to(row.step)
        return evaluate(condition, AtRow(runner.machine, row)) != 0

    rows = found.rows
    held, looked = holding(rows, holds, backward=question.backward, limit=question.limit)
    if looked == len(rows):
        return Scanned(held, found.low, found.high)
    if question.backward:
        return Scanned(held, rows[-looked].step, found.high)
    return Scanned(held, found.low, rows[looked].step)
