"""One branch of a recording: everything that is needed to see one history again."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

from ttd.recording import schema
from ttd.recording.blob import digest, pack, reseal, seal, unpack, unseal
from ttd.recording.chunk import Events, as_columns, count_kinds, decode_chunk, move_chunk
from ttd.recording.config import MachineConfig
from ttd.recording.errors import RecordingError
from ttd.recording.events import MAX_EVENTS, Event, Kind
from ttd.recording.file import FIRST_OVER, RecordingFile
from ttd.recording.formats import KNOWN_SINCE, bring_up_to_date
from ttd.recording.index import Begin, ChunkInfo, Fork, SnapshotInfo, SnapshotList, Status
from ttd.recording.rows import (
    KNOWN_ROW,
    MAX_PAGES,
    delete_branch,
    is_count,
    is_digest,
    pack_pages,
    place_of,
    place_of_known,
    unpack_pages,
)
from ttd.recording.store import Store
from ttd.text import printable

_MAX_STATE = 4 << 20
_MAX_INTERVAL = 4 << 20
MAX_KNOWN = 4 << 20
"""Bytes that may be known of one interval, of each kind."""
_WHOLE = 64
"""Of so many snapshots the first has its state as it is; the others refer to that one's."""
_ROW_BYTES = 64
"""What a row counts for besides its data."""
_NO_END = (1 << 63) - 1
_CHUNK = "first, count, first_step, last_step, kinds, data"
_ADD_CHUNK = "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)"
_SNAPSHOT = "id, step, sequence, virtual_ns, hash, pages, state"
_ADD_SNAPSHOT = "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class _Segment(NamedTuple):
    """A part of a history, whose rows are those of one branch: from which event, snapshot and
    interval on."""

    chunk: int
    snapshot: int
    interval: int
    branch: int


