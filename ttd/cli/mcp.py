"""`ttd mcp`: a recording for agents."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import click

from ttd.cli.candidates import recordings
from ttd.errors import UserError

EXAMPLES = """\b
Examples:
  ttd mcp run.ttd                      in a client's list of servers
  ttd mcp --guide > SKILL.md           for agents that read such files
"""


@click.command(epilog=EXAMPLES)
@click.argument("recording", required=False, shell_complete=recordings)
@click.option(
    "--source", multiple=True, metavar="DIR", help="Where sources are, beside the current folder."
)
@click.option("--temporary", is_flag=True, help="Keep new branches in no file.")
@click.option("--guide", "only_guide", is_flag=True, help="Print the guide for agents, and end.")
def mcp(recording: str | None, source: tuple[str, ...], temporary: bool, only_guide: bool) -> None:
    """Answer an agent's questions about RECORDING, or about those that it opens.

    A server of the Model Context Protocol on standard input and output. It wants the package `mcp`:
    pip install mcp.
    """
    try:
        from ttd.mcp.server import guide, make_server
    except ModuleNotFoundError as error:
        raise UserError(f"'ttd mcp' wants the package {error.name}: pip install mcp") from error
    if only_guide:
        print(guide(), end="")
        return
    make_server(recording, source, temporary=temporary).run()
