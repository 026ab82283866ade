"""`ttd index`: learn what each interval of a recording executed and wrote."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import click

from ttd.cli.expected import drive_option
from ttd.cli.latest import recording_argument
from ttd.cli.output import INTERRUPTED, fail, interrupted, say
from ttd.cli.progress import share_line
from ttd.cli.signals import on_signals

if TYPE_CHECKING:
    from ttd.cli.indexers import Indexers
    from ttd.recorded import RecordedMachine

EXAMPLES = """\b
Examples:
  ttd index run.ttd
  ttd index run.ttd --jobs 1
"""
WRITE_EVERY_S = 2.0
AHEAD_LEAST_S = 5.0


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
    from ttd.cli.indexers import Indexers
    from ttd.host.opened import opened
    from ttd.indexing import keep, missing
    from ttd.search import Interrupted

    session = opened(recording, drive, branch=branch)
    index, asked = session.snapshots.index, False

    def stop() -> None:
        nonlocal asked
        asked = True
        interrupted()
        session.timeline.interrupt()

    todo = missing(session)
    count, began = 0, time.monotonic()
    wrote = began
    indexers = Indexers(session, (recording, branch, drive), jobs, lambda: asked)
    with on_signals(stop), closing(indexers), share_line(f"index {branch}") as show:
        try:
            for found in indexers.learn(todo):
                keep(index, found)
                count += 1
                show(count / len(todo))
                if time.monotonic() - wrote > WRITE_EVERY_S:
                    index.write()
                    wrote = time.monotonic()
        except Interrupted:
            asked = True
        index.write()
        if session.timeline.place.branch == 0 and not asked:
            seconds = max(time.monotonic() - began, AHEAD_LEAST_S)
            _answer_ahead(indexers, session, recording, time.monotonic() + seconds, show)
    session.close()
    if asked:
        fail(f"interrupted; {count} of {len(todo)} intervals were learned", INTERRUPTED)
    return count


def _answer_ahead(
    indexers: Indexers,
    session: RecordedMachine,
    recording: str,
    until: float,
    show: Callable[[float], None],
) -> None:
    """Keep answers to what is likely to be asked; those that there are when it is that late."""
    from ttd.cli.ahead import likely
    from ttd.cli.answered import Answered

    kept = Answered.of(recording, "")
    if kept is None:
        return
    asked = [each for each in likely(session) if kept.recall(each.said(recording)) is None]
    for number, (said, lines) in enumerate(indexers.answers(asked)):
        if lines is not None:
            kept.keep(said, lines)
        show(number / len(asked))
        if time.monotonic() > until:
            break
    kept.flush(patient=True)
