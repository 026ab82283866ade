"""Idle time of a server, used to index what it serves."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import click

from ttd.cli.output import DIVERGED, USER_ERROR

PATIENCE_S = 5
"""For which an indexer that is to end may go on."""

index_option = click.option(
    "--index",
    "indexing",
    type=click.Choice(["idle", "off"]),
    default="off",
    help="Use idle time of the processors to index the recording, as `ttd index` does."
    "  [default: off]",
)


@contextmanager
def idle_index(recording: str, drive: Sequence[str], wanted: bool) -> Iterator[None]:
    """Meanwhile `recording` is indexed, if `wanted`, in time that processors have left over;
    what has been learned by the end is kept. Why it could not be indexed is said then."""
    if not wanted:
        yield
        return
    import subprocess

    drives = [word for image in drive for word in ("--drive", image)]
    command = [sys.executable, "-P", "-m", "ttd", "index", recording, "--jobs", "1", *drives]
    nothing = subprocess.DEVNULL
    # In a session of its own: Ctrl-C is the server's.
    with subprocess.Popen(
        command,
        stdin=nothing,
        stdout=nothing,
        stderr=subprocess.PIPE,  # a sentence
        start_new_session=True,
        text=True,
    ) as child:
        with suppress(OSError):
            os.sched_setscheduler(child.pid, os.SCHED_IDLE, os.sched_param(0))
        try:
            yield
        finally:
            child.terminate()
            said = ""
            with suppress(subprocess.TimeoutExpired):
                said = child.communicate(timeout=PATIENCE_S)[1]
            child.kill()
            if child.returncode in (USER_ERROR, DIVERGED):
                click.echo(said.rstrip(), err=True)
