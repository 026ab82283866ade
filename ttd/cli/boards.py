"""`ttd boards`: the boards that there are."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import click


@click.command()
def boards() -> None:
    """List the boards."""
    from ttd.boards import BOARDS, RAW, raw

    for name, board in BOARDS.items():
        print(f"{name:12}  {board.description}")
    print(f"{RAW:12}  {raw.DESCRIPTION}")