class Recording:
    """A history from its beginning to the end of a branch, which grows or is only read.

    What it has in common with the branch from which its own comes is read there. While it grows all
    methods belong to the recorder's thread; writing happens on another one. Nothing is visible to
    others before a `commit`, and what a commit shows is consistent: every event before a snapshot
    and every page of it are there; the latest snapshots may not be. Methods raise `RecordingError`
    if the file cannot be written (then everything up to the last commit is good), or is damaged.
    """

    def __init__(self, file: RecordingFile, branch: int = 0, log: bytes = b"") -> None:
        self.file = file
        self.branch = branch
        self.before_commit: Callable[[int | None], None] | None = None
        """Called before a commit or a snapshot, to hand over events not handed over yet: up to
        this number, or all."""
        self.status = Status()
        self._segments: list[_Segment] = []
        self._events = 0
        self._snapshots = SnapshotList()
        self._whole = b""
        """The last state that has been stored as it is."""
        self._read_whole: tuple[int, bytes] = (-1, b"")
        """The last such state that has been read, and its number."""
        self._interval: tuple[int, bytes] | None = None
        """The row of the interval that the next snapshot ends."""
        self._known: dict[str, bytes] = {}
        """What else is known of it."""
        self._log = log
        """Hash of all events, at the last commit."""

    # --- making and opening

    @classmethod
    def create(
        cls,
        path: str | None,
        config: MachineConfig,
        images: Mapping[str, bytes] | None = None,
        created_by: str = "ttd",
        existing: schema.Existing = schema.Existing.REPLACE,
        made: Mapping[str, str] | None = None,
        begin: Begin = Begin(),  # noqa: B008 - a value
    ) -> Self:
        """Begin a recording at `path`; None: a temporary one.

        `made`: lines that say when, where and how.
        `images` are the firmware files by name; their hashes are put into the configuration.
        `existing`: what becomes of a recording that is there. A file that is none is not replaced.
        `begin`: where the history begins that is put into it.
        """
        about = (created_by, existing, made or {}, begin)
        file = RecordingFile.create(path, config, images or {}, *about)
        recording = cls(file, log=file.config.digest)
        recording._segments = [_Segment(begin.sequence, 0, 0, 0)]
        recording._events = begin.sequence
        return recording

    @classmethod
    def open(cls, path: str, branch: str = "") -> Self:
        """Open a recording to read it: one of its branches, or the first. One whose recorder was
        killed opens at its last commit."""
        file = RecordingFile.open(path)
        try:
            recording = cls.of(file, file.number(branch) if branch else 0)
            file.has_been_read()
            return recording
        except BaseException:
            file.close()
            raise

    @classmethod
    def of(cls, file: RecordingFile, branch: int) -> Self:
        """The history of one branch of a file."""
        recording = cls(file, branch)
        recording._read_index()
        return recording

    def fork(
        self,
        name: str,
        reason: str,
        *,
        step: int,
        warp_ns: int,
        first: int,
        events: Events,
        log: bytes,
        temporary: bool = False,
    ) -> Recording:
        """A new branch that leaves this one at `step`, and grows: in the file, or in its overlay.

        `events` are those of the chunk that begins with number `first` that it has in common with
        this one; `log` is the hash of all of them, `warp_ns` the sum of idle warps before. The
        caller has made it possible (`RecordingFile.begin_growing`, `begin_overlay`).
        """
        sequence = first + len(events)
        shared = bisect_right(self._snapshots.sequences, sequence - 1)
        fork = Fork(self.branch, step, sequence, warp_ns, first, shared)
        status = Status(step, step * self.config.clock_ns + warp_ns, warp_ns, sequence)
        made = self.file.add_branch(name, reason, fork, status, temporary=temporary)
        branch = Recording(self.file, made.id, log)
        branch._join(self, fork)
        branch.status = status
        branch._events = first
        if events:
            branch.add_chunk(first, events)
        branch._commit_status()
        return branch

    @property
    def temporary(self) -> bool:
        """It is in no file."""
        return self.branch >= FIRST_OVER

    def keep(self) -> None:
        """Move a temporary branch, none of which others come, to the file, which can grow.

        `RecordingError` if the file takes no more: it is as temporary as before then.
        """
        if self.before_commit is not None:
            self.before_commit(None)
        old, over = self.branch, self._store
        over.sync()
        chunks = [*over.each(f"SELECT {_CHUNK} FROM chunks WHERE branch = ?", old)]
        snapshots = [*over.each(f"SELECT {_SNAPSHOT} FROM snapshots WHERE branch = ?", old)]
        intervals = [*over.each("SELECT id, data FROM intervals WHERE branch = ?", old)]
        known = [
            (at, kind, unseal(data, self._place_of_known(at, kind) or b"", MAX_KNOWN))
            for at, kind, data in over.each(
                "SELECT interval, kind, data FROM known WHERE branch = ? AND interval < ?",
                *(old, len(self._snapshots) - 1),
            )
        ]
        pages = [*over.each("SELECT hash, data FROM pages")]
        before = self.file.branches[old]
        number = self.file.take_over(old).id
        self._be_branch(number)

        def job(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR IGNORE INTO pages (hash, data) VALUES (?, ?)", pages)
            for *info, data in chunks:
                moved = move_chunk(data, info[0], old, number)
                db.execute(_ADD_CHUNK, (number, *info, moved))
            for *info, listed, state in snapshots:
                places = (place_of(branch, "snapshot", *info) for branch in (old, number))
                before, after = places
                row = (
                    *(number, *info),
                    reseal(listed, before + b"pages", after + b"pages"),
                    reseal(state, before + b"state", after + b"state"),
                )
                db.execute(_ADD_SNAPSHOT, row)
            for at, data in intervals:
                moved = reseal(
                    data, place_of(old, "interval", at), place_of(number, "interval", at)
                )
                db.execute("INSERT INTO intervals VALUES (?, ?, ?)", (number, at, moved))
            for at, kind, data in known:
                hashes = (self._snapshots[at + n].hash for n in (0, 1))
                blob = seal(data, place_of_known(number, at, kind, *hashes))
                db.execute(KNOWN_ROW, (number, at, kind, blob))

        size = sum(len(row[-1]) for rows in (chunks, snapshots, intervals, pages) for row in rows)
        try:
            self._store.put(job, size)
            self._store.sync()
        except RecordingError:
            self.file.give_back(number, before)
            self._be_branch(old)
            raise
        self._commit_status()
        # Before another one gets the number: its events are not queued behind this.
        over.put(lambda db: delete_branch(db, old), _ROW_BYTES)
        over.sync()

    def _be_branch(self, number: int) -> None:
        self.branch = number
        self._segments[-1] = _Segment(*self._segments[-1][:-1], number)

    def _forked(self, fork: Fork, branch: int) -> list[_Segment]:
        """The parts of a branch that leaves this one."""
        # What an interval has touched is known with its end, which is the branch's own.
        own = _Segment(fork.chunk, fork.snapshots, max(0, fork.snapshots - 1), branch)
        return [*self._segments, own]

    def _read_index(self) -> None:
        branch = self.file.branches[self.branch]
        self.status = branch.status
        if branch.fork is None:
            self._segments = [_Segment(self.file.begin.sequence, 0, 0, 0)]
            self._events = self.file.begin.sequence
        else:
            parent = Recording.of(self.file, branch.fork.parent)
            self._join(parent, branch.fork)
        for info in self.chunks():
            self._events = max(self._events, info.first + info.events)
        if self._events != self.status.events:
            raise self._damaged("events are missing")
        last = self._snapshots[-1] if self._snapshots else SnapshotInfo(-1, 0, 0, 0, b"")
        for row in self._store.each(
            "SELECT id, step, sequence, virtual_ns, hash FROM snapshots WHERE branch = ?"
            " ORDER BY id",
            self.branch,
        ):
            if not all(map(is_count, row[:4])) or not is_digest(row[4]):
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
        begin, first = self.file.begin, self._snapshots[0] if self._snapshots else None
        if begin.sequence and (first is None or first[1:3] != begin):
            raise self._damaged("it does not begin with a snapshot")
        if self.status.snapshots not in (None, len(self._snapshots)):
            raise self._damaged("a snapshot is missing or out of place")

    def _join(self, parent: Recording, fork: Fork) -> None:
        """Take over what a branch has in common with its parent, if it can be so."""
        shared = parent.snapshots.first(fork.snapshots)
        whole = (
            fork.step <= parent.status.steps
            and fork.sequence <= parent.status.events
            and fork.chunk <= fork.sequence
            and len(shared) == fork.snapshots
            and all(s.step <= fork.step and s.sequence <= fork.sequence for s in shared)
        )
        if not whole:
            raise self._damaged("a branch leaves another one where that is not")
        self._segments = parent._forked(fork, self.branch)
        self._snapshots = shared

    def check_clock(self) -> None:
        """`RecordingError` unless the virtual time of the end follows from its step."""
        status, clock_ns = self.status, self.config.clock_ns
        if clock_ns < 1 or status.virtual_ns != status.steps * clock_ns + status.warp_ns:
            raise self._damaged("its clock and its length do not fit")

    # --- what all branches share

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def config(self) -> MachineConfig:
        return self.file.config

    @property
    def writable(self) -> bool:
        """The history grows."""
        return self.file.grows(self.branch)

    @property
    def _store(self) -> Store:
        return self.file.store_of(self.branch)

    # --- growing

    def add_chunk(self, first: int, events: Iterable[Event]) -> None:
        """Store the events from number `first` on, in place of smaller chunks of them. Columns of
        events do not change any more."""
        columns = as_columns(events)
        info = ChunkInfo.of(first, columns)
        branch = self.branch
        end = self._events = first + len(columns)

        def job(db: sqlite3.Connection) -> None:
            data = columns.encode(first, branch)
            db.execute(
                "DELETE FROM chunks WHERE branch = ? AND first >= ? AND first < ?",
                (branch, first, end),
            )
            db.execute(_ADD_CHUNK, (branch, *info, data))

        self._writable().put_first(job, _ROW_BYTES + columns.memory)

    def put_page(self, data: bytes) -> bytes:
        """Store a page once; returns its hash (`blob.digest`), which is how it is found again."""
        name = digest(data)
        self.put_pages([(name, data)])
        return name

    def put_pages(self, pages: Sequence[tuple[bytes, bytes]]) -> None:
        """`put_page` for many at a time that have a hash already, which is cheaper for each."""
        self.file.put_pages(self._writable(), pages)

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
        store, raw = self._writable(), pack(state)
        if len(raw) > _MAX_STATE:
            raise RecordingError(f"a machine state of {len(raw)} bytes is too large to record")
        pages = pack_pages(sorted(changed_pages))
        branch = self.branch
        place = place_of(branch, "snapshot", *info)
        interval, self._interval = self._interval, None
        known, self._known = self._known, {}
        begin = self._snapshots[-1].hash if self._snapshots else b""
        if info.id % _WHOLE == 0:
            self._whole = raw
        elif not self._whole:
            self._whole = self._like(info.id)
        like = b"" if info.id % _WHOLE == 0 else self._whole

        def job(db: sqlite3.Connection) -> None:
            blobs = seal(pages, place + b"pages"), seal(raw, place + b"state", like=like)
            row = (branch, *info, *blobs)
            db.execute(_ADD_SNAPSHOT, row)
            store.unsaid.add(branch)
            if interval is not None:
                db.execute("INSERT INTO intervals VALUES (?, ?, ?)", (branch, *interval))
            for kind, data in known.items():
                where = branch, info.id - 1, kind
                blob = seal(data, place_of_known(*where, begin, info.hash))
                db.execute(KNOWN_ROW, (*where, blob))

        size = 0 if interval is None else len(interval[1])
        size += sum(map(len, known.values()))
        store.put(job, _ROW_BYTES + len(raw) + len(pages) + size)
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
        self._interval = snapshot, seal(data, place_of(self.branch, "interval", snapshot))
        return digest(data)

    def add_known(self, kind: str, data: bytes) -> None:
        """Something else that is known of the interval that the next snapshot ends, or else the
        recording (opaque).

        Nothing vouches for it in the log: whoever reads it believes its checksum.
        """
        self._known[kind] = data

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
        self._store.sync()

    def finish(
        self, reason: str, exit_code: int | None = None, state_hash: bytes | None = None
    ) -> None:
        """Mark the recording, up to the last `commit`, as complete; leave one file, closed to
        changes and still readable through this object."""
        # All snapshots are there, before it is said that it is complete.
        self._store.sync()
        self.status = replace(
            self.status,
            complete=True,
            reason=printable(reason),
            exit_code=exit_code,
            state_hash=state_hash,
        )
        known, self._known = self._known, {}
        last = len(self._snapshots) - 1
        self.learn({(last, kind): data for kind, data in known.items()})
        self._store.sync()
        self._commit_status()
        self.file.finished(self.branch)

    def close(self) -> None:
        """Give the file back, for all of its branches. What has not been committed is lost. Never
        raises."""
        self.file.close()

    def _commit_status(self) -> None:
        self._writable()
        self.file.put_status(self.branch, self.status, self._log)

    def _writable(self) -> Store:
        if not self.writable:
            raise RecordingError(f"{self.path} is finished and does not change any more")
        return self._store

    def _damaged(self, why: str) -> RecordingError:
        return self._store.damaged(why)

    def _owner_of_chunk(self, first: int) -> int:
        at = bisect_right(self._segments, first, key=lambda segment: segment.chunk)
        return self._segments[at - 1].branch

    # --- reading

    def chunks(self) -> Iterator[ChunkInfo]:
        """All chunks in their order, without gaps."""
        step, end = self.file.begin
        for row in self._chunk_rows("first, count, first_step, last_step, kinds"):
            if not all(map(is_count, row)) or row[0] != end or not 0 < row[1] <= MAX_EVENTS:
                raise self._damaged("events are missing")
            info = ChunkInfo(*row)
            if not step <= info.first_step <= info.last_step:
                raise self._damaged("its events are not in order")
            yield info
            end, step = end + info.events, info.last_step

    def event_bytes(self) -> int:
        """Bytes that the events take in the file, as compressed."""
        return sum(size for (size,) in self._chunk_rows("coalesce(length(data), 0)"))

    def _chunk_rows(self, columns: str) -> Iterator[Any]:
        ends = [*(segment.chunk for segment in self._segments[1:]), _NO_END]
        for segment, end in zip(self._segments, ends, strict=True):
            yield from self.file.store_of(segment.branch).each(
                f"SELECT {columns} FROM chunks WHERE branch = ? AND first >= ? AND first < ?"
                " ORDER BY first",
                segment.branch,
                segment.chunk,
                end,
            )

    def read_chunk(self, first: int, count: int) -> Events:
        """The `count` events of the chunk that begins with number `first`."""
        row = self._chunk_row(first)
        events = decode_chunk(row[-1], first, self._owner_of_chunk(first))
        if not len(events) or tuple(ChunkInfo.of(first, events)) != row[:-1]:
            raise self._damaged("a chunk of events is not what the index says")
        if len(events) != count:
            raise self._damaged("events are missing")
        return events

    def count_kinds(self, first: int) -> Counter[Kind]:
        """How many events of each kind are in the chunk that begins with number `first`."""
        row = self._chunk_row(first)
        found = count_kinds(row[-1], first, self._owner_of_chunk(first))
        if found.total() != row[1]:
            raise self._damaged("a chunk of events is not what the index says")
        return found

    def _chunk_row(self, first: int) -> Any:
        branch = self._owner_of_chunk(first)
        row = self.file.store_of(branch).row(
            f"SELECT {_CHUNK} FROM chunks WHERE branch = ? AND first = ?",
            branch,
            first,
        )
        if row is None:
            raise self._damaged("events are missing")
        return row

    @property
    def snapshots(self) -> SnapshotList:
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
        return unpack_pages(self._snapshot_blob(snapshot, "pages", MAX_PAGES))

    def pages(self, names: Iterable[bytes]) -> Iterator[bytes]:
        """As `RecordingFile.pages`."""
        return self.file.pages(names)

    def interval(self, snapshot: int) -> bytes | None:
        """What `add_interval` stored; None if nothing."""
        branch = self._branch_of(snapshot)
        row = self.file.store_of(branch).row(
            "SELECT data FROM intervals WHERE branch = ? AND id = ?", branch, snapshot
        )
        if row is None:
            return None
        return unseal(row[0], place_of(branch, "interval", snapshot), _MAX_INTERVAL)

    def known(self, interval: int, kind: str) -> bytes | None:
        """What has been found out of the time from stored snapshot `interval` to the next, or to
        the end; None if nothing. `RecordingError` if that is damaged, or of another run."""
        place = self._place_of_known(interval, kind)
        branch = self._branch_of(interval)
        store = self.file.store_of(branch)
        if place is None or store.version < KNOWN_SINCE:
            return None
        row = store.row(
            "SELECT data FROM known WHERE branch = ? AND interval = ? AND kind = ?",
            *(branch, interval, kind),
        )
        return None if row is None else unseal(row[0], place, MAX_KNOWN)

    def learn(self, found: Mapping[tuple[int, str], bytes], *, patient: bool = False) -> None:
        """Keep what has been found out, by interval and kind.

        `RecordingError` if it cannot be written, or somebody else is in the way, who is waited for
        a moment if this is `patient`.
        """
        rows: dict[Store, list[tuple[int, int, str, bytes]]] = {}
        for (interval, kind), data in found.items():
            place = self._place_of_known(interval, kind)
            if place is not None and len(data) <= MAX_KNOWN:
                branch = self._branch_of(interval)
                row = (branch, interval, kind, seal(data, place))
                rows.setdefault(self.file.store_of(branch), []).append(row)
        for store, some in rows.items():
            self._learn(store, some, patient)

    def _learn(self, store: Store, rows: list[tuple[int, int, str, bytes]], patient: bool) -> None:
        def job(db: sqlite3.Connection) -> None:
            db.executemany(KNOWN_ROW, rows)

        def job_of_its_own(db: sqlite3.Connection) -> None:
            bring_up_to_date(db, schema.version_of(db))
            job(db)

        if store.writes:
            store.put(job, sum(_ROW_BYTES + len(row[-1]) for row in rows))
        elif store.version == 1:
            raise RecordingError(f"{self.path} is of a format that has no place for it")
        else:
            store.change(job_of_its_own, patient=patient)

    def known_bytes(self) -> int:
        """What all of that takes in the file, for all branches."""
        store = self.file.store_of(0)
        if store.version < KNOWN_SINCE:
            return 0
        return int(store.row("SELECT coalesce(sum(length(data)), 0) FROM known")[0])

    def _place_of_known(self, interval: int, kind: str) -> bytes | None:
        """None: nothing says yet what the interval ends with."""
        last = len(self._snapshots) - 1
        if not 0 <= interval <= last:
            return None
        end = self._snapshots[interval + 1].hash if interval < last else self.status.state_hash
        if end is None:
            return None
        branch, begin = self._branch_of(interval), self._snapshots[interval].hash
        return place_of_known(branch, interval, kind, begin, end)

    def _branch_of(self, interval: int) -> int:
        """Where the rows of an interval are."""
        at = bisect_right(self._segments, interval, key=lambda segment: segment.interval)
        return self._segments[at - 1].branch

    def _snapshot_blob(self, snapshot: int, column: str, limit: int, like: bytes = b"") -> bytes:
        at = bisect_right(self._segments, snapshot, key=lambda segment: segment.snapshot)
        branch = self._segments[at - 1].branch
        row = self.file.store_of(branch).row(
            f"SELECT {column} FROM snapshots WHERE branch = ? AND id = ?", branch, snapshot
        )
        if row is None:
            raise self._damaged("a snapshot is missing")
        place = place_of(branch, "snapshot", *self._snapshots[snapshot]) + column.encode()
        return unseal(row[0], place, limit, like)
