"""A recording of today, rewritten as one of format 1, which the samples are too old to replay."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ttd.recording.blob import pack, seal, unpack, unseal
from ttd.recording.formats import tables_of
from ttd.recording.rows import context

_CHANGED = ("chunks", "snapshots", "intervals")


def as_format_1(path: Path) -> None:
    """One history without a name: no column `branch`, and `status` in `meta`. The seals of branch
    0 are those of format 1."""
    db = sqlite3.connect(path, isolation_level=None)
    ((number, blob),) = db.execute("SELECT id, data FROM branches")
    status = unpack(unseal(blob, context("branch", number)))["status"]
    tables = tables_of(1)
    db.execute("BEGIN")
    for name in _CHANGED:
        db.execute(f"ALTER TABLE {name} RENAME TO new_{name}")
        db.execute(tables[name])
        columns = ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({name})"))
        db.execute(f"INSERT INTO {name} SELECT {columns} FROM new_{name}")
        db.execute(f"DROP TABLE new_{name}")
    db.execute("DROP TABLE branches")
    db.execute("DROP TABLE known")
    row = "status", seal(pack(status), context("meta", "status"))
    db.execute("INSERT INTO meta VALUES (?, ?)", row)
    db.execute("PRAGMA user_version = 1")
    db.execute("COMMIT")
    db.execute("VACUUM")
    db.close()
