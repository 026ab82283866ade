"""A line on the terminal about a machine that runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn


@contextmanager
def progress_line(path: str, virtual_ns: Callable[[], int]) -> Iterator[Callable[[int], None]]:
    """Gives what is to be told the step from time to time; the line is gone afterwards.

    `path` is the recording, whose size is shown.
    """
    began = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")

        def tick(step: int) -> None:
            speed = step / max(time.monotonic() - began, 1e-6) / 1e6
            size = _size(path) + _size(f"{path}-wal")
            progress.update(
                task,
                description=f"{step:,} steps  {virtual_ns() / 1e9:.3f} s virtual  "
                f"{speed:.0f} M steps/s  {size / 1024:,.0f} KiB",
            )

        tick(0)
        yield tick


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
