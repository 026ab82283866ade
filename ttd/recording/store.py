"""One SQLite database of a recording: its rows, and the thread that adds to them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Any

from ttd.recording import schema
from ttd.recording.errors import RecordingError
from ttd.recording.writer import Job, Writer

_ROWS = 256
"""Rows that are read at a time."""


class Store:
    """A database that is read, and after `begin_writing` grows as well.

    Methods raise `RecordingError` with a sentence for people. `path` is what it is called there.
    """

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.unsaid: set[int] = set()
        """Branches of which something has been stored since a commit said so; for jobs only."""
        self._connection = connection
        self._lock = RLock()
        self._writer: Writer | None = None

    @property
    def version(self) -> int:
        """The format that the database has."""
        with self._lock, schema.one_sentence(self.path):
            return schema.version_of(self._connection)

    # --- reading

    def each(self, sql: str, *values: object) -> Iterator[Any]:
        """Rows, a few at a time: a damaged table may seem to have any number of them."""
        self._drain()
        with self._lock, schema.one_sentence(self.path):
            cursor = self._connection.execute(sql, values)
        while True:
            with self._lock, schema.one_sentence(self.path):
                rows = cursor.fetchmany(_ROWS)
            if not rows:
                return
            yield from rows

    def row(self, sql: str, *values: object) -> Any:
        """The first row; None if there is none."""
        self._drain()
        with self._lock, schema.one_sentence(self.path):
            return self._connection.execute(sql, values).fetchone()

    def hold_still(self) -> None:
        """See the database as it is now, whatever others add to it."""
        with self._lock, schema.one_sentence(self.path):
            self._connection.execute("BEGIN")

    def look_again(self) -> None:
        """See what others have added."""
        with self._lock, schema.one_sentence(self.path):
            if self._connection.in_transaction and self._writer is None:
                self._connection.execute("COMMIT")

    def change(self, job: Job, *, patient: bool = True) -> None:
        """Do something to a database that nobody records, in one transaction. If this is not
        `patient`, nobody who is in the way is waited for."""
        if not os.path.exists(self.path):  # a temporary one
            with self._lock, schema.one_sentence(self.path):
                job(self._connection)
            return
        with (
            self._let_go(),
            schema.one_sentence(self.path),
            schema.changing(self.path, patient=patient) as db,
        ):
            job(db)

    @contextmanager
    def _let_go(self) -> Iterator[None]:
        """Meanwhile another connection may write to a database that is read here."""
        with self._lock:
            held = self._connection.in_transaction
            if held:
                self._connection.execute("COMMIT")
            try:
                yield
            finally:
                if held:
                    self._connection.execute("BEGIN")

    # --- writing

    @property
    def writes(self) -> bool:
        """Between `begin_writing` and `end_writing`."""
        return self._writer is not None

    def begin_writing(self, connection: sqlite3.Connection | None = None) -> None:
        """From now on there is a thread that writes; by this connection from now on, if one is
        given."""
        with self._lock:
            if connection is not None:
                old, self._connection = self._connection, connection
                with suppress(sqlite3.Error):
                    old.close()
            self._writer = Writer(self._connection, self._lock)

    def end_writing(self) -> None:
        """Everything is in one file, which is still read here."""
        writer = self._writer
        if writer is None:
            return
        self.sync()
        writer.close()
        self._writer = None
        with self._lock, schema.one_sentence(self.path):
            schema.settle(self._connection)

    def put(self, job: Job, size: int) -> None:
        """As `Writer.put`."""
        self.writer.put(job, size)

    def put_first(self, job: Job, size: int) -> None:
        """As `Writer.put_first`."""
        self.writer.put_first(job, size)

    def commit(self, job: Job) -> None:
        """As `Writer.commit`."""
        self.writer.commit(job)

    @property
    def writer(self) -> Writer:
        """Who writes; `RecordingError` if nobody does, or it has failed."""
        if self._writer is None:
            raise RecordingError(f"{self.path} is finished and does not change any more")
        self._raise_error()
        return self._writer

    def failure(self) -> RecordingError | None:
        """Why nothing can be written any more."""
        error = None if self._writer is None else self._writer.error
        if error is None or isinstance(error, RecordingError):
            return error
        return schema.sentence(self.path, error)

    def sync(self) -> None:
        """Wait until everything so far has been written."""
        self._drain()
        self._raise_error()

    def close(self) -> None:
        """What has not been committed is lost. Never raises."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        with suppress(sqlite3.Error):
            self._connection.close()

    def _raise_error(self) -> None:
        failure = self.failure()
        if failure is not None:
            raise failure

    def _drain(self) -> None:
        """What has been handed to the writer is there to be read, if it could be written."""
        if self._writer is not None:
            self._writer.drain()

    def damaged(self, why: str) -> RecordingError:
        """What a recorder could not write is missing for that reason only."""
        return self.failure() or RecordingError(f"{self.path} is damaged: {why}")
