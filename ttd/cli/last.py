"""`ttd last`: which recording was made last."""

from __future__ import annotations

import click

from ttd.cli.latest import latest


@click.command()
def last() -> None:
    """Print the path of the latest recording made in this directory."""
    print(latest())
