"""Ways to change a recording: every table, with right checksums, and the file under the tables."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lz4.block

from tests.integration.cli_tools import Transaction
from ttd.recording.blob import digest, expand, pack, seal, shrink, unpack, unseal
from ttd.recording.chunk import decode_chunk, encode_chunk
from ttd.recording.errors import RecordingError
from ttd.recording.events import MAX_EVENTS, Event, Kind
from ttd.recording.index import ChunkInfo
from ttd.recording.rows import context, pack_pages, unpack_pages
from ttd.recording.schema import TABLES

Change = Callable[[Path, random.Random], None]

EDGES = (0, 1, 2, 127, 255, 256, 4095, 65536, (1 << 31) - 1, 1 << 32, (1 << 63) - 1)
NUMBERS = (*EDGES, *(-edge for edge in EDGES[1:]), -(1 << 63))
SNAPSHOTS = "SELECT id, step, sequence, virtual_ns, hash, pages, state FROM snapshots"
TEXTS = (
    "",
    "x",
    "x\nttd: replayed 5 steps, 1 snapshots compared: the same",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202eevil",
    "n" * 100_000,
    "/etc/passwd",
    "uart0",
    "é\0",
)
VALUES = (*NUMBERS, *TEXTS, *(text.encode() for text in TEXTS), None, True, 1.5, [], {}, [[]])


def of_data(data: Any, choose: random.Random) -> Any:
    """Plain data with one thing changed, somewhere inside."""
    if isinstance(data, dict) and data and choose.random() < 0.9:
        key = choose.choice(list(data))
        if choose.random() < 0.06:
            return {k: v for k, v in data.items() if k != key}
        if choose.random() < 0.03:
            return data | {choose.choice(("more", "", 5)): choose.choice(VALUES)}
        return data | {key: of_data(data[key], choose)}
    if isinstance(data, list) and data and choose.random() < 0.9:
        at = choose.randrange(len(data))
        if choose.random() < 0.1:
            return data[:at] + data[at + choose.randrange(2) :] * choose.randrange(1, 3)
        return [*data[:at], of_data(data[at], choose), *data[at + 1 :]]
    if choose.random() < 0.2:
        return _nested(choose)
    if isinstance(data, bool):
        return not data
    if isinstance(data, int) and choose.random() < 0.7:
        return choose.choice((data + 1, data - 1, data ^ 1 << choose.randrange(32), *NUMBERS))
    if isinstance(data, bytes) and choose.random() < 0.7:
        return of_bytes(data, choose)
    if isinstance(data, str) and choose.random() < 0.5:
        at = choose.randrange(len(data) + 1)
        return data[:at] + choose.choice((*TEXTS, "0", "=", ",")) + data[at + 1 :]
    return choose.choice(VALUES)


def _nested(choose: random.Random) -> Any:
    data: Any = choose.choice(VALUES)
    for _ in range(choose.choice((1, 5, 400))):
        data = [data] if choose.random() < 0.7 else {"a": data}
    return data


def of_bytes(data: bytes, choose: random.Random) -> bytes:
    """Bytes with some changed, gone or more of them."""
    at = choose.randrange(len(data) + 1)
    length = choose.choice((1, 1, 1, 2, 4, 16))
    match choose.randrange(6):
        case 0 | 1 | 2:
            flipped = bytes(byte ^ 1 << choose.randrange(8) for byte in data[at : at + length])
            return data[:at] + flipped + data[at + length :]
        case 3:
            return data[:at] + data[at + length :]
        case 4:
            more = choose.choice((b"\xff", b"\x80", b"\0", b"\x7f")) * choose.choice((1, 9, 5000))
            return data[:at] + more + data[at:]
        case _:
            return data[:at]


def of_events(events: list[Event], choose: random.Random) -> list[Event]:
    """Events with one changed, moved, gone, twice or new."""
    events = list(events)
    at = choose.randrange(len(events) + 1)
    if at == len(events) or choose.random() < 0.1:
        kind = choose.choice(tuple(Kind))
        step = events[min(at, len(events) - 1)].step if events else 0
        events.insert(at, Event(step, kind, choose.randbytes(choose.choice((0, 1, 2, 8, 300)))))
        return events
    step, kind, payload = events[at]
    match choose.randrange(8):
        case 0:
            del events[at]
        case 1:
            events.insert(at, events[at])
        case 2:
            events[at] = Event(max(0, step + choose.choice((-1, 1, 50, -50))), kind, payload)
            events.sort(key=lambda event: event.step)
        case 3:
            events[at] = Event(step, choose.choice(tuple(Kind)), payload)
        case 4:
            other = choose.randrange(len(events))
            events[at], events[other] = (
                Event(step, events[other].kind, events[other].payload),
                Event(events[other].step, kind, payload),
            )
        case 5:
            del events[at:]
        case _:
            events[at] = Event(step, kind, of_bytes(payload, choose))
    return events


# --- what is in the tables, with right checksums


def meta(path: Path, choose: random.Random) -> None:
    name = choose.choice(("about", "about", "devices", "notes"))
    with Transaction(path) as db:
        ((blob,),) = db.execute("SELECT data FROM meta WHERE name = ?", (name,))
        place = context("meta", name)
        data = of_data(unpack(unseal(blob, place)), choose)
        db.execute("UPDATE meta SET data = ? WHERE name = ?", (_seal(data, place), name))


def branches(path: Path, choose: random.Random) -> None:
    """How far a branch goes; or one more, that leaves another one somewhere."""
    with Transaction(path) as db:
        rows = db.execute("SELECT id, data FROM branches").fetchall()
        key, blob = choose.choice(rows)
        data = unpack(unseal(blob, context("branch", key)))
        if choose.random() < 0.4:
            key = choose.choice((1, 2, len(rows), *NUMBERS))
            fork = [choose.choice((0, 1, *NUMBERS)) for _ in range(6)]
            data = data | {"fork": choose.choice((fork, fork[:5], [0, 1, 0, 0, 0, 0], None, {}))}
        if choose.random() < 0.7:
            data = of_data(data, choose)
        row = (key, _seal(data, context("branch", key)))
        db.execute("INSERT OR REPLACE INTO branches VALUES (?, ?)", row)


def images(path: Path, choose: random.Random) -> None:
    """An image, and mostly its hash in the configuration too."""
    with Transaction(path) as db:
        rows = db.execute("SELECT name, data FROM images").fetchall()
        name, blob = choose.choice(rows)
        data = of_bytes(unseal(blob, context("image", name)), choose)
        sealed = seal(data, context("image", name))
        db.execute("UPDATE images SET data = ? WHERE name = ?", (sealed, name))
        if choose.random() < 0.8:
            place = context("meta", "about")
            ((blob,),) = db.execute("SELECT data FROM meta WHERE name = 'about'")
            about = unpack(unseal(blob, place))
            about["config"]["images"][name] = digest(data)
            db.execute("UPDATE meta SET data = ? WHERE name = 'about'", (_seal(about, place),))


def events(path: Path, choose: random.Random) -> None:
    with Transaction(path) as db:
        all_events: list[Event] = []
        for first, blob in db.execute("SELECT first, data FROM chunks ORDER BY first"):
            all_events += decode_chunk(blob, first)
        # Not mostly the marks of interrupts, of which there are many.
        kinds = {event.kind for event in all_events}
        kind = choose.choice(sorted(kinds))
        places = [at for at, event in enumerate(all_events) if event.kind is kind]
        at = choose.choice(places)
        low, high = max(0, at - choose.choice((0, 0, 3))), at + choose.choice((1, 1, 4))
        all_events[low:high] = of_events(all_events[low:high], choose)
        all_events.sort(key=lambda event: event.step)
        put_events(db, all_events)
        place = context("branch", 0)
        ((blob,),) = db.execute("SELECT data FROM branches WHERE id = 0")
        branch = unpack(unseal(blob, place))
        branch["status"]["events"] = len(all_events)
        db.execute("UPDATE branches SET data = ? WHERE id = 0", (_seal(branch, place),))


def put_events(db: sqlite3.Connection, all_events: Sequence[Event]) -> None:
    """Give a recording these events."""
    db.execute("DELETE FROM chunks")
    for first in range(0, len(all_events), MAX_EVENTS):
        part = all_events[first : first + MAX_EVENTS]
        row = (*ChunkInfo.of(first, part), encode_chunk(part, first))
        db.execute("INSERT INTO chunks VALUES (0, ?, ?, ?, ?, ?, ?)", row)


def chunks(path: Path, choose: random.Random) -> None:
    """The bytes of a chunk under its checksum."""
    with Transaction(path) as db:
        first, blob = choose.choice(db.execute("SELECT first, data FROM chunks").fetchall())
        place = b"events %d" % first
        data = seal(_inner(unseal(blob, place), choose), place)
        db.execute("UPDATE chunks SET data = ? WHERE first = ?", (data, first))


def snapshot_state(db: sqlite3.Connection, row: Sequence[Any]) -> bytes:
    """The state in a row of snapshots, packed; of 64 the first has what the others refer to."""
    place = context("snapshot", *row[:5]) + b"state"
    first = row[0] - row[0] % 64
    if first == row[0]:
        return unseal(row[6], place)
    whole = db.execute(
        f"{SNAPSHOTS} WHERE id = ?",
        (first,),
    ).fetchone()
    return unseal(row[6], place, like=snapshot_state(db, whole))


def snapshots(path: Path, choose: random.Random) -> None:
    """A state, a list of pages, or a number of a snapshot."""
    with Transaction(path) as db:
        row = list(choose.choice(db.execute(SNAPSHOTS).fetchall()))
        place = context("snapshot", *row[:5])
        pages, state = unseal(row[5], place + b"pages"), snapshot_state(db, row)
        old = row[0]
        match choose.randrange(4):
            case 0:
                state = pack(of_data(unpack(state), choose))
            case 1:
                state = of_bytes(state, choose)
            case 2:
                pages = _pages(pages, choose)
            case _:
                at = choose.randrange(5)
                row[at] = (
                    of_bytes(row[at], choose)
                    if at == 4
                    else choose.choice((row[at] + 1, row[at] - 1, *NUMBERS))
                )
        place = context("snapshot", *row[:5])
        row[5:] = [seal(pages, place + b"pages"), seal(state, place + b"state")]
        db.execute("DELETE FROM snapshots WHERE id = ?", (old,))
        db.execute("INSERT OR REPLACE INTO snapshots VALUES (0, ?, ?, ?, ?, ?, ?, ?)", row)


def _pages(raw: bytes, choose: random.Random) -> bytes:
    found = unpack_pages(raw)
    if choose.random() < 0.3 or not found:
        return _inner(raw, choose)
    at = choose.randrange(len(found))
    number, name = found[at]
    match choose.randrange(4):
        case 0:
            del found[at]
        case 1:
            found[at] = (choose.choice((number + 1, number - 1, -1, -number, *EDGES[:9])), name)
        case 2:
            found[at] = (number, choose.choice(found)[1])
        case _:
            found.insert(at, choose.choice(found))
    return pack_pages(found)


def pages(path: Path, choose: random.Random) -> None:
    """A page, mostly under a right name."""
    with Transaction(path) as db:
        key, name, blob = choose.choice(db.execute("SELECT id, hash, data FROM pages").fetchall())
        data = of_bytes(expand(blob, 1 << 16), choose)
        if choose.random() < 0.5:
            name = digest(data)
        db.execute(
            "INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", (key, name, shrink(data[: 1 << 17]))
        )


def intervals(path: Path, choose: random.Random) -> None:
    """What is known of an interval: nothing was touched, or something else."""
    with Transaction(path) as db:
        rows = db.execute("SELECT id, data FROM intervals").fetchall()
        if not rows:
            return
        key, blob = choose.choice(rows)
        place = context("interval", key)
        data = choose.choice((_inner(unseal(blob, place), choose), bytes(3), bytes(6), b""))
        db.execute("UPDATE intervals SET data = ? WHERE id = ?", (seal(data, place), key))


def bookmarks(path: Path, choose: random.Random) -> None:
    with Transaction(path) as db:
        for _ in range(choose.choice((1, 3, 300))):
            name = choose.choice(TEXTS) + str(choose.randrange(1000))
            data = of_data([choose.choice(NUMBERS), choose.choice(TEXTS)], choose)
            row = (name, _seal(data, context("bookmark", name)))
            db.execute("INSERT OR REPLACE INTO bookmarks VALUES (?, ?)", row)


def bombs(path: Path, choose: random.Random) -> None:
    """Little that becomes much: as long as an entry may be, and in as many entries as there are."""
    size = choose.choice((1 << 20, 4 << 20, 10 << 20, 48 << 20, 64 << 20))
    raw = choose.choice((b"\0", b"\x90", b"\xc0", b"\x01", b"\x81\x80")) * size
    with Transaction(path) as db:
        match choose.randrange(7):
            case 0:
                _bomb(db, "meta", "name", lambda key: context("meta", key), raw)
            case 1:
                _bomb(db, "images", "name", lambda key: context("image", key), raw)
                for number in range(20):
                    name = f"i{number}"
                    db.execute(
                        "INSERT INTO images VALUES (?, ?)",
                        (name, _tight(raw, context("image", name))),
                    )
            case 2:
                _bomb(db, "chunks", "first", lambda key: b"events %d" % key, raw)
            case 3:
                _bomb(db, "intervals", "id", lambda key: context("interval", key), raw)
            case 4:
                head = choose.choice((1 << 16, 1 << 20, size))
                first = bytearray(b"\x80\x80\x04\x01\x03")
                value = head
                while value > 0x7F:
                    first.append(value & 0x7F | 0x80)
                    value >>= 7
                first.append(value)
                stream = bytes(first) + bytes(head + (1 << 18))
                _bomb(db, "chunks", "first", lambda key: b"events %d" % key, stream)
            case 5:
                row = choose.choice(db.execute(SNAPSHOTS).fetchall())
                place = context("snapshot", *row[:5])
                part = choose.choice(("pages", "state"))
                db.execute(
                    f"UPDATE snapshots SET {part} = ? WHERE id = ?",
                    (_tight(raw, place + part.encode()), row[0]),
                )
            case _:
                db.execute("UPDATE pages SET data = ?", (shrink(raw, tight=True),))


def _bomb(
    db: sqlite3.Connection, table: str, key: str, place: Callable[[Any], bytes], raw: bytes
) -> None:
    for (name,) in db.execute(f"SELECT {key} FROM {table}").fetchall():
        db.execute(f"UPDATE {table} SET data = ? WHERE {key} = ?", (_tight(raw, place(name)), name))


def _tight(raw: bytes, place: bytes) -> bytes:
    body = len(raw).to_bytes(4, "little") + lz4.block.compress(raw, store_size=False)
    return digest(body, place) + body


# --- the tables themselves


def rows(path: Path, choose: random.Random) -> None:
    """Rows gone, exchanged or with values that the table does not allow."""
    with Transaction(path) as db:
        tables = ("meta", "images", "chunks", "snapshots", "pages", "intervals", "bookmarks")
        table = choose.choice(tables)
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        found = [key for (key,) in db.execute(f"SELECT rowid FROM {table}").fetchall()]
        if not found:
            return
        key, other, name = choose.choice(found), choose.choice(found), choose.choice(names)
        match choose.randrange(4):
            case 0:
                db.execute(f"DELETE FROM {table} WHERE rowid = ?", (key,))
            case 1:
                db.execute(
                    f"UPDATE OR REPLACE {table} SET {name} = (SELECT {name} FROM {table}"
                    " WHERE rowid = ?) WHERE rowid = ?",
                    (other, key),
                )
            case 2:
                _loosely(db, table)
                value = choose.choice((*NUMBERS, *TEXTS, b"", b"x" * 20, None, 1.5))
                db.execute(f"UPDATE OR IGNORE {table} SET {name} = ? WHERE rowid = ?", (value, key))
            case _:
                _loosely(db, table)
                db.execute(f"UPDATE OR IGNORE {table} SET {name} = CAST({name} AS TEXT)")
    _as_it_was(path)


def _loosely(db: sqlite3.Connection, table: str) -> None:
    """Let a table take any value; `_as_it_was` hides it."""
    db.execute("PRAGMA writable_schema = ON")
    db.execute(
        "UPDATE sqlite_schema SET sql ="
        " replace(replace(sql, ' STRICT', ''), ' NOT NULL', '' ) WHERE name = ?",
        (table,),
    )
    ((version,),) = db.execute("PRAGMA schema_version")
    db.execute(f"PRAGMA schema_version = {version + 1}")
    db.commit()


def _as_it_was(path: Path) -> None:
    with Transaction(path) as db:
        db.execute("PRAGMA writable_schema = ON")
        for name, sql in TABLES.items():
            db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, name))


def schema(path: Path, choose: random.Random) -> None:
    """Something that does not belong there."""
    with Transaction(path) as db:
        db.execute(
            choose.choice(
                (
                    "CREATE TRIGGER t AFTER INSERT ON bookmarks BEGIN DELETE FROM chunks; END",
                    "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c)"
                    " SELECT x FROM c",
                    "CREATE TABLE more (a)",
                    "CREATE INDEX i ON chunks (last_step)",
                    "CREATE INDEX i ON pages (abs(id))",
                    "DROP TABLE intervals",
                    "ALTER TABLE bookmarks ADD COLUMN more TEXT",
                    "DROP TABLE pages",
                )
            )
        )


# --- the file


def flips(path: Path, choose: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(choose.choice((1, 1, 4, 50))):
        # The first page has the header and the schema.
        at = choose.randrange(choose.choice((100, 4096, len(data), len(data))))
        data[at] = choose.choice((data[at] ^ 1 << choose.randrange(8), 0, 0xFF))
    path.write_bytes(data)


def cuts(path: Path, choose: random.Random) -> None:
    data = path.read_bytes()
    at = choose.randrange(len(data))
    end = min(len(data), at + choose.choice((1, 512, 4096)))
    match choose.randrange(4):
        case 0:
            path.write_bytes(data[:at])
        case 1:
            path.write_bytes(data[:at] + bytes(end - at) + data[end:])
        case 2:
            path.write_bytes(data[:at] + data[end:])
        case _:
            path.write_bytes(data + choose.randbytes(choose.choice((1, 4096, 10_000))))


def shuffles(path: Path, choose: random.Random) -> None:
    """Pages of the database exchanged, or one in place of another: trees with circles."""
    data = path.read_bytes()
    size = 4096
    count = len(data) // size
    one, two = choose.randrange(1, count), choose.randrange(1, count)
    found = [data[at * size : (at + 1) * size] for at in range(count)]
    found[one], found[two] = found[two], found[choose.choice((one, two))]
    path.write_bytes(b"".join(found))


CHANGES: tuple[Change, ...] = (
    *(meta, meta, images, events, events, events, chunks, snapshots, snapshots, pages, intervals),
    *(branches, branches, bookmarks, bombs, rows, rows, schema, flips, cuts, shuffles),
)


def change(path: Path, seed: int) -> str:
    """Change the recording as `seed` says; returns in which ways."""
    choose = random.Random(seed)
    done = []
    for _ in range(choose.choice((1, 1, 1, 2))):
        how = choose.choice(CHANGES)
        try:
            how(path, choose)
            done.append(how.__name__)
        except (
            *(sqlite3.Error, RecordingError, OverflowError),
            *(ValueError, TypeError, IndexError, KeyError),
        ):
            # What an earlier change has left cannot be changed further in this way.
            continue
    return " and ".join(done)


def _seal(data: Any, place: bytes) -> bytes:
    return seal(pack(data), place)


def _inner(raw: bytes, choose: random.Random) -> bytes:
    for _ in range(choose.choice((1, 1, 2, 5))):
        raw = of_bytes(raw, choose)
    return raw
