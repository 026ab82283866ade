"""A line on the terminal about a machine that runs."""

# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from ttd.cli.output import fresh_line

if TYPE_CHECKING:
    from ttd.recorded import RecordedMachine


def progress(
    session: RecordedMachine, path: str, shown: bool
) -> AbstractContextManager[Callable[[int], None]]:
    """A line on a terminal while the machine runs; quiet otherwise."""
    if not shown or not sys.stderr.isatty():
        return nullcontext(lambda step: None)
    known = None if session.recording.writable else session.recording.status.steps
    return progress_line(path, lambda: session.machine.virtual_ns, known)


@contextmanager
def progress_line(
    path: str, virtual_ns: Callable[[], int], known: int | None = None
) -> Iterator[Callable[[int], None]]:
    """Gives what is to be told the step from time to time; the line is gone afterwards.

    `path` is the recording, whose size is shown. `known`: how many steps there will be.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    began = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")

        def tick(step: int) -> None:
            speed = step / max(time.monotonic() - began, 1e-6) / 1e6
            size = _size(path) + _size(f"{path}-wal")
            percent = f"{100 * step // known}% of {known:,}: " if known else ""
            bar.update(
                task,
                description=f"{percent}{step:,} steps  {virtual_ns() / 1e9:.3f} s virtual  "
                f"{speed:.0f} M steps/s  {size / 1024:,.0f} KiB",
            )

        tick(0)
        yield tick
    fresh_line()


@contextmanager
def share_line(what: str) -> Iterator[Callable[[float], None]]:
    """The same of work of which a fraction is done, which is to be told from time to time; nothing
    where there is no terminal."""
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1)
        yield lambda share: bar.update(task, completed=share)
    fresh_line()


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
