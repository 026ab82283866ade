"""What stands in the rows of a recording's tables."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from itertools import pairwise
from typing import TypeGuard

from ttd.recording.blob import DIGEST_BYTES, pack, seal, unseal
from ttd.recording.errors import RecordingError
from ttd.recording.index import Branch
from ttd.recording.varint import Reader, put_series, put_varint

MAX_PAGES = 32 << 20
"""Bytes of a list of pages."""


def context(*parts: object) -> bytes:
    """What a checksum covers besides the data: where it belongs."""
    return pack(parts)


def place_of(branch: int, *parts: object) -> bytes:
    """The context of what belongs to a branch; that of the first is the same as in format 1."""
    return context(*parts, *((branch,) if branch else ()))


KNOWN_ROW = "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)"
"""Branch, interval, kind, blob."""


def place_of_known(branch: int, interval: int, kind: str, begin: bytes, end: bytes) -> bytes:
    """The context of what is known of an interval. `begin`, `end`: hashes of the states that it
    lies between, so that it is of this run."""
    return place_of(branch, "known", interval, kind, begin, end)


def put_meta(db: sqlite3.Connection, name: str, data: object) -> None:
    """Store an entry of the table `meta`."""
    blob = seal(pack(data), context("meta", name))
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, blob))


def put_branch(db: sqlite3.Connection, branch: Branch, log: bytes) -> None:
    """Store a branch and how far it goes, for the snapshots that are there now, and seal it;
    `log` is the hash of its events."""
    shared = 0 if branch.fork is None else branch.fork.snapshots
    ((stored,),) = db.execute(
        "SELECT coalesce(max(id) + 1, ?) FROM snapshots WHERE branch = ?", (shared, branch.id)
    )
    status = replace(branch.status, snapshots=stored)
    put_row(db, replace(branch, status=replace(status, seal=status.sealed(log))))


def put_row(db: sqlite3.Connection, branch: Branch) -> None:
    """Store a branch as it is."""
    blob = seal(pack(branch.to_data()), context("branch", branch.id))
    db.execute("INSERT OR REPLACE INTO branches VALUES (?, ?)", (branch.id, blob))


def delete_branch(db: sqlite3.Connection, branch: int) -> None:
    """Remove all rows of a branch, and the pages that nothing refers to any more."""
    for table, column in (
        ("branches", "id"),
        ("chunks", "branch"),
        ("snapshots", "branch"),
        ("intervals", "branch"),
        ("known", "branch"),
    ):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (branch,))
    used: set[bytes] = set()
    for number, *info, pages in db.execute(
        "SELECT branch, id, step, sequence, virtual_ns, hash, pages FROM snapshots"
    ):
        place = place_of(number, "snapshot", *info) + b"pages"
        used.update(name for _, name in unpack_pages(unseal(pages, place, MAX_PAGES)))
    rows = db.execute("SELECT id, hash FROM pages").fetchall()
    db.executemany("DELETE FROM pages WHERE id = ?", [(n,) for n, name in rows if name not in used])


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


def is_digest(value: object) -> TypeGuard[bytes]:
    """True for what a column of hashes holds."""
    return isinstance(value, bytes) and len(value) == DIGEST_BYTES
