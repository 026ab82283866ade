"""The recording: one SQLite file with everything that is needed to see a run again."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from threading import RLock
from typing import Any, Self

from ttd.recording import schema
from ttd.recording.blob import (
    DIGEST_BYTES,
    MAX_RAW,
    digest,
    expand,
    pack,
    seal,
    shrink,
    unpack,
    unseal,
)
from ttd.recording.chunk import Events, as_columns, count_kinds, decode_chunk
from ttd.recording.claim import Claim
from ttd.recording.config import MachineConfig
from ttd.recording.errors import RecordingError
from ttd.recording.events import MAX_EVENTS, Event, Kind
from ttd.recording.index import ChunkInfo, SnapshotInfo, Status
from ttd.recording.rows import context, is_count, pack_pages, put_meta, unpack_pages
from ttd.recording.writer import Job, Writer
from ttd.text import is_line, printable

MAX_PAGE = 1 << 16
"""Largest page in bytes."""
_MAX_STATE = 4 << 20
_MAX_PAGES = 32 << 20
_MAX_META = 1 << 20
_MAX_BOOKMARK = 1 << 16
_MAX_INTERVAL = 4 << 20
_MAX_IMAGES = 256 << 20
"""Bytes of all images together."""
MAX_NOTE = 500
"""Characters of a note."""
MAX_NOTES = 1000
"""Notes of one recording."""
_MAX_NOTE_BYTES = 8 << 20
"""Of all of them together, as they are packed."""
_WHOLE = 64
"""Of so many snapshots the first has its state as it is; the others refer to that one's."""
_ROWS = 256
"""Rows that are read at a time."""
_ROW_BYTES = 64
"""What a row counts for besides its data."""


