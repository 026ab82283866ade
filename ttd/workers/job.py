"""What a worker is sent, what it does, and what it sends back.

A worker reads the recording itself, by its path: what is sent is the question and the interval. The
answer follows from these alone, whoever works it out.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from ttd.errors import UserError
from ttd.history.place import Place
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.search import packed
from ttd.search.interval import Interval
from ttd.search.question import Question
from ttd.search.scan import Scanned, scan
from ttd.stops import whole
from ttd.values import dataclass

_KEPT = 2
"""Recordings that a worker has open."""


@dataclass(frozen=True, slots=True)
class Source:
    """A recording, as it was when the question was asked."""

    path: str
    run: str
    """Which one it is: how its first branch ended."""

    @staticmethod
    def of(path: str, session: RecordedMachine) -> Source:
        """What `session` has opened from `path`."""
        return Source(path, repr(session.branches.all[0].status))


class Job:
    """One interval of a branch, and what is asked of it.

    No dataclass: executors look into those, and expect them to be the standard library's.
    """

    def __init__(
        self, source: Source, branch: int, interval: Interval, question: Question, most: int
    ) -> None:
        self.source = source
        self.branch = branch
        self.interval = interval
        self.question = question
        self.most = most


@dataclass(frozen=True, slots=True)
class Done:
    """What has become of a job."""

    rows: bytes = b""
    """As `ttd.search.packed` writes them."""
    low: int = 0
    high: int = 0
    error: str = ""
    """Why there is no answer: a sentence for people."""

    def scanned(self) -> Scanned:
        """The rows; `UserError` if there are none because of an error."""
        if self.error:
            raise UserError(self.error)
        return Scanned(packed.unpack(self.rows), self.low, self.high)


_open: OrderedDict[Source, RecordedMachine] = OrderedDict()
"""In a worker: the recordings that it has open, the one used last at the end."""


_machines = threading.Lock()
"""An executor's workers may be threads, and a process runs one machine at a time."""


def work(job: Job) -> Done:
    """In a worker: the rows of an interval."""
    with _machines:
        return _work(job)


def _work(job: Job) -> Done:
    try:
        session = _opened(job.source)
        timeline = session.timeline
        if timeline.place.branch != job.branch:
            whole(lambda: timeline.go_to(Place(job.branch, job.interval.low)))
        found = scan(session.machine, session.snapshots, job.interval, job.question, job.most)
    except (UserError, OSError) as error:
        _forget(job.source)
        return Done(error=str(error))
    return Done(packed.pack(found.rows), found.low, found.high)


def _opened(source: Source) -> RecordedMachine:
    session = _open.get(source)
    if session is None:
        session = RecordedMachine.open(source.path, SemihostFiles(None))
        if Source.of(source.path, session) != source:
            session.close()
            raise UserError(f"{source.path} has changed since the question was asked")
        _open[source] = session
    _open.move_to_end(source)
    while len(_open) > _KEPT:
        _open.popitem(last=False)[1].close()
    return session


def _forget(source: Source) -> None:
    """A machine that something went wrong with is made anew."""
    session = _open.pop(source, None)
    if session is not None:
        session.close()
