"""Framing: what goes out comes in again, and nothing that comes in does harm."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ttd.rsp.framing import (
    Ack,
    Decoder,
    Event,
    Interrupt,
    Junk,
    Nack,
    Packet,
    compress,
    decode_body,
    encode,
    escape,
)


def decode(data: bytes, limit: int = 1000) -> list[Event]:
    return Decoder(limit).feed(data)


@given(st.binary())
def test_escaped_data_survives_the_wire(data: bytes) -> None:
    assert decode(encode(escape(data)), limit=10_000) == [Packet(data)]


@given(st.text(alphabet="0123456789abcdefx", max_size=400).map(str.encode))
def test_run_lengths_survive_the_wire(text: bytes) -> None:
    assert decode_body(compress(text)) == text


def test_run_lengths_of_every_size() -> None:
    for count in range(1, 400):
        body = compress(b"0" * count)
        assert decode_body(body) == b"0" * count
        assert not set(body) & set(b"#$}")
        assert max(body) <= 126
    assert compress(b"0" * 98) == b"0*~"


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 7))
def test_packets_may_come_in_pieces(payloads: list[bytes], size: int) -> None:
    wire = b"+".join(encode(escape(payload)) for payload in payloads)
    decoder = Decoder(1000)
    events = [e for at in range(0, len(wire), size) for e in decoder.feed(wire[at : at + size])]
    assert [e for e in events if isinstance(e, Packet)] == [Packet(p) for p in payloads]


@given(st.binary(max_size=300))
def test_garbage_is_survived_and_the_next_packet_is_seen(garbage: bytes) -> None:
    decoder = Decoder(1000)
    decoder.feed(garbage)
    # The packet that garbage began is given up when the next one begins, or ends with it.
    events = decoder.feed(b"$?#3f$?#3f$g#67")
    assert events[-1] == Packet(b"g")


def test_acks_interrupts_and_junk() -> None:
    assert decode(b"+-\x03hello$?#3f") == [Ack(), Nack(), Interrupt(), Junk(5), Packet(b"?")]


def test_0x03_inside_a_packet_is_data() -> None:
    assert decode(encode(b"X0,1:\x03")) == [Packet(b"X0,1:\x03")]


def test_wrong_checksum_and_broken_escapes() -> None:
    assert decode(b"$g#00") == [Packet(b"g", intact=False)]
    assert decode(encode(b"m0}")) == [Packet(b"m0}", intact=False)]
    assert decode(encode(b"*!")) == [Packet(b"*!", intact=False)]


def test_a_packet_that_never_ends_is_dropped() -> None:
    decoder = Decoder(limit=100)
    assert decoder.feed(b"$" + b"a" * 200) == [Junk(201)]
    assert decoder.feed(b"aaa#00$g#67") == [Junk(6), Packet(b"g")]
    assert decode(b"$" + b"a" * 200 + b"#00$g#67", limit=100)[-1] == Packet(b"g")
