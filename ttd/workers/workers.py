"""Workers for scans: processes of this computer, or an executor from elsewhere."""

# Most questions need no processes: what makes them is imported with the first.
# ruff: noqa: PLC0415

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Self

from ttd.errors import UserError
from ttd.recorded import RecordedMachine, drives_of
from ttd.search.interval import Interval
from ttd.search.others import Ticket
from ttd.search.question import Question
from ttd.search.scan import MOST, Scanned
from ttd.text import shown
from ttd.workers.job import Done, Job, Source, work

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future, ProcessPoolExecutor

_PR_SET_PDEATHSIG = 1
"""Of `prctl(2)`."""
_ALONE = 6
"""Intervals that are searched sooner than processes are there."""


class Workers:
    """Workers that scan the recording of one session, while its own machine stays where it is.

    Given to `Timeline.pool`. They read the file, so they are for what is there and does not grow.
    """

    def __init__(
        self,
        session: RecordedMachine,
        executor: Callable[[], Executor],
        ahead: int,
        alone: int = 0,
    ) -> None:
        """`executor` makes one when the first interval is asked of it; `ahead` of them are at the
        same time. The first `alone` of a question are the session's own matter."""
        self._session = session
        self._make = executor
        self._executor: Executor | None = None
        self.ahead = ahead
        self.alone = alone

    @classmethod
    def here(cls, session: RecordedMachine, count: int = 0) -> Self | None:
        """So many processes of this computer (0: one for each processor); None: one is enough."""
        count = count or len(os.sched_getaffinity(0))
        if count < 2:
            return None
        return cls(session, partial(processes, count), 2 * count, _ALONE)

    @classmethod
    def of(cls, session: RecordedMachine, text: str, ahead: int = 32) -> Self:
        """Those of the executor that `module:factory` makes."""
        factory = factory_of(text)
        return cls(session, partial(_made, text, factory), ahead)

    def can(self, branch: int) -> bool:
        """Whether they can be asked: the recording is complete, and has all that a replay needs."""
        recording = self._session.recording
        branches = self._session.branches
        if self._session.replay.live or any(branches.grows(b.id) for b in branches.all):
            return False
        if not all(drive.embed for drive in drives_of(recording.config)):
            return False
        return branch in {known.id for known in branches.all}

    def scan(self, branch: int, interval: Interval, question: Question) -> Ticket:
        """Ask for the rows of an interval. `UserError` if nobody takes it."""
        path = os.path.abspath(self._session.recording.path)
        job = Job(Source.of(path, self._session), branch, interval, question, MOST)
        if self._executor is None:
            self._executor = self._make()
        try:
            return _Ticket(self._executor.submit(work, job))
        except RuntimeError as error:
            raise UserError(f"the workers take no questions any more: {error}") from None

    def close(self) -> None:
        """What has not begun is not done; nobody waits for what has."""
        if self._executor is None:
            return
        from concurrent.futures import ProcessPoolExecutor

        if isinstance(self._executor, ProcessPoolExecutor):
            self._executor.shutdown(wait=True, cancel_futures=True)
        else:
            self._executor.shutdown(wait=False)


class _Ticket:
    """The answer to come about one interval."""

    def __init__(self, future: Future[Done]) -> None:
        self._future = future

    def wait(self, seconds: float) -> Scanned | None:
        from concurrent.futures.process import BrokenProcessPool

        try:
            return self._future.result(seconds).scanned()
        except TimeoutError:
            return None
        except BrokenProcessPool:
            raise UserError("a process that worked on the question has been killed") from None

    def cancel(self) -> None:
        self._future.cancel()


def processes(count: int) -> ProcessPoolExecutor:
    """So many processes of this computer."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A fork is there at once, but takes along one thread only, and whatever locks others hold.
    how = "fork" if threading.active_count() == 1 else "spawn"
    context = multiprocessing.get_context(how)
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin)


def _begin() -> None:
    """In a worker. Ctrl-C is for who asks, who then tells the workers; when that is killed, they
    are, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def factory_of(text: str) -> Callable[[], object]:
    """The function `module:factory`, which is to return a `concurrent.futures.Executor`, as that
    of a cluster is (`dask.distributed.Client.get_executor`). `UserError` if there is none."""
    name, colon, factory = text.partition(":")
    if not (name and colon and factory):
        raise UserError(f"{shown(text)} is no MODULE:FACTORY")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # as with `python -m`
    try:
        make: Callable[[], object] = getattr(importlib.import_module(name), factory)
    except (ImportError, AttributeError) as error:
        raise UserError(f"there is no executor {shown(text)}: {error}") from None
    return make


def _made(text: str, factory: Callable[[], object]) -> Executor:
    from concurrent.futures import Executor

    made = factory()
    if not isinstance(made, Executor):
        raise UserError(f"{shown(text)} gives a {type(made).__name__}, and no executor")
    return made
