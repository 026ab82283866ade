"""Recordings that somebody has made to do harm: wrong types, bombs, words for the terminal."""

import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.recording_fill import CONFIG, IMAGE, fill, verify
from ttd.errors import UserError
from ttd.recording.blob import pack, seal
from ttd.recording.errors import RecordingError
from ttd.recording.formats import TABLES
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.recording.rows import context
from ttd.recording.varint import varint
from ttd.text import printable

TERMINAL = "x\nttd: replayed 5 steps, 1 snapshots compared: the same\x1b[2J"


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG, {"fw.elf": IMAGE})
    recording.file.set_devices(["uart0"])
    fill(recording, EventLog(recording), 0, 3)
    recording.file.remarks.set_bookmark("here", 5)
    recording.finish("done", 0, bytes(16))
    recording.close()
    return path


def change(path: str, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Change a recording without its tables' checks, which are there again afterwards."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA writable_schema = ON")
    loose = "replace(replace(replace(sql, ' STRICT', ''), ' NOT NULL', ''), ' UNIQUE', '')"
    db.execute(f"UPDATE sqlite_schema SET sql = {loose} WHERE name != 'pages'")
    ((version,),) = db.execute("PRAGMA schema_version")
    db.execute(f"PRAGMA schema_version = {version + 1}")
    db.close()
    db = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        db.execute(*statement)
    db.execute("PRAGMA writable_schema = ON")
    for name, sql in TABLES.items():
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, name))
    db.close()


def read(path: str) -> None:
    """All that can be read; only the user's errors come out of it."""
    recording = Recording.open(path)
    try:
        EventLog(recording).counts()
        recording.event_bytes()
        verify(recording)
    finally:
        recording.close()


COLUMNS = [
    (table, column)
    for table, columns in {
        "meta": ("name", "data"),
        "images": ("name", "data"),
        "chunks": ("count", "first_step", "last_step", "kinds", "data"),
        "snapshots": ("step", "sequence", "virtual_ns", "hash", "pages", "state"),
        "intervals": ("data",),
        "bookmarks": ("name", "data"),
        "branches": ("data",),
    }.items()
    for column in columns
]
VALUES = (None, -1, 1 << 62, 1.5, "text", TERMINAL, b"", b"x" * 16, b"x" * 40)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_values_that_the_tables_do_not_allow(path: str, table: str, column: str) -> None:
    before = Path(path).read_bytes()
    for value in VALUES:
        Path(path).write_bytes(before)
        change(path, (f"UPDATE OR IGNORE {table} SET {column} = ?", (value,)))
        with pytest.raises(RecordingError) as caught:
            read(path)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON bookmarks BEGIN DELETE FROM chunks; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE more (a)",
        "CREATE INDEX i ON chunks (last_step)",
        "DROP TABLE intervals",
        "ALTER TABLE bookmarks ADD COLUMN more TEXT",
    ],
)
def test_other_tables_than_ours(path: str, sql: str) -> None:
    db = sqlite3.connect(path)
    db.execute(sql)
    db.commit()
    db.close()
    with pytest.raises(RecordingError, match="tables of a recording"):
        Recording.open(path)


def put_meta(path: str, name: str, data: object) -> None:
    blob = seal(pack(data), context("meta", name))
    change(path, ("UPDATE meta SET data = ? WHERE name = ?", (blob, name)))


@pytest.mark.parametrize(
    "forge",
    [
        lambda path: put_meta(path, "devices", [TERMINAL]),
        lambda path: put_meta(
            path, "about", {"config": {**CONFIG.to_data(), "board": TERMINAL}, "created_by": ""}
        ),
        lambda path: put_meta(
            path, "about", {"config": {**CONFIG.to_data(), "options": {"loads": 5.5}}}
        ),
    ],
)
def test_words_for_a_terminal(path: str, forge: Callable[[str], None]) -> None:
    forge(path)
    with pytest.raises(RecordingError) as caught:
        read(path)
    assert str(caught.value).isprintable()


def test_what_people_read_is_one_line() -> None:
    assert printable("a\nb\x1b[1m\u202e\x00é") == "a\\nb\\x1b[1m\\u202e\\x00é"
    assert len(printable("x" * 10_000)) < 1100
    assert str(UserError(TERMINAL)).isprintable()


def chunk(raw: bytes) -> Callable[[str], None]:
    return lambda path: change(
        path, ("UPDATE chunks SET data = ? WHERE first = 0", (seal(raw, b"events 0"),))
    )


def many_images(path: str) -> None:
    """Their names are in the configuration, and so are their hashes."""
    data = bytes(60 << 20)
    rows = [(f"i{n}", seal(data, context("image", f"i{n}"))) for n in range(8)]
    change(path, *(("INSERT INTO images VALUES (?, ?)", row) for row in rows))


BOMBS: dict[str, Callable[[str], None]] = {
    # Each of the events has the head of its stream.
    "a long head": chunk(
        varint(4096) + varint(1) + b"\x03" + varint(9 << 20) + bytes((9 << 20) + 8000)
    ),
    "zeros": chunk(bytes(60 << 20)),
    "many streams": chunk(varint(4096) + varint(4096) + b"\x10\0" * 4096 + bytes(1 << 20)),
    "meta": lambda path: change(
        path, ("UPDATE meta SET data = ?", (seal(bytes(60 << 20), context("meta", "status")),))
    ),
    "images": many_images,
    "a row as long as the file is not": lambda path: change(
        path, ("UPDATE images SET data = zeroblob(?)", (70 << 20,))
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_little_does_not_become_much(path: str, name: str) -> None:
    BOMBS[name](path)
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 160 << 20
    finally:
        tracemalloc.stop()
