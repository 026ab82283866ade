"""`--snapshot-memory`: how much memory the way back may take."""

from __future__ import annotations

import click


def _size(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """A size such as 512M, in bytes."""
    if context.resilient_parsing:
        return 0  # for completion and help, which do not wait for boards
    from ttd.boards.numbers import BoardOptionError, parse_size  # noqa: PLC0415 -- as commands do

    try:
        return parse_size(value, "--snapshot-memory")
    except BoardOptionError as error:
        raise click.UsageError(str(error)) from None


snapshot_memory = click.option(
    "--snapshot-memory",
    callback=_size,
    metavar="SIZE",
    default="512M",
    show_default=True,
    help="Memory that snapshots may take.",
)
