"""Earlier formats of a recording: read as they are, and brought up to date before they grow."""

from __future__ import annotations

import sqlite3

FORMAT_VERSION = 3
FORMATS = (1, 2, 3)
"""Those that are read."""

_SHARED = {
    "meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT",
    "images": "CREATE TABLE images (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT",
    "pages": (
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
        " data BLOB NOT NULL) STRICT"
    ),
    "bookmarks": "CREATE TABLE bookmarks (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT",
}

KNOWN_SINCE = 3
"""The first format that has the table `known`."""

_TABLES_2 = {
    **_SHARED,
    "branches": "CREATE TABLE branches (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT",
    "chunks": (
        "CREATE TABLE chunks (branch INTEGER NOT NULL, first INTEGER NOT NULL,"
        " count INTEGER NOT NULL, first_step INTEGER NOT NULL, last_step INTEGER NOT NULL,"
        " kinds INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (branch, first)) STRICT"
    ),
    "snapshots": (
        "CREATE TABLE snapshots (branch INTEGER NOT NULL, id INTEGER NOT NULL,"
        " step INTEGER NOT NULL, sequence INTEGER NOT NULL, virtual_ns INTEGER NOT NULL,"
        " hash BLOB NOT NULL, pages BLOB NOT NULL, state BLOB NOT NULL,"
        " PRIMARY KEY (branch, id)) STRICT"
    ),
    "intervals": (
        "CREATE TABLE intervals (branch INTEGER NOT NULL, id INTEGER NOT NULL,"
        " data BLOB NOT NULL, PRIMARY KEY (branch, id)) STRICT"
    ),
}
"""Format 2 had no place for what is found out of an interval."""

TABLES = {
    **_TABLES_2,
    "known": (
        "CREATE TABLE known (branch INTEGER NOT NULL, interval INTEGER NOT NULL,"
        " kind TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (branch, interval, kind)) STRICT"
    ),
}
"""The tables of a recording now."""

_TABLES_1 = {
    **_SHARED,
    "chunks": (
        "CREATE TABLE chunks (first INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
        " first_step INTEGER NOT NULL, last_step INTEGER NOT NULL, kinds INTEGER NOT NULL,"
        " data BLOB NOT NULL) STRICT"
    ),
    "snapshots": (
        "CREATE TABLE snapshots (id INTEGER PRIMARY KEY, step INTEGER NOT NULL,"
        " sequence INTEGER NOT NULL, virtual_ns INTEGER NOT NULL, hash BLOB NOT NULL,"
        " pages BLOB NOT NULL, state BLOB NOT NULL) STRICT"
    ),
    "intervals": "CREATE TABLE intervals (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT",
}
"""Format 1 had one history, without a name."""

_CHANGED = ("chunks", "snapshots", "intervals")


def tables_of(version: int) -> dict[str, str]:
    """The tables that a file of this format has, with their SQL."""
    return {1: _TABLES_1, 2: _TABLES_2}.get(version, TABLES)


def show_as_now(db: sqlite3.Connection, version: int) -> None:
    """Let queries of the present format read a database of an earlier one.

    What the branches are, format 1 does not say: there is no such table.
    """
    if version == 1:
        for name in _CHANGED:
            db.execute(f"CREATE TEMP VIEW {name} AS SELECT 0 AS branch, * FROM main.{name}")


def bring_up_to_date(db: sqlite3.Connection, version: int) -> None:
    """Turn a database into one of the present format, in the caller's transaction; the caller says
    what the branches of one of format 1 are."""
    if version == FORMAT_VERSION:
        return
    if version == 1:
        for name in _CHANGED:
            db.execute(f"DROP VIEW IF EXISTS temp.{name}")
            db.execute(f"ALTER TABLE main.{name} RENAME TO old_{name}")
            db.execute(TABLES[name])
            db.execute(f"INSERT INTO {name} SELECT 0, * FROM old_{name}")
            db.execute(f"DROP TABLE old_{name}")
        db.execute(TABLES["branches"])
    if version < KNOWN_SINCE:
        db.execute(TABLES["known"])
    db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
