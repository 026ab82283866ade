"""`--executor`: who works on questions about long runs."""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ttd.recorded import RecordedMachine

executor_option = click.option(
    "--executor",
    metavar="MODULE:FUNCTION",
    help="Who searches: FUNCTION makes a concurrent.futures.Executor, such as Dask's for a"
    " cluster.  [default: a process for each processor]",
)


@contextmanager
def at_work(session: RecordedMachine, executor: str | None) -> Iterator[None]:
    """While questions are asked of `session`, they are worked on by workers. They are there when
    they are needed; `UserError` if there is no such executor. What has been found is kept in the
    recording."""
    from ttd.workers.workers import Workers

    made = Workers.here(session) if executor is None else Workers.of(session, executor)
    session.timeline.pool = made
    try:
        yield
    finally:
        session.timeline.pool = None
        if made is not None:
            made.close()
        session.snapshots.index.flush()