class Recording:
    """A recording that grows (`create`) or one that is read (`open`).

    While it grows all methods belong to the recorder's thread; writing happens on another one.
    Nothing is visible to others before a `commit`, and what a commit shows is consistent: every
    event before a snapshot and every page of it are there; the latest snapshots may not be.
    Methods raise `RecordingError` if the file cannot be written (then everything up to the last
    commit is good), or is damaged.
    """

    def __init__(self, path: str, connection: sqlite3.Connection, writable: bool) -> None:
        self.path = path
        self.writable = writable
        self.before_commit: Callable[[int | None], None] | None = None
        """Called before a commit or a snapshot, to hand over events not handed over yet: up to
        this number, or all."""
        self.config = MachineConfig("", "", 1)
        self.created_by = ""
        self.made: dict[str, str] = {}
        """When, where and how, for people: no part of the run."""
        self.devices: list[str] = []
        self.status = Status()
        self._connection = connection
        self._lock = RLock()
        self._writer = Writer(connection, self._lock) if writable else None
        self._events = 0
        self._snapshots: list[SnapshotInfo] = []
        self._whole = b""
        """The last state that has been stored as it is."""
        self._read_whole: tuple[int, bytes] = (-1, b"")
        """The last such state that has been read, and its number."""
        self._interval: tuple[int, bytes] | None = None
        """The row of the interval that the next snapshot ends."""
        self._log = b""
        self._claim: Claim | None = None
        self.page_bytes = 0
        """Of pages that have been written to the file, compressed; those that wait do not count."""

    # --- making and opening

    @classmethod
    def create(
        cls,
        path: str | None,
        config: MachineConfig,
        images: dict[str, bytes] | None = None,
        created_by: str = "ttd",
        existing: schema.Existing = schema.Existing.REPLACE,
        made: Mapping[str, str] | None = None,
    ) -> Self:
        """Begin a recording at `path`; None: a temporary one.

        `made`: lines that say when, where and how.
        `images` are the firmware files by name; their hashes are put into the configuration.
        `existing`: what becomes of a recording that is there. A file that is none is not replaced.
        """
        images = images or {}
        hashes = {name: digest(data) for name, data in images.items()}
        config = MachineConfig(
            config.board, config.cpu_model, config.clock_ns, hashes, config.options
        )
        lines = dict(made or {})
        name = "a temporary recording" if path is None else path
        if path is not None:
            schema.check_replaceable(path, existing)

        def fill(db: sqlite3.Connection) -> None:
            about = {"config": config.to_data(), "created_by": created_by, "made": lines}
            put_meta(db, "about", about)
            put_meta(db, "devices", [])
            _put_status(db, Status(), config.digest)
            for image, data in images.items():
                blob = seal(data, context("image", image))
                db.execute("INSERT INTO images VALUES (?, ?)", (image, blob))

        with schema.one_sentence(name):
            taken, connection, claim = schema.make(path, fill, existing)
        recording = cls(taken or name, connection, writable=True)
        recording._claim = claim
        recording.config = config
        recording.created_by = created_by
        recording.made = lines
        recording._log = config.digest
        return recording

    @classmethod
    def open(cls, path: str) -> Self:
        """Open a recording to read it. One whose recorder was killed opens at its last commit."""
        connection = schema.open_existing(path)
        recording = cls(path, connection, writable=False)
        try:
            with schema.one_sentence(path):
                connection.execute("BEGIN")
            recording._read_index()
            if recording.status.complete:
                # Otherwise the transaction stays: a file that grows is seen as it is now.
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return recording

    def _read_index(self) -> None:
        about = self._meta("about", dict)
        config, created_by = about.get("config"), about.get("created_by")
        if not isinstance(config, dict) or not isinstance(created_by, str):
            raise self._damaged("it does not say which machine it is of")
        self.config = MachineConfig.from_data(config)
        self.created_by = created_by
        self.made = about.get("made", {})  # those of earlier versions do not say it
        if not isinstance(self.made, dict) or not all(
            is_line(text) for entry in self.made.items() for text in entry
        ):
            raise self._damaged("it does not say when and how it was made")
        self.devices = self._meta("devices", list)
        if not all(map(is_line, self.devices)):
            raise self._damaged("its devices have no names")
        self.status = self._read_status()
        for info in self.chunks():
            self._events += info.events
        if self._events != self.status.events:
            raise self._damaged("events are missing")
        last = SnapshotInfo(-1, 0, 0, 0, b"")
        for row in self._each(
            "SELECT id, step, sequence, virtual_ns, hash FROM snapshots ORDER BY id"
        ):
            if not all(map(is_count, row[:4])) or not _is_digest(row[4]):
                raise self._damaged("a snapshot is not one")
            now = SnapshotInfo(*row)
            if now.id != last.id + 1 or any(
                a < b for a, b in zip(now[1:4], last[1:4], strict=True)
            ):
                raise self._damaged("a snapshot is missing or out of place")
            if now.sequence > self._events or now.step > self.status.steps:
                raise self._damaged("a snapshot is after the end")
            self._snapshots.append(now)
            last = now
        if self.status.snapshots not in (None, len(self._snapshots)):
            raise self._damaged("a snapshot is missing or out of place")

    def _read_status(self) -> Status:
        data = self._meta("status", dict)
        try:
            status = Status(**data)
        except TypeError:
            raise self._damaged("it does not say how far it goes") from None
        numbers = (status.steps, status.virtual_ns, status.warp_ns, status.events)
        plain = (
            all(map(is_count, numbers))
            and (status.snapshots is None or is_count(status.snapshots))
            and isinstance(status.complete, bool)
            and is_line(status.reason)
            and (status.exit_code is None or type(status.exit_code) is int)
            and (status.state_hash is None or _is_digest(status.state_hash))
            and isinstance(status.seal, bytes)
        )
        if not plain:
            raise self._damaged("it does not say how far it goes")
        return status

    # --- growing

    def event_bytes(self) -> int:
        """Bytes that the events take in the file, as compressed."""
        return sum(
            size
            for first, size in self._each("SELECT first, coalesce(length(data), 0) FROM chunks")
        )

    def set_devices(self, names: list[str]) -> None:
        """Say which devices have a host side; the position is the number in events."""
        self.devices = list(names)
        self._writable().put_first(lambda db: put_meta(db, "devices", names), _ROW_BYTES)

    def add_chunk(self, first: int, events: Iterable[Event]) -> None:
        """Store the events from number `first` on, in place of smaller chunks of them. Columns of
        events do not change any more."""
        columns = as_columns(events)
        info = ChunkInfo.of(first, columns)
        end = self._events = first + len(columns)

        def job(db: sqlite3.Connection) -> None:
            data = columns.encode(first)
            db.execute("DELETE FROM chunks WHERE first >= ? AND first < ?", (first, end))
            db.execute("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)", (*info, data))

        self._writable().put_first(job, _ROW_BYTES + columns.memory)

    def put_page(self, data: bytes) -> bytes:
        """Store a page once; returns its hash (`blob.digest`), which is how it is found again."""
        name = digest(data)
        self.put_pages([(name, data)])
        return name

    def put_pages(self, pages: Sequence[tuple[bytes, bytes]]) -> None:
        """`put_page` for many at a time that have a hash already, which is cheaper for each.

        Bounds: `MAX_PAGE` bytes.
        """

        def job(db: sqlite3.Connection) -> None:
            for name, data in pages:
                if db.execute("SELECT 1 FROM pages WHERE hash = ?", (name,)).fetchone() is None:
                    row = name, shrink(data)
                    db.execute("INSERT INTO pages (hash, data) VALUES (?, ?)", row)
                    self.page_bytes += len(row[1])

        self._put(job, sum(len(data) for _, data in pages))

    def add_snapshot(
        self,
        step: int,
        sequence: int,
        virtual_ns: int,
        state_hash: bytes,
        state: dict[str, Any],
        changed_pages: Iterable[tuple[int, bytes]],
    ) -> SnapshotInfo:
        """Store a snapshot; snapshots come in the order of their steps.

        `state` is data that msgpack takes (integers of at most 64 bits). `changed_pages` are
        (page number, hash from `put_page`) of the pages that changed since the stored snapshot
        before it; for the first, all pages.
        """
        if self.before_commit is not None:
            self.before_commit(None)
        info = SnapshotInfo(len(self._snapshots), step, sequence, virtual_ns, state_hash)
        if sequence > self._events:
            raise RecordingError("a snapshot cannot come before the events that led to it")
        raw = pack(state)
        if len(raw) > _MAX_STATE:
            raise RecordingError(f"a machine state of {len(raw)} bytes is too large to record")
        pages = pack_pages(sorted(changed_pages))
        place = context("snapshot", *info)
        interval, self._interval = self._interval, None
        like = b"" if info.id % _WHOLE == 0 else self._whole
        if not like:
            self._whole = raw

        def job(db: sqlite3.Connection) -> None:
            row = (*info, seal(pages, place + b"pages"), seal(raw, place + b"state", like=like))
            db.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            if interval is not None:
                db.execute("INSERT INTO intervals VALUES (?, ?)", interval)

        size = 0 if interval is None else len(interval[1])
        self._put(job, _ROW_BYTES + len(raw) + len(pages) + size)
        self._snapshots.append(info)
        return info

    def add_interval(self, snapshot: int, data: bytes) -> bytes:
        """What is known of the time from stored snapshot `snapshot` to the next (opaque).

        It is stored with that next one, which has to come. Returns its hash; b"" if it is too long
        to be stored: then nothing is known.
        """
        self._interval = None
        if len(data) > _MAX_INTERVAL:
            return b""
        self._interval = snapshot, seal(data, context("interval", snapshot))
        return digest(data)

    def commit(
        self,
        steps: int,
        virtual_ns: int,
        warp_ns: int = 0,
        events: int | None = None,
        log: bytes | None = None,
    ) -> None:
        """Make everything so far permanent, and that the history goes up to `steps`.

        `events`: only the first so many. Nothing happens if more have been stored. `log`: a hash
        of these events, if it has changed.
        Returns at once; a failure is raised by a later call.
        """
        if self.before_commit is not None:
            self.before_commit(events)
        if events is not None and self._events > events:
            return
        if log is not None:
            self._log = log
        self.status = Status(steps, virtual_ns, warp_ns, self._events)
        self._commit_status()

    def wait(self) -> None:
        """Wait until everything so far has been written: then a `commit` shows it all."""
        self._sync()

    def finish(
        self, reason: str, exit_code: int | None = None, state_hash: bytes | None = None
    ) -> None:
        """Mark the recording, up to the last `commit`, as complete; leave one file, closed to
        changes and still readable through this object."""
        # All snapshots are there, before it is said that it is complete.
        self._sync()
        self.status = replace(
            self.status,
            complete=True,
            reason=printable(reason),
            exit_code=exit_code,
            state_hash=state_hash,
        )
        self._commit_status()
        writer = self._writer
        if writer is None:
            return
        self._sync()
        writer.close()
        self._writer = None
        self.writable = False
        with self._lock, schema.one_sentence(self.path):
            schema.settle(self._connection)

    def close(self) -> None:
        """Give the file back. What has not been committed is lost. Never raises."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        with suppress(sqlite3.Error):
            self._connection.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _commit_status(self) -> None:
        status, log = self.status, self._log
        self._writable().commit(lambda db: _put_status(db, status, log))

    def _put(self, job: Job, size: int) -> None:
        self._writable().put(job, size)

    def _writable(self) -> Writer:
        if self._writer is None:
            raise RecordingError(f"{self.path} is finished and does not change any more")
        self._raise_error()
        return self._writer

    def _failure(self) -> RecordingError | None:
        """Why nothing can be written any more."""
        error = None if self._writer is None else self._writer.error
        if error is None or isinstance(error, RecordingError):
            return error
        return schema.sentence(self.path, error)

    def _raise_error(self) -> None:
        failure = self._failure()
        if failure is not None:
            raise failure

    def _sync(self) -> None:
        self._drain()
        self._raise_error()

    def _drain(self) -> None:
        """What has been handed to the writer is there to be read, if it could be written."""
        if self._writer is not None:
            self._writer.drain()

    # --- reading

    def chunks(self) -> Iterator[ChunkInfo]:
        """All chunks in their order, without gaps."""
        end = step = 0
        for row in self._each(
            "SELECT first, count, first_step, last_step, kinds FROM chunks ORDER BY first"
        ):
            if not all(map(is_count, row)) or row[0] != end or not 0 < row[1] <= MAX_EVENTS:
                raise self._damaged("events are missing")
            info = ChunkInfo(*row)
            if not step <= info.first_step <= info.last_step:
                raise self._damaged("its events are not in order")
            yield info
            end, step = end + info.events, info.last_step

    def read_chunk(self, first: int, count: int) -> Events:
        """The `count` events of the chunk that begins with number `first`."""
        row = self._chunk_row(first)
        events = decode_chunk(row[-1], first)
        if not len(events) or tuple(ChunkInfo.of(first, events)) != row[:-1]:
            raise self._damaged("a chunk of events is not what the index says")
        if len(events) != count:
            raise self._damaged("events are missing")
        return events

    def count_kinds(self, first: int) -> Counter[Kind]:
        """How many events of each kind are in the chunk that begins with number `first`."""
        row = self._chunk_row(first)
        found = count_kinds(row[-1], first)
        if found.total() != row[1]:
            raise self._damaged("a chunk of events is not what the index says")
        return found

    def _chunk_row(self, first: int) -> Any:
        row = self._row("SELECT * FROM chunks WHERE first = ?", first)
        if row is None:
            raise self._damaged("events are missing")
        return row

    @property
    def snapshots(self) -> Sequence[SnapshotInfo]:
        """All stored snapshots, by id and by step."""
        return self._snapshots

    def snapshot_state(self, snapshot: int) -> dict[str, Any]:
        """The state given to `add_snapshot`."""
        state = unpack(self._snapshot_blob(snapshot, "state", _MAX_STATE, self._like(snapshot)))
        if not isinstance(state, dict):
            raise self._damaged("a snapshot holds no machine state")
        return state

    def _like(self, snapshot: int) -> bytes:
        """What the state of a snapshot refers to."""
        number = snapshot - snapshot % _WHOLE
        if number == snapshot:
            return b""
        if self._read_whole[0] != number:
            self._read_whole = number, self._snapshot_blob(number, "state", _MAX_STATE)
        return self._read_whole[1]

    def changed_pages(self, snapshot: int) -> list[tuple[int, bytes]]:
        """(page number, hash) of the pages that changed since the stored snapshot before."""
        return unpack_pages(self._snapshot_blob(snapshot, "pages", _MAX_PAGES))

    def page(self, name: bytes) -> bytes:
        """The page with this hash."""
        row = self._row("SELECT data FROM pages WHERE hash = ?", name)
        return self._page(name, None if row is None else row[0])

    def _page(self, name: bytes, stored: bytes | None) -> bytes:
        if stored is None:
            raise self._damaged("a page is missing")
        data = expand(stored, MAX_PAGE)
        if digest(data) != name:
            raise self._damaged("a page is not what its hash says")
        return data

    def pages(self, names: Iterable[bytes]) -> Iterator[bytes]:
        """As `page`, of many, in their order."""
        names = list(names)
        for first in range(0, len(names), _ROWS):
            group = names[first : first + _ROWS]
            wanted = ", ".join("?" * len(group))
            query = f"SELECT hash, data FROM pages WHERE hash IN ({wanted})"
            rows = dict(self._each(query, *group))
            for name in group:
                yield self._page(name, rows.get(name))

    def interval(self, snapshot: int) -> bytes | None:
        """What `add_interval` stored; None if nothing."""
        row = self._row("SELECT data FROM intervals WHERE id = ?", snapshot)
        return None if row is None else unseal(row[0], context("interval", snapshot), _MAX_INTERVAL)

    def images(self) -> dict[str, bytes]:
        """The firmware files by name, checked against the configuration's hashes."""
        images: dict[str, bytes] = {}
        left = _MAX_IMAGES
        for name, blob in self._each("SELECT name, data FROM images ORDER BY rowid"):
            if name not in self.config.images or name in images:
                raise self._damaged("it has an image that the machine has not")
            data = images[name] = unseal(blob, context("image", name), min(left, MAX_RAW))
            left -= len(data)
            if digest(data) != self.config.images[name]:
                raise self._damaged("an image is not the recorded one")
        if len(images) != len(self.config.images):
            raise self._damaged("an image is missing")
        return images

    # --- bookmarks

    def set_bookmark(self, name: str, step: int, note: str = "") -> None:
        """Remember a place; in a finished recording too, if its file can be written.

        Of name and note what is not printable is escaped.
        """
        name, note = printable(name), printable(note)
        blob = seal(pack([step, note]), context("bookmark", name))
        self._change("INSERT OR REPLACE INTO bookmarks VALUES (?, ?)", name, blob)

    def delete_bookmark(self, name: str) -> None:
        """Forget a place; nothing happens if there is none of that name."""
        self._change("DELETE FROM bookmarks WHERE name = ?", name)

    def bookmarks(self) -> dict[str, tuple[int, str]]:
        """(step, note) by name."""
        places = {}
        for name, blob in self._each("SELECT name, data FROM bookmarks ORDER BY name"):
            if not is_line(name) or name in places:
                raise self._damaged("a bookmark is not one")
            entry = unpack(unseal(blob, context("bookmark", name), _MAX_BOOKMARK))
            match entry:
                case [step, note] if is_count(step) and is_line(note):
                    places[name] = (step, note)
                case _:
                    raise self._damaged("a bookmark is not one")
        return places

    def _change(self, sql: str, *values: object) -> None:
        if self._writer is not None:
            self._put(lambda db: db.execute(sql, values), _ROW_BYTES)
            return
        with self._let_go(), schema.one_sentence(self.path):
            if not os.path.exists(self.path):
                self._connection.execute(sql, values)
                return
            connection = sqlite3.connect(self.path, isolation_level=None)
            try:
                connection.execute(sql, values)
            finally:
                connection.close()

    @contextmanager
    def _let_go(self) -> Iterator[None]:
        """Meanwhile another connection may write to a recording that is read here."""
        with self._lock:
            seen = self._connection.in_transaction
            if seen:
                self._connection.execute("COMMIT")
            try:
                yield
            finally:
                if seen:
                    self._connection.execute("BEGIN")

    # --- notes

    def add_note(self, date: str, text: str) -> None:
        """Keep one line of text in a recording that nobody records any more; it is no part of the
        run. What is not printable is escaped.

        `RecordingError` if the file is being recorded or cannot be written, if the text is empty or
        too long, or there are too many.
        """
        if not text.strip():
            raise RecordingError("a note without text is none")
        line = printable(text)
        if len(text) > MAX_NOTE:
            raise RecordingError(f"a note has at most {MAX_NOTE} characters, not {len(text)}")
        with (
            self._let_go(),
            schema.one_sentence(self.path),
            schema.changing(self.path) as db,
        ):
            row = db.execute("SELECT data FROM meta WHERE name = ?", ("notes",)).fetchone()
            notes = [] if row is None else self._unpack_notes(row[0])
            if len(notes) >= MAX_NOTES:
                raise RecordingError(f"{self.path} has {MAX_NOTES} notes, and takes no more")
            put_meta(db, "notes", [*notes, (date, line)])

    def notes(self) -> list[tuple[str, str]]:
        """(date, text) of each note, in the order in which they were added."""
        row = self._row("SELECT data FROM meta WHERE name = ?", "notes")
        return [] if row is None else self._unpack_notes(row[0])

    def _unpack_notes(self, blob: object) -> list[tuple[str, str]]:
        data = unpack(unseal(blob, context("meta", "notes"), _MAX_NOTE_BYTES))
        if not isinstance(data, list):
            raise self._damaged("a note is not one")
        notes = []
        for entry in data:
            match entry:
                case [date, text] if is_line(date) and is_line(text):
                    notes.append((date, text))
                case _:
                    raise self._damaged("a note is not one")
        return notes

    # --- inside

    def _each(self, sql: str, *values: object) -> Iterator[Any]:
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

    def _row(self, sql: str, *values: object) -> Any:
        self._drain()
        with self._lock, schema.one_sentence(self.path):
            return self._connection.execute(sql, values).fetchone()

    def _meta(self, name: str, form: type) -> Any:
        row = self._row("SELECT data FROM meta WHERE name = ?", name)
        if row is None:
            raise self._damaged(f"it has no {name}")
        data = unpack(unseal(row[0], context("meta", name), _MAX_META))
        if not isinstance(data, form):
            raise self._damaged(f"its {name} is not readable")
        return data

    def _snapshot_blob(self, snapshot: int, column: str, limit: int, like: bytes = b"") -> bytes:
        row = self._row(f"SELECT {column} FROM snapshots WHERE id = ?", snapshot)
        if row is None:
            raise self._damaged("a snapshot is missing")
        place = context("snapshot", *self._snapshots[snapshot]) + column.encode()
        return unseal(row[0], place, limit, like)

    def _damaged(self, why: str) -> RecordingError:
        """What a recorder could not write is missing for that reason only."""
        return self._failure() or RecordingError(f"{self.path} is damaged: {why}")


def _put_status(db: sqlite3.Connection, status: Status, log: bytes) -> None:
    """Store how far a recording goes, for the snapshots that are there now, and seal it."""
    ((stored,),) = db.execute("SELECT coalesce(max(id) + 1, 0) FROM snapshots")
    status = replace(status, snapshots=stored)
    put_meta(db, "status", asdict(replace(status, seal=status.sealed(log))))


def _is_digest(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == DIGEST_BYTES
