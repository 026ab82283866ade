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
    """Runs jobs on a connection in their order; they are visible to others after `commit` only.

    All that is put before a `commit` is committed with it or not at all, so that a process that
    is killed leaves the state of one of its commits. The first error ends all writing: it is
    kept in `error`, what was not committed is rolled back, and later jobs are dropped.
    """

    def __init__(self, connection: sqlite3.Connection, lock: RLock) -> None:
        self.error: BaseException | None = None
        self._connection = connection
        self._lock = lock
        self._jobs: deque[tuple[Job | None, int]] = deque()
        self._queued = 0
        self._busy = False
        self._closing = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="ttd-writer", daemon=True)
        self._thread.start()

    def put(self, job: Job, size: int) -> None:
        """Queue a job that writes about `size` bytes; waits while too much is queued."""
        with self._changed:
            self._changed.wait_for(lambda: self._queued < QUEUED_BYTES)
            self._jobs.append((job, size))
            self._queued += size
            self._changed.notify_all()

    def commit(self) -> None:
        """Queue a commit of everything before it."""
        with self._changed:
            self._jobs.append((None, 0))
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until everything queued has been done, or dropped."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs and not self._busy)

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
                self._changed.wait_for(lambda: self._jobs or self._closing)
                if not self._jobs:
                    return
                job, size = self._jobs.popleft()
                self._queued -= size
                self._busy = True
            if self.error is None:
                self._do(job)

    def _do(self, job: Job | None) -> None:
        with self._lock:
            try:
                if job is None:
                    if self._connection.in_transaction:
                        self._connection.execute("COMMIT")
                    return
                if not self._connection.in_transaction:
                    self._connection.execute("BEGIN")
                job(self._connection)
            except Exception as error:  # it belongs to the recorder's thread, which raises it
                self.error = error
                self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                self.error = self.error or error
