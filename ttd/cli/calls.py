"""An option of what serves debuggers."""

from __future__ import annotations

import click

keep_calls_option = click.option(
    "--keep-calls",
    is_flag=True,
    help="What a function does that the debugger calls is meant to stay.",
)
