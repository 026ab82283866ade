"""When code ran, beside plain sets of addresses and steps."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.engine import pages, types
from ttd.index.ranges import Ranges
from ttd.index.ticks import TICKS, TIMELESS, Ticks
from ttd.recording.errors import RecordingError

Runs = list[tuple[int, int, int]]
RUNS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9), st.integers(0, 300)), max_size=8)
"""An address, how many behind each other, and the step at which they ran."""


def ticks(runs: Runs, base: int) -> Ticks:
    """What an engine with ticks of a step or more would say, one run at a time."""
    found = Ticks()
    for at, size, step in sorted(runs, key=lambda run: run[2]):
        found = found.joined(Ticks((base + at,), (base + at + size,), (1,), step, 0))
    return found


@given(runs=RUNS, more=RUNS, high=st.booleans())
def test_beside_sets(
    runs: list[tuple[int, int, int]], more: list[tuple[int, int, int]], high: bool
) -> None:
    base = (1 << 64) - 64 if high else 0
    one, two = ticks(runs, base), ticks(more, base)
    found = one.joined(two)
    ran: dict[int, list[int]] = {}
    for at, size, step in sorted([*runs, *more], key=lambda run: run[2]):
        for address in range(base + at, base + at + size):
            ran.setdefault(address, []).append(step)
    spans = zip(found.begins, found.ends, strict=True)
    assert {at for begin, end in spans for at in range(begin, end)} == set(ran)
    assert all(a <= b for a, b in zip(found.ends, found.begins[1:], strict=False))
    assert found.ranges == Ranges.of((at, at + 1) for at in ran)
    assert not found.masks or max(found.masks) < 1 << TICKS
    for address in range(base, base + 50):
        steps = ran.get(address, [])
        assert found.meets(address, address + 1) == bool(steps)
        for end in (*steps, *(step + 1 for step in steps), 301):
            last = found.latest(address, address + 1, 0, end)
            before = [step for step in steps if step < end]
            assert not before or (last is not None and before[-1] < last[1])
            assert before or last is None or end < last[1]
        last = found.latest(address, address + 1, 0, 301)
        assert last is None if not steps else last is not None and last[0] <= steps[-1] < last[1]
    assert Ticks.unpack(found.pack()) == found


@given(data=st.binary(max_size=30))
def test_anything_else_is_refused(data: bytes) -> None:
    try:
        found = Ticks.unpack(data)
    except RecordingError:
        return
    edges = [edge for both in zip(found.begins, found.ends, strict=True) for edge in both]
    assert all(a <= b for a, b in pairwise(edges))
    assert Ticks.unpack(found.pack()).ranges == found.ranges


def test_nothing_ran() -> None:
    assert Ticks.unpack(Ticks().pack()) == Ticks()
    assert Ticks().latest(0, 1 << 64, 0, 1000) is None


def test_what_is_unusual_is_part_of_what_ran() -> None:
    packed = bytearray(Ticks((0, 8), (4, 12), (1, 2), 0, 4).pack())
    assert Ticks.unpack(bytes(packed)).begins == (0, 8)
    packed[-3] += 2
    with pytest.raises(RecordingError):
        Ticks.unpack(bytes(packed))


def test_ticks_are_those_of_the_engine() -> None:
    assert (TICKS, TIMELESS) == (pages.TICKS, types.TIMELESS)
