"""The hash of a log is the published MurmurHash3_x64_128, seeded with what it was."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_replay_events import logs
from ttd.recording.chunk import Events
from ttd.recording.events import Event
from ttd.recording.log import EventLog

MASK = (1 << 64) - 1
C1, C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def rotl(x: int, n: int) -> int:
    return (x << n | x >> (64 - n)) & MASK


def final(k: int) -> int:
    k = (k ^ k >> 33) * 0xFF51AFD7ED558CCD & MASK
    k = (k ^ k >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return k ^ k >> 33


def murmur(data: bytes, seed: bytes) -> bytes:
    """Written down from the algorithm's description, slowly."""
    one, two = struct.unpack("<2Q", seed)
    whole = len(data) // 16 * 16
    for at in range(0, whole, 16):
        a, b = struct.unpack_from("<2Q", data, at)
        one ^= rotl(a * C1 & MASK, 31) * C2 & MASK
        one = ((rotl(one, 27) + two) * 5 + 0x52DCE729) & MASK
        two ^= rotl(b * C2 & MASK, 33) * C1 & MASK
        two = ((rotl(two, 31) + one) * 5 + 0x38495AB5) & MASK
    a, b = struct.unpack("<2Q", data[whole:].ljust(16, b"\0"))
    two ^= rotl(b * C2 & MASK, 33) * C1 & MASK
    one ^= rotl(a * C1 & MASK, 31) * C2 & MASK
    one, two = one ^ len(data), two ^ len(data)
    one = (one + two) & MASK
    two = (two + one) & MASK
    one, two = final(one), final(two)
    one = (one + two) & MASK
    return struct.pack("<2Q", one, (two + one) & MASK)


def folded(digest: bytes, events: list[Event]) -> bytes:
    for step, kind, payload in events:
        digest = murmur(struct.pack("<2Q", step, kind) + payload, digest)
    return digest


def test_the_slow_one_is_the_published_one() -> None:
    found = murmur(b"The quick brown fox jumps over the lazy dog", bytes(16))
    assert struct.unpack("<2Q", found) == (0xE34BBC7BBC071B6C, 0x7A433CA9C49A9347)


@settings(deadline=None, print_blob=True)
@given(logs(), st.binary(min_size=16, max_size=16), st.data())
def test_all_events_of_a_stretch_are_in_it(
    events: list[Event], digest: bytes, data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, len(events)))
    end = data.draw(st.integers(begin, len(events)))
    columns = Events.of(events)
    assert columns.fold(digest, begin, end) == folded(digest, events[begin:end])
    assert columns.part(begin, end).fold(digest, 0, end - begin) == folded(
        digest, events[begin:end]
    )
    assert list(columns.part(begin, end)) == events[begin:end]


@settings(deadline=None, print_blob=True)
@given(logs(), st.integers(0, 50))
def test_it_is_the_same_in_parts(events: list[Event], cut: int) -> None:
    log = EventLog()
    for event in events:
        log.append(event)
    assert log.fold(log.fold(bytes(16), 0, cut), cut, len(events)) == folded(bytes(16), events)
