"""The SQLite side of a recording: tables, and how a file is made and opened safely."""

from __future__ import annotations

import errno
import os
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from itertools import count
from pathlib import Path
from urllib.parse import quote

from ttd.recording.claim import Claim, taken
from ttd.recording.errors import RecordingError
from ttd.recording.formats import FORMAT_VERSION, FORMATS, TABLES, show_as_now, tables_of

APPLICATION_ID = 0x54544452
"""`TTDR`, in the header of the SQLite file."""
_LONGEST_ENTRY = 80 << 20
_MOST_OBJECTS = 20
"""Tables and indexes in a database; a recording has fewer."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 20,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 2,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 8,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
"""For a file of unknown origin."""
_PRAGMAS = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "query_only = ON",
    "mmap_size = 0",
    "temp_store = MEMORY",
)
_NOTHING_THERE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Errors by which a file says that nothing can be read in it."""
_IMPATIENT_MS = 20
"""For who reads at this very moment."""
_SIDE_FILES = ("-wal", "-shm", "-journal")


class Existing(Enum):
    """What becomes of a recording that has the name of a new one."""

    REPLACE = "replace"
    REFUSE = "refuse"
    """It stays, and there is no new one."""
    NUMBER = "number"
    """It stays, and the new one gets a number: `run-1.ttd`, `run-2.ttd`."""


@contextmanager
def one_sentence(path: str) -> Iterator[None]:
    """Turn what SQLite and the operating system raise into a `RecordingError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise sentence(path, error) from error
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from error
    except (MemoryError, OverflowError, UnicodeError) as error:
        raise RecordingError(f"{path} is damaged: an entry cannot be read") from error


def sentence(path: str, error: BaseException) -> RecordingError:
    """What an error of SQLite's means to a person."""
    # It may quote what is in the file.
    text = "".join(letter if letter.isprintable() else "?" for letter in str(error))
    if "full" in text or "disk I/O" in text:
        what = f"{path} cannot grow, the disk is full or failing; it is good up to its last commit"
    elif "malformed" in text or "corrupt" in text or "decode" in text or "too big" in text:
        what = f"{path} is damaged ({text})"
    elif "locked" in text:
        what = f"{path} is in use by another program"
    elif "unable to open" in text:
        what = f"{path} cannot be opened, or nothing be written beside it"
    elif "readonly" in text:
        what = f"{path} cannot be written"
    elif "not a database" in text:
        what = f"{path} is not a ttd recording"
    else:
        what = f"{path} cannot be used: {text}"
    return RecordingError(what)


def check_replaceable(
    path: str, existing: Existing = Existing.REPLACE, by: str = "--force"
) -> None:
    """Raise `RecordingError` if there is something at `path` that is not to be replaced, or there
    can be nothing. `by` which word it would be replaced is said."""
    folder = os.path.dirname(os.path.abspath(path))
    if not path or not os.path.isdir(folder):
        raise RecordingError(f"{path!r} cannot be made: No such file or directory")
    if not os.access(folder, os.W_OK):
        locked = os.statvfs(folder).f_flag & os.ST_RDONLY
        why = os.strerror(errno.EROFS if locked else errno.EACCES)
        raise RecordingError(f"{path} cannot be made: {why}")
    if existing is Existing.NUMBER or not os.path.lexists(path):
        return
    if not os.path.isfile(path):
        raise RecordingError(f"{path} is not a file that a recording can replace")
    if os.path.getsize(path) == 0:
        return
    try:
        check_header(path)
    except RecordingError as error:
        raise RecordingError(f"{error}, and is not overwritten") from None
    with one_sentence(path):
        Claim(path).release()
    if existing is Existing.REFUSE:
        raise RecordingError(f"{path} is there already; {by} replaces it")


def make(
    path: str | None, fill: Callable[[sqlite3.Connection], None], existing: Existing
) -> tuple[str, sqlite3.Connection, Claim | None]:
    """A new database that grows at `path`, claimed; None: a temporary one. `fill` writes to it.

    Returns its name, too, which may have a number (`Existing.NUMBER`).

    The file has the name only when it is whole. At every moment until then a recording that has
    the name can be read up to its last commit, whatever becomes of this process or the disk.
    """
    if path is None:
        connection = _create("")
        fill(connection)
        connection.execute("COMMIT")
        return "", connection, None
    temporary = f"{path}.{os.getpid()}.new"
    replaced = claim = None
    try:
        if existing is not Existing.NUMBER and os.path.lexists(path):
            # A recording that is being made outlives a second recorder.
            replaced = Claim(path)
            _gather(path)
        connection = _create(temporary)
        fill(connection)
        connection.execute("COMMIT")
        connection.close()
        _sync(temporary)
        claim = Claim(temporary, path)
        if existing is Existing.NUMBER:
            path = _take_free_name(temporary, path)
        elif replaced is None and not _take_name(temporary, path):
            raise taken(path)
        return path, _publish(temporary, path, replaced is not None), claim
    except BaseException:
        if claim is not None:
            claim.release()
        raise
    finally:
        if replaced is not None:
            replaced.release()
        with suppress(OSError):
            _remove(temporary)


