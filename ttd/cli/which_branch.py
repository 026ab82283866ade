"""Which branch of a recording a command is about."""

from __future__ import annotations

import click

branch_option = click.option(
    "--branch", default="", metavar="NAME", help="That branch, and not the first one."
)
