"""Who works for `ttd index`: this process, or some at once."""

# What makes processes is imported where there are to be some.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from ttd.cli.ahead import answered
from ttd.errors import UserError
from ttd.host.opened import opened
from ttd.indexing import Found, learn
from ttd.questions.past import Interrupted, Past
from ttd.recorded import RecordedMachine

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from ttd.cli.asked import Asked

Source = tuple[str, str, tuple[str, ...]]
"""A recording, one of its branches, and what `--drive` said."""
Answer = tuple[list[object], list[str] | None]
"""A question as data, and the lines of its answer; None if there is none."""
_MOST_AT_ONCE = 4
"""Intervals that a process is given at a time: to go to the first one takes as long as a part of
one."""
_TIMES = 8
"""So often a process is given some, if there are enough of them: all end at about the same time."""


class Indexers:
    """As many processes as there is work for."""

    def __init__(
        self, session: RecordedMachine, source: Source, jobs: int, asked: Callable[[], bool]
    ) -> None:
        """`session`: the machine of this process; `asked`: whether somebody wants an end."""
        self._past = Past(session)
        self._source = source
        self._jobs = jobs
        self._asked = asked
        self._pool: ProcessPoolExecutor | None = None

    def learn(self, numbers: Sequence[int]) -> Iterator[Found]:
        """What these intervals do, in any order. `ttd.search.Interrupted`."""
        size = max(1, min(_MOST_AT_ONCE, len(numbers) // (_TIMES * self._jobs)))
        parts = [numbers[first : first + size] for first in range(0, len(numbers), size)]
        if self._alone(len(parts)):
            yield from learn(self._past.session, numbers)
        else:
            for found in self._by_processes(_learn, parts):
                yield from found

    def answers(self, asked: Sequence[Asked]) -> Iterator[Answer]:
        """What is answered, in order; it ends where that is interrupted."""
        if not self._alone(len(asked)):
            yield from self._by_processes(_answer, asked)
            return
        with suppress(Interrupted):
            for each in asked:
                yield each.said(self._source[0]), answered(self._past, self._source[0], each)

    def _alone(self, parts: int) -> bool:
        return self._jobs == 1 or parts < 2

    def _by_processes(
        self, work: Callable[[Source, Any], Any], parts: Sequence[Any]
    ) -> Iterator[Any]:
        from concurrent.futures.process import BrokenProcessPool

        from ttd.workers.workers import processes

        if self._pool is None:
            self._pool = processes(min(self._jobs, len(parts)))
        left, given = iter(parts), deque[Any]()
        try:
            while not self._asked():
                for part in left:
                    given.append(self._pool.submit(work, self._source, part))
                    if len(given) > 2 * self._jobs:
                        break
                if not given:
                    return
                try:
                    yield given.popleft().result()
                except BrokenProcessPool:
                    raise UserError("a process that worked on it has been killed") from None
        finally:
            for future in given:
                future.cancel()

    def close(self) -> None:
        """What has not begun is not done."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


@cache
def _past(source: Source) -> Past:
    """In a worker: the one that it has open."""
    recording, branch, drive = source
    return Past(opened(recording, drive, branch=branch))


def _learn(source: Source, numbers: Sequence[int]) -> list[Found]:
    return list(learn(_past(source).session, numbers))


def _answer(source: Source, asked: Asked) -> Answer:
    past = _past(source)
    lines = answered(past, source[0], asked)
    past.snapshots.index.flush()  # what was searched is known to whoever asks something like it
    return asked.said(source[0]), lines
