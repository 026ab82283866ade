"""The thread that writes a growing recording, so that the machine never waits for a disk."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from threading import Condition, RLock, Thread

Job = Callable[[sqlite3.Connection], object]

QUEUED_BYTES = 32 << 20
"""Data waiting to be written beyond which the recorder is held up."""


class Writer:
    """Runs jobs on a connection; what they write is visible to others after a `commit` only.

    There are two queues: what is said of a run (`put_first`, `commit`) does not wait for the bulk
    of memory contents (`put`). Each is done in its order. What a commit shows has all that was put
    before it into the first queue, and of the second one a beginning; a process that is killed
    leaves the state of one of its commits. The first error ends all writing: it is kept in
    `error`, what was not committed is rolled back, and later jobs are dropped.
    """

    def __init__(self, connection: sqlite3.Connection, lock: RLock) -> None:
        self.error: BaseException | None = None
        self._connection = connection
        self._lock = lock
        self._first = _Queue()
        self._bulk = _Queue()
        self._busy = False
        self._closing = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="ttd-writer", daemon=True)
        self._thread.start()

    def put(self, job: Job, size: int) -> None:
        """Queue a job that writes about `size` bytes; waits while too much is queued."""
        self._put(self._bulk, job, size, False)

    def put_first(self, job: Job, size: int) -> None:
        """As `put`, to be done before everything that `put` has queued."""
        self._put(self._first, job, size, False)

    def commit(self, job: Job) -> None:
        """As `put_first`, with a commit at once after it."""
        self._put(self._first, job, 0, True)

    def _put(self, queue: _Queue, job: Job, size: int, commits: bool) -> None:
        with self._changed:
            self._changed.wait_for(lambda: queue.size < QUEUED_BYTES)
            queue.jobs.append((job, size, commits))
            queue.size += size
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until everything queued has been done, or dropped."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._first.jobs and not self._bulk.jobs and not self._busy
            )

    def close(self) -> None:
        """Do what is queued, roll back what is not committed, end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        with self._lock:
            self._roll_back()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._first.jobs or self._bulk.jobs or self._closing)
                queue = self._first if self._first.jobs else self._bulk
                if not queue.jobs:
                    return
                job, size, commits = queue.jobs.popleft()
                queue.size -= size
                self._busy = True
            if self.error is None:
                self._do(job, commits)

    def _do(self, job: Job, commits: bool) -> None:
        with self._lock:
            try:
                if not self._connection.in_transaction:
                    self._connection.execute("BEGIN")
                job(self._connection)
                if commits:
                    self._connection.execute("COMMIT")
            except Exception as error:  # it belongs to the recorder's thread, which raises it
                self.error = error
                self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                self.error = self.error or error


class _Queue:
    def __init__(self) -> None:
        self.jobs: deque[tuple[Job, int, bool]] = deque()
        self.size = 0
