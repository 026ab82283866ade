"""What questions about the past are compared with: the same stretch step by step, stop by stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

from ttd.engine.types import Access
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind
from ttd.search import Question, Range, Row, What, answer
from ttd.stops import Breakpoint, Stops, Watchpoint, Why

KINDS = {
    What.READ: Access.READ,
    What.WRITTEN: Access.WRITE,
    What.ACCESSED: Access.READ | Access.WRITE,
}


def both_ways(session: RecordedMachine, **asked: object) -> list[Row]:
    """An answer, the same from its end, and the same one row at a time."""
    timeline = session.timeline
    here = timeline.position
    forward = list(answer(timeline, Question(**asked)))  # type: ignore[arg-type]
    backward = list(answer(timeline, Question(**asked, backward=True)))  # type: ignore[arg-type]
    assert backward == forward[::-1]
    last = list(answer(timeline, Question(**asked, backward=True, limit=1)))  # type: ignore[arg-type]
    assert last == forward[-1:]
    assert timeline.position == here
    return forward


def positions(session: RecordedMachine, begin: int, end: int) -> Iterator[int]:
    """Each of them, with the machine there."""
    timeline = session.timeline
    timeline.seek(begin)
    while (here := timeline.position) < end:
        yield here
        timeline.step_forward()
        if timeline.position == here:
            return


def stopped(session: RecordedMachine, stops: Stops, begin: int, end: int) -> list[int]:
    """Steps at which a run that stops does so."""
    timeline, found = session.timeline, list[int]()
    timeline.seek(begin)
    stop = timeline.run_forward(stops, end, here=True)
    while stop.why in (Why.BREAKPOINT, Why.WATCHPOINT) and stop.step < end:
        found.append(stop.step)
        stop = timeline.run_forward(stops, end)
    return found


def compare_executed(session: RecordedMachine, begin: int, end: int, dice: Random) -> None:
    """Instructions in two ranges of code."""
    pcs = [(step, session.machine.engine.pc) for step in positions(session, begin, end)]
    known = sorted({pc for _, pc in pcs})
    first, other = dice.randrange(len(known)), dice.choice(known)
    last = min(len(known) - 1, first + dice.randrange(12))
    ranges = (Range(known[first], known[last] + 1), Range(other, other + 2))
    inside = [p for p in pcs if any(r.begin <= p[1] < r.end for r in ranges)]
    reached = stopped(
        session, Stops(tuple(Breakpoint(pc) for pc in {pc for _, pc in inside})), begin, end
    )
    found = both_ways(session, what=What.EXECUTED, ranges=ranges, begin=begin, end=end)
    assert [row.step for row in found] == reached
    there = dict(inside)
    assert all(there[row.step] == row.pc for row in found)
    # A position that is not told of is one at which an exception was entered, or nothing ran.
    log = session.replay.log
    entered = {e.step for _, e in log.select((Kind.INTERRUPT, Kind.EXCEPTION), begin, end)}
    after = dict(pcs)
    for step in {step for step, _ in inside} - {row.step for row in found}:
        assert step in entered or after.get(step + 1, 0) == after[step] or step + 1 == end, step


def compare_registers(
    session: RecordedMachine, begin: int, end: int, names: Sequence[str], mask: int = -1
) -> None:
    """Every change of some registers, or of some bits of them."""
    cpu = session.machine.cpu
    seen = [
        [session.machine.engine.pc, *(cpu.read_register(name) for name in names)]
        for _ in positions(session, begin, end + 1)
    ]
    for at, name in enumerate(names, 1):
        compared = cpu.compared(name)
        bits = mask if compared is None else mask & compared[1]
        wanted = [
            (step, now[0], now[at] & bits, then[at] & bits)
            for step, (now, then) in enumerate(pairwise(seen), begin)
            if now[at] & bits != then[at] & bits
        ]
        asked = {"what": What.REGISTER, "name": name, "mask": mask, "begin": begin, "end": end}
        found = both_ways(session, **asked)
        assert [(row.step, row.pc, row.old, row.new) for row in found] == wanted, name


def compare_found(
    session: RecordedMachine, where: Range, begin: int, end: int, dice: Random
) -> None:
    """Bytes that come to be somewhere in physical memory, which may be there for a moment only."""
    read, size = session.timeline.probe.read_physical, where.end - where.begin
    there = [read(where.begin, size) for _ in positions(session, begin, end + 1)]
    for _ in range(3):
        length, seen = dice.choice((1, 2, 4, 8, 12)), dice.choice(there)
        at = dice.randrange(size - length)
        data = seen[at : at + length]
        if not any(data):
            continue
        wanted = [
            (step, where.begin + at)
            for step, (before, now) in enumerate(pairwise(there), begin)
            if before != now
            for at in range(size - length + 1)
            if now[at : at + length] == data != before[at : at + length]
        ]
        regions = session.machine.engine.regions()
        everywhere = tuple(Range(base, base + extent) for base, extent in regions)
        asked = {"what": What.FOUND, "ranges": everywhere, "physical": True, "data": data}
        found = both_ways(session, **asked, begin=begin, end=end)
        inside = [
            (row.step, row.address)
            for row in found
            if where.begin <= row.address <= where.end - length
        ]
        assert sorted(set(inside)) == wanted, data


def compare_accesses(
    session: RecordedMachine,
    where: Range,
    begin: int,
    end: int,
    *,
    physical: bool = False,
    stops: bool = True,
    contents: bool = True,
) -> list[Row]:
    """Reads and writes of memory. `stops`: as stops see it; `contents`: what is written is what is
    there (which is another page's, where page tables change)."""
    timeline, size = session.timeline, where.end - where.begin
    read = timeline.probe.read_physical if physical else timeline.probe.read_memory
    there: dict[int, bytes] = {}
    if contents:
        there = {step: read(where.begin, size) for step in positions(session, begin, end)}
    rows = {
        what: both_ways(
            session, what=what, ranges=(where,), physical=physical, begin=begin, end=end
        )
        for what in KINDS
    }
    both = sorted(rows[What.READ] + rows[What.WRITTEN], key=lambda row: row.step)
    by_step = sorted(rows[What.ACCESSED], key=lambda row: row.step)
    assert sorted(map(repr, both)) == sorted(map(repr, by_step))
    if there:
        _explain(rows[What.WRITTEN], there, where)
    for row in rows[What.READ]:
        assert row.old == row.new
    if stops:
        for what, kind in KINDS.items():
            watch = Stops((), (Watchpoint(where.begin, size, kind),))
            assert sorted({row.step for row in rows[what]}) == stopped(session, watch, begin, end)
    return rows[What.ACCESSED]


def _explain(rows: list[Row], contents: dict[int, bytes], where: Range) -> None:
    """Rows put one after the other onto what was there at first are what is there in each step."""
    begin = min(contents)
    now, left = bytearray(contents[begin]), iter(rows)
    row = next(left, None)
    for step, there in contents.items():
        assert bytes(now) == there, step
        while row is not None and row.step == step:
            assert row.old is not None and row.new is not None
            for i in range(row.size):
                at = row.address + i - where.begin
                if 0 <= at < len(now):
                    assert now[at] == row.old >> 8 * i & 0xFF, row
                    now[at] = row.new >> 8 * i & 0xFF
            row = next(left, None)
    assert row is None or row.step > max(contents)
