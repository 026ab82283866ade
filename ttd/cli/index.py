"""`ttd index`: learn what each interval of a recording executed and wrote."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from ttd.cli.expected import drive_option
from ttd.cli.latest import recording_argument
from ttd.cli.output import INTERRUPTED, fail, interrupted, say
from ttd.cli.progress import share_line
from ttd.cli.signals import on_signals

if TYPE_CHECKING:
    from ttd.indexing import Found
    from ttd.recorded import RecordedMachine

EXAMPLES = """\b
Examples:
  ttd index run.ttd
  ttd index run.ttd --jobs 1
"""
AT_ONCE = 4
"""Intervals that a process is given at a time."""
WRITE_EVERY_S = 2.0
AHEAD_LEAST_S = 1.0


@click.command(short_help="Make searches of a recording faster.", epilog=EXAMPLES)
@recording_argument
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Processes that run at once.  [default: one a core]",
)
@drive_option
def index(recording: str, jobs: int | None, drive: tuple[str, ...]) -> None:
    """Find out what code each part of RECORDING executes, and which words of memory it writes, and
    keep it in the file: searches leave out then what cannot have an answer. What is likely to be
    asked about its variables and functions is answered at once.

    What is known already is not found out again. Answers are the same without it.
    """
    from ttd.recording.recording import Recording

    file = Recording.open(recording).file
    names = [branch.name for branch in file.branches.values()]
    count = sum(_index(recording, name, jobs or os.cpu_count() or 1, drive) for name in names)
    known = Recording.open(recording).known_bytes()
    parts = "1 interval" if count == 1 else f"{count} intervals"
    say(f"{recording}: {parts} learned; what is known takes {known / 1024:,.1f} KiB")


def _index(recording: str, branch: str, jobs: int, drive: tuple[str, ...]) -> int:
    """All of a branch; returns how many intervals that were."""
    from ttd.indexing import Interrupted, keep, missing

    session = _open(recording, branch, drive)
    index, asked = session.snapshots.index, False

    def stop() -> None:
        nonlocal asked
        asked = True
        interrupted()
        session.timeline.interrupt()

    todo = missing(session)
    count, began = 0, time.monotonic()
    wrote = began
    with on_signals(stop), share_line(f"index {branch}") as show:
        try:
            for found in _found(session, todo, (recording, branch, drive), jobs, lambda: asked):
                keep(index, found)
                count += 1
                show(count / len(todo))
                if time.monotonic() - wrote > WRITE_EVERY_S:
                    index.write()
                    wrote = time.monotonic()
        except Interrupted:
            asked = True
        index.write()
    if not asked and session.timeline.place.branch == 0:
        with on_signals(stop), share_line("answers") as show:
            asked = not _answer_ahead(session, recording, time.monotonic() - began, show)
    session.close()
    if asked:
        fail(f"interrupted; {count} of {len(todo)} intervals were learned", INTERRUPTED)
    return count


def _answer_ahead(
    session: RecordedMachine, recording: str, seconds: float, show: Callable[[float], None]
) -> bool:
    """Answer what is likely to be asked, for about as long as what was before has taken. False if
    that was interrupted."""
    from ttd.cli.ahead import answer_ahead
    from ttd.questions.past import Interrupted

    try:
        until = time.monotonic() + max(seconds, AHEAD_LEAST_S)
        answer_ahead(session, recording, until, show)
    except Interrupted:
        return False
    return True


def _open(recording: str, branch: str, drive: tuple[str, ...]) -> RecordedMachine:
    from ttd.host.expected import expectations
    from ttd.host.semihost_files import SemihostFiles
    from ttd.recorded import RecordedMachine

    sides, expected = expectations(recording, (), drive, (), None)
    files = SemihostFiles(None)
    return RecordedMachine.open(recording, files, host=sides, expected=expected, branch=branch)


def _found(
    session: RecordedMachine,
    todo: Sequence[int],
    opened: tuple[str, str, tuple[str, ...]],
    jobs: int,
    asked: Callable[[], bool],
) -> Iterable[Found]:
    from ttd.indexing import learn

    if jobs == 1 or len(todo) <= AT_ONCE:
        return learn(session, todo)
    return _by_processes(todo, opened, min(jobs, -(-len(todo) // AT_ONCE)), asked)


def _by_processes(
    todo: Sequence[int],
    opened: tuple[str, str, tuple[str, ...]],
    jobs: int,
    asked: Callable[[], bool],
) -> Iterator[Found]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=opened) as pool:
        parts = [todo[first : first + AT_ONCE] for first in range(0, len(todo), AT_ONCE)]
        futures = [pool.submit(_learn, part) for part in parts]
        try:
            for future in as_completed(futures):
                yield from future.result()
                if asked():
                    return
        finally:
            pool.shutdown(cancel_futures=True)


_sessions: list[RecordedMachine] = []
"""That of a worker's process."""


def _begin(recording: str, branch: str, drive: tuple[str, ...]) -> None:
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is told by who has begun it
    _sessions.append(_open(recording, branch, drive))


def _learn(numbers: Sequence[int]) -> list[Found]:
    from ttd.indexing import learn

    return list(learn(_sessions[0], numbers))
