"""What stands in the rows of a recording's tables."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from typing import TypeGuard

from ttd.recording.blob import DIGEST_BYTES, pack, seal
from ttd.recording.errors import RecordingError
from ttd.recording.varint import Reader, put_series, put_varint


def context(*parts: object) -> bytes:
    """What a checksum covers besides the data: where it belongs."""
    return pack(parts)


def put_meta(db: sqlite3.Connection, name: str, data: object) -> None:
    """Store an entry of the table `meta`."""
    blob = seal(pack(data), context("meta", name))
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, blob))


def pack_pages(pages: list[tuple[int, bytes]]) -> bytes:
    """(page number, hash) of a snapshot's changed pages, in the order of their numbers."""
    out = bytearray()
    put_varint(out, len(pages))
    put_series(out, [number for number, _ in pages])
    for _, name in pages:
        out += name
    return bytes(out)


def unpack_pages(raw: bytes) -> list[tuple[int, bytes]]:
    """Inverse of `pack_pages`."""
    reader = Reader(raw)
    count = reader.varint()
    if count > len(raw) // DIGEST_BYTES:
        raise RecordingError("the recording is damaged: a snapshot claims too many pages")
    numbers = reader.series(count)
    if any(number < 0 for number in numbers[:1]) or any(a >= b for a, b in pairwise(numbers)):
        raise RecordingError("the recording is damaged: the pages of a snapshot have no order")
    pages = [(number, reader.bytes(DIGEST_BYTES)) for number in numbers]
    if not reader.done:
        raise RecordingError("the recording is damaged: a snapshot is longer than it says")
    return pages


def is_count(value: object) -> TypeGuard[int]:
    """True for what a column of numbers holds: from 0 up to 63 bits."""
    return type(value) is int and 0 <= value < 1 << 63
