"""Events as bytes: round trips, how little they cost, and what damage does."""

import random
import tracemalloc
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from ttd.recording.blob import seal, unseal
from ttd.recording.chunk import decode_chunk, encode_chunk
from ttd.recording.errors import RecordingError
from ttd.recording.events import (
    MAX_EVENTS,
    Event,
    Kind,
    number,
    small,
)
from ttd.recording.varint import Reader, put_varint

NUMBERS = (Kind.CLOCK_HOST, Kind.CLOCK_VIRTUAL_RT, Kind.WARP)
payloads = st.binary(max_size=40)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    step = draw(st.integers(0, 1 << 40))
    events = []
    for _ in range(draw(st.integers(0, 60))):
        step += draw(st.integers(0, 3) | st.integers(0, 1 << 50))
        kind = draw(st.sampled_from(Kind))
        if kind in NUMBERS:
            payload = number(draw(st.integers(-(1 << 63), (1 << 63) - 1)))
        else:
            payload = draw(payloads)
        events.append(Event(step, kind, payload))
    return events


@settings(deadline=None, print_blob=True)
@given(logs(), st.integers(0, 1 << 60))
def test_round_trip(events: list[Event], first: int) -> None:
    assert list(decode_chunk(encode_chunk(events, first), first)) == events


def test_a_chunk_is_not_believed_in_another_place() -> None:
    with pytest.raises(RecordingError, match="checksum"):
        decode_chunk(encode_chunk([Event(1, Kind.RESET, b"\0")], 5), 6)


def bytes_per_event(events: list[Event]) -> float:
    return len(encode_chunk(events)) / len(events)


def test_a_periodic_interrupt_costs_almost_nothing() -> None:
    events = [Event(25_000 * n, Kind.INTERRUPT, small(15)) for n in range(4096)]
    assert bytes_per_event(events) < 0.05


def test_two_periodic_interrupts_cost_well_under_a_byte() -> None:
    ticks = [Event(25_000 * n, Kind.INTERRUPT, small(15)) for n in range(2000)]
    ticks += [Event(31_337 * n, Kind.INTERRUPT, small(24)) for n in range(1600)]
    assert bytes_per_event(sorted(ticks)) < 0.5


def test_a_jittering_interrupt_costs_at_most_a_byte() -> None:
    rng = random.Random(1)
    events = [Event(25_000 * n + rng.randrange(30), Kind.INTERRUPT, small(15)) for n in range(4096)]
    assert bytes_per_event(events) <= 1.05


@pytest.mark.parametrize("jitter", [1, 30])
def test_a_character_costs_at_most_two_bytes(jitter: int) -> None:
    rng = random.Random(2)
    events = [
        Event(5_000 * n + rng.randrange(jitter), Kind.CHAR_READ, b"\0" + rng.randbytes(1))
        for n in range(4096)
    ]
    assert bytes_per_event(events) <= 2.05


def test_a_clock_read_in_a_loop_costs_little() -> None:
    events = [Event(12 * n, Kind.CLOCK_HOST, number(10**18 + 40 * n)) for n in range(4096)]
    assert bytes_per_event(events) < 0.1


@settings(deadline=None, print_blob=True)
@given(logs(), st.data())
def test_any_change_of_the_bytes_is_noticed(events: list[Event], data: st.DataObject) -> None:
    blob = bytearray(encode_chunk(events))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RecordingError):
        decode_chunk(bytes(blob))


@settings(deadline=None, print_blob=True)
@given(logs(), st.integers(0, 400))
def test_a_cut_chunk_is_noticed(events: list[Event], keep: int) -> None:
    blob = encode_chunk(events)
    if keep < len(blob):
        with pytest.raises(RecordingError):
            decode_chunk(blob[:keep])


@settings(deadline=None, print_blob=True, max_examples=examples(150))
@given(st.binary(max_size=80))
def test_garbage_with_a_good_checksum_is_survived(raw: bytes) -> None:
    """Somebody who means harm can compute checksums too."""
    try:
        events = decode_chunk(seal(raw, b"events 0"))
    except RecordingError as error:
        assert "\n" not in str(error)
    else:
        assert all(a.step <= b.step for a, b in pairwise(events))


@settings(deadline=None, print_blob=True, max_examples=examples(60))
@given(logs(), st.data())
def test_damage_under_a_good_checksum_is_survived(events: list[Event], data: st.DataObject) -> None:
    sealed = encode_chunk(events)
    raw = bytearray(unseal(sealed, b"events 0"))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_chunk(seal(bytes(raw), b"events 0"))
    except RecordingError as error:
        assert "\n" not in str(error)


def test_a_bomb_does_not_take_memory() -> None:
    bombs = [
        seal(bytes(40 << 20), b"events 0"),
        seal(b"\xff\xff\xff\xff\x7f" + b"\x01\x0c\x00" + bytes(1 << 20), b"events 0"),
    ]
    bomb = bytearray(seal(b"x" * 100, b"events 0"))
    bomb[16:20] = b"\xff\xff\xff\xff"
    bombs.append(bytes(bomb))
    tracemalloc.start()
    try:
        for blob in bombs:
            with suppress(RecordingError):
                assert not len(decode_chunk(blob))
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    assert MAX_EVENTS <= 1 << 16


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, (1 << 63) - 1), st.binary(max_size=300))), st.binary())
def test_pieces(pieces: list[tuple[int, bytes]], before: bytes) -> None:
    packed = bytearray(before)
    for number_of, data in pieces:
        put_varint(packed, number_of)
        put_varint(packed, len(data))
        packed += data
    reader = Reader(bytes(packed))
    assert reader.bytes(len(before)) == before
    assert reader.pieces() == pieces and reader.done


@pytest.mark.parametrize(
    "raw",
    [b"\x05", b"\x80", b"\x05\x80", b"\x05\x02a", b"\xff" * 9 + b"\x01\0", b"\x05" + b"\xff" * 10],
)
def test_damaged_pieces(raw: bytes) -> None:
    with pytest.raises(RecordingError):
        Reader(b"\x05\x01a" + raw).pieces()
