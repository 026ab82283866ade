"""`ttd serve`: let a debugger move through a recording."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from dataclasses import replace

import click

from ttd.cli.debugging import serve_debugger
from ttd.cli.expected import expectations
from ttd.cli.latest import recording_argument
from ttd.cli.memory import snapshot_memory


@click.command(short_help="Let GDB move through a recording.")
@recording_argument
@click.option(
    "--port", type=click.IntRange(0, 0xFFFF), metavar="N", default=1234, show_default=True
)
@click.option(
    "--host", metavar="A", default="127.0.0.1", show_default=True, help="Address to listen on."
)
@click.option("--stdio", is_flag=True, help="Speak RSP on standard input and output.")
@click.option(
    "--drive", multiple=True, metavar="file=IMAGE,...", help="The image, as it was for `record`."
)
@snapshot_memory
def serve(
    recording: str,
    port: int,
    host: str,
    stdio: bool,
    drive: tuple[str, ...],
    snapshot_memory: int,
) -> None:
    """Let GDB, LLDB or an IDE move through a recording in both directions."""
    from ttd.gdbserver import listen
    from ttd.host.semihost_files import SemihostFiles
    from ttd.recorded import RecordedMachine

    sides, expected = expectations(recording, (), drive, (), None)
    sides = replace(sides, snapshot_memory=snapshot_memory)
    session = RecordedMachine.open(recording, SemihostFiles(None), host=sides, expected=expected)
    serve_debugger(session, None if stdio else listen(host, port), host, lambda: None)