def _create(path: str) -> sqlite3.Connection:
    """A new database with empty tables, in a transaction that the caller commits.

    "" is a temporary one that SQLite deletes by itself.
    """
    if path:
        # What another process with this one's number has left.
        _remove(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    if path:
        # Nobody has the file before it is whole: it is made to last once, when it is.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    for sql in TABLES.values():
        connection.execute(sql)
    return connection


def _gather(path: str) -> None:
    """Put what an old recording has beside it into its one file.

    What a killed recorder committed last is in the log that SQLite writes ahead. The new database
    must not meet that log, and with the name gone it would be lost.
    """
    if not any(os.path.exists(path + suffix) for suffix in _SIDE_FILES) or _stray_log(path):
        return
    try:
        connection = sqlite3.connect(os.path.abspath(path), isolation_level=None)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            busy, frames, done = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _NOTHING_THERE:
            raise
        return
    if busy or frames != done:
        raise RecordingError(f"{path} is being read by another program, and is not overwritten")


def _remove(path: str) -> None:
    """Delete a database, if it is there."""
    for suffix in ("", *_SIDE_FILES):
        Path(path + suffix).unlink(missing_ok=True)


def _publish(temporary: str, path: str, replaces: bool) -> sqlite3.Connection:
    """Let a committed, closed database grow under its name.

    `replaces`: there is a recording of that name, and the caller has a claim to it. If not, the
    name has been taken. What is beside it holds nothing any more (`_gather`).

    Until then a recording that had the name is whole; from then on a killed recorder leaves the
    state of its last commit, because the log that SQLite writes ahead is found beside the file.
    """
    for suffix in _SIDE_FILES:
        Path(path + suffix).unlink(missing_ok=True)
    if replaces:
        os.replace(temporary, path)
    _sync(os.path.dirname(os.path.abspath(path)))
    # Absolute: `:memory:` is a file name like any other.
    name = os.path.abspath(path)
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # Survives SIGKILL as it is; a power failure may cost the last commits, never consistency.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _take_name(temporary: str, path: str) -> bool:
    """Give the file a name that nobody has; False if somebody was faster."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        os.replace(temporary, path)
    return True


def _take_free_name(temporary: str, path: str) -> str:
    """Give the file this name, or the first that is free with a number; returns it."""
    stem, suffix = os.path.splitext(path)
    names = (f"{stem}-{number}{suffix}" if number else path for number in count())
    return next(n for n in names if not os.path.lexists(n) and _take_name(temporary, n))


def _sync(path: str) -> None:
    """Make the contents of a file, or a change of names in a folder, last through a power
    failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system can
            raise
    finally:
        os.close(descriptor)


def settle(connection: sqlite3.Connection) -> None:
    """One file without side files, also if it is copied while it is being read.

    A reader that has the file open is in the way: then everything stays in the log beside the
    file, for that reader or the next one to bring in.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise


def check_header(path: str) -> int:
    """Raise `RecordingError` unless the file at `path` says that it is a recording of ours.

    Returns the version of its format.
    """
    with one_sentence(path), open(path, "rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise RecordingError(f"{path} is not a ttd recording")
    version, application = struct.unpack_from(">I4xI", header, 60)
    if application != APPLICATION_ID:
        raise RecordingError(f"{path} is not a ttd recording")
    if version not in FORMATS:
        known = f"{FORMATS[0]} to {FORMATS[-1]}"
        raise RecordingError(f"{path} has format version {version}, this ttd reads {known}")
    return int(version)


def open_existing(path: str) -> sqlite3.Connection:
    """Open a recording for reading, also on read-only media and after its recorder was killed."""
    check_header(path)
    with one_sentence(path):
        left_over = _left_over(path)
        if _stray_log(path):
            _check_length(path)
            connection = _connect(path, "ro", immutable=True)
        elif not left_over and not _says_wal(path):
            _check_length(path)
            connection = _connect(path, "ro")
        else:
            # Its recorder still runs, or was killed: SQLite must be able to keep order.
            try:
                connection = _connect(path, "rw")
            except sqlite3.OperationalError:
                if left_over:
                    connection = _connect_copy(path)
                else:
                    connection = _connect(path, "ro", immutable=True)
        _check_tables(connection, path)
        return connection


def open_to_grow(path: str) -> sqlite3.Connection:
    """A recording that only its owner, the caller, records, to add to it."""
    if _stray_log(path):
        raise RecordingError(f"{path}-wal is not of {path}, which cannot be changed beside it")
    connection = _connect(path, "rw", writes=True)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_ENTRY)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def copy(path: str, to: str) -> None:
    """A copy of a recording as it is at its last commit, also while it grows; what is at `to` is
    replaced, once the copy is whole."""
    temporary = f"{to}.{os.getpid()}.new"
    source = open_existing(path)
    with one_sentence(to):
        try:
            _remove(temporary)
            target = sqlite3.connect(temporary, isolation_level=None)
            try:
                source.backup(target)
                settle(target)
            finally:
                target.close()
            _sync(temporary)
            os.replace(temporary, to)
        finally:
            source.close()
            _remove(temporary)


@contextmanager
def changing(path: str, *, patient: bool = True) -> Iterator[sqlite3.Connection]:
    """A transaction on a recording that nobody records; it is committed if all goes well.

    Who else changes it is waited for, for a moment, unless this is not `patient`.
    """
    claim = Claim.waiting(path) if patient else Claim(path)
    try:
        if _stray_log(path):
            raise RecordingError(f"{path}-wal is not of {path}, which cannot be changed beside it")
        connection = _connect(path, "rw", writes=True)
        try:
            if not patient:
                connection.execute(f"PRAGMA busy_timeout = {_IMPATIENT_MS}")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()
    finally:
        claim.release()


def _connect(
    path: str, mode: str, immutable: bool = False, writes: bool = False
) -> sqlite3.Connection:
    name = quote(os.fsencode(os.path.abspath(path)))
    uri = f"file:{name}?mode={mode}" + ("&immutable=1" * immutable)
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        # A stranger's file must not make SQLite do more than look up rows. No entry is longer than
        # the file, unless its pages go round in a circle.
        size = sum(os.path.getsize(p) for p in (path, path + "-wal") if os.path.exists(p))
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(_LONGEST_ENTRY, size + 1000))
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if writes:
            connection.execute("PRAGMA query_only = OFF")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_copy(path: str) -> sqlite3.Connection:
    """A killed recorder's file where SQLite may not write: its log is applied to a copy."""
    # With everything that makes archives, for what hardly ever happens.
    import shutil  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="ttd-") as folder:
        copy = os.path.join(folder, "copy")
        shutil.copyfile(path, copy)
        for suffix in ("-wal", "-journal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, copy + suffix)
        source = _connect(copy, "rw")
        try:
            connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            source.backup(connection)
            connection.execute("PRAGMA query_only = ON")
            return connection
        finally:
            source.close()


def _left_over(path: str) -> bool:
    return any(
        os.path.exists(path + suffix) and os.path.getsize(path + suffix) > 0
        for suffix in ("-wal", "-journal")
    )


def _stray_log(path: str) -> bool:
    """A log is beside the file that is not of it: one that has been recorded to its end says that
    it has none (`settle`). It is of a recording that had the name before somebody moved this one
    to it. SQLite does not know that, and would put it into the file."""
    journal, log = path + "-journal", path + "-wal"
    if os.path.exists(journal) or not os.path.exists(log) or os.path.getsize(log) == 0:
        return False
    return os.path.exists(path) and os.path.getsize(path) > 0 and not _says_wal(path)


def _check_length(path: str) -> None:
    """SQLite takes what is missing at the end for zeros."""
    with open(path, "rb") as file:
        page, pages = struct.unpack(">16xH10xI", file.read(32))
        length = file.seek(0, os.SEEK_END)
    # A page size of 65536 is written as 1.
    if length < pages * (0x10000 if page == 1 else page):
        raise RecordingError(f"{path} is damaged: it is cut short")


def _says_wal(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(20)[18:20] != b"\x01\x01"


def version_of(connection: sqlite3.Connection) -> int:
    """The format that a database has; the header of its file may be older than its log."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(version)


def _check_tables(connection: sqlite3.Connection, path: str) -> None:
    """Exactly our tables: no views or triggers that would run when we read."""
    version = version_of(connection)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchmany(_MOST_OBJECTS)
    tables = {name: sql for kind, name, sql in rows if kind == "table"}
    # Those that SQLite makes by itself have no SQL.
    others = [
        row for row in rows if row[0] != "table" and (row[0] != "index" or row[2] is not None)
    ]
    if tables != tables_of(version) or others or len(rows) == _MOST_OBJECTS:
        connection.close()
        raise RecordingError(f"{path} is damaged: it does not have the tables of a recording")
    connection.execute("PRAGMA query_only = OFF")
    show_as_now(connection, version)
    connection.execute("PRAGMA query_only = ON")
