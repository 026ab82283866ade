"""Sets of addresses as ranges, beside plain sets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.index.ranges import Ranges
from ttd.recording.errors import RecordingError

EDGES = st.lists(st.integers(0, 60), max_size=12)
TOP = (1 << 64) - 64


@given(edges=EDGES, more=EDGES, high=st.booleans())
def test_ranges_are_sets(edges: list[int], more: list[int], high: bool) -> None:
    base = TOP if high else 0
    one, two = ([(base + a, base + b) for a, b in pairwise(e)] for e in (edges, more))
    whole = {at for begin, end in [*one, *two] for at in range(begin, end)}
    found = Ranges.of([*one, *two])
    assert {at for begin, end in found for at in range(begin, end)} == whole
    assert all(a < b for a, b in zip(found.ends, found.begins[1:], strict=False))
    for at in range(base, base + 62):
        assert found.meets(at, at + 2) == bool({at, at + 1} & whole)
    assert Ranges.unpack(found.pack()) == found


@given(data=st.binary(max_size=30))
def test_anything_else_is_refused(data: bytes) -> None:
    try:
        found = Ranges.unpack(data)
    except RecordingError:
        return
    assert Ranges.of(found) == found


def test_what_touches_is_one() -> None:
    with pytest.raises(RecordingError):
        Ranges.unpack(Ranges((0, 4), (4, 8)).pack())
