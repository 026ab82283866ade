"""`--svd`: names of registers of a chip of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ttd.cli import candidates

if TYPE_CHECKING:
    from ttd.register_names import Block


def _read(context: click.Context, parameter: click.Parameter, value: str | None) -> Sequence[Block]:
    """The peripherals in the file; nothing has begun yet when it cannot be read."""
    if context.resilient_parsing or value is None:
        return ()
    from ttd.svd import read_svd  # noqa: PLC0415 -- only where it is given

    return read_svd(value)


svd = click.option(
    "--svd",
    callback=_read,
    metavar="FILE",
    shell_complete=candidates.files,
    help="Names of registers for 'monitor regs', in CMSIS-SVD.",
)
