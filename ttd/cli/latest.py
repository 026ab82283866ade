"""The recording that was made last in a directory: `latest.ttd` there is a link to it."""

from __future__ import annotations

import os
from contextlib import suppress

import click

from ttd.cli.candidates import recordings
from ttd.cli.output import say
from ttd.errors import UserError

LINK = "latest.ttd"


def remember(path: str) -> None:
    """Let `latest.ttd` here lead to this recording.

    Only a link is replaced. Where there can be none, nothing happens.
    """
    if os.path.lexists(LINK) and not os.path.islink(LINK):
        say(f"{LINK} is no link to the latest recording, and stays as it is")
        return
    temporary = f"{LINK}.{os.getpid()}"
    try:
        os.symlink(path, temporary)
        os.replace(temporary, LINK)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)


def latest() -> str:
    """The path of that recording, from here."""
    if not os.path.lexists(LINK):
        raise UserError(f"nothing has been recorded here: there is no {LINK} in this directory")
    path = os.readlink(LINK) if os.path.islink(LINK) else LINK
    if not os.path.exists(path):
        raise UserError(f"the latest recording was {path}, which is gone")
    return path


def _or_latest(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    return latest() if value is None else value


recording_argument = click.argument(
    "recording",
    required=False,
    callback=_or_latest,
    metavar="[RECORDING]",
    shell_complete=recordings,
)
"""A command's RECORDING: the latest one unless it is said."""
