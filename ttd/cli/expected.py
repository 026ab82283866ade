"""What the user says that a recording is of."""

from __future__ import annotations

import click

from ttd.cli import candidates

drive_option = click.option(
    "--drive",
    multiple=True,
    metavar="file=IMAGE,...",
    shell_complete=candidates.drives,
    help="The image, as it was for `record`.",
)
