"""`ttd serve`: let a debugger move through a recording."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from ttd.cli.calls import keep_calls_option
from ttd.cli.debugging import HOST, serve_debugger
from ttd.cli.expected import drive_option
from ttd.cli.indexing import idle_index, index_option
from ttd.cli.latest import recording_argument
from ttd.cli.memory import snapshot_memory
from ttd.cli.svd import svd
from ttd.cli.workers import at_work, executor_option

if TYPE_CHECKING:
    from socket import socket as Socket

    from ttd.recorded import RecordedMachine
    from ttd.register_names import Block

EXAMPLES = """\b
Examples:
  ttd serve run.ttd                        and in GDB: target remote :1234
  ttd serve run.ttd --port 0               some free port, which it says
  gdb-multiarch -ex 'target remote | ttd serve run.ttd' firmware.elf
`ttd gdb run.ttd` does all of this in one command.
"""


@click.command(short_help="Let GDB move through a recording.", epilog=EXAMPLES)
@recording_argument
@click.option(
    "--port", type=click.IntRange(0, 0xFFFF), metavar="N", help="TCP port; 0: any.  [default: 1234]"
)
@click.option("--host", metavar="A", help=f"Address to listen on.  [default: {HOST}]")
@click.option("--socket", metavar="PATH", help="Make a Unix socket there, and listen on that.")
@click.option(
    "--stdio",
    is_flag=True,
    help="Speak RSP on standard input and output, as without any of these if both are pipes.",
)
@click.option("--temporary", is_flag=True, help="Branches are in no file, and end with the server.")
@keep_calls_option
@drive_option
@svd
@snapshot_memory
@index_option
@executor_option
def serve(
    recording: str,
    port: int | None,
    host: str | None,
    socket: str | None,
    stdio: bool,
    temporary: bool,
    keep_calls: bool,
    drive: tuple[str, ...],
    svd: Sequence[Block],
    snapshot_memory: int,
    indexing: str,
    executor: str | None,
) -> None:
    """Let GDB, LLDB or an IDE move through a recording in both directions."""
    from ttd.host.opened import opened

    if sum((stdio, socket is not None, port is not None or host is not None)) > 1:
        raise click.UsageError("--stdio, --socket, and --port with --host: only one of them")
    session = opened(recording, drive, snapshot_memory=snapshot_memory)
    session.branches.temporary = temporary
    listener = None if stdio else _listen(port, host, socket)
    idle = indexing == "idle"
    with at_work(session, executor), idle_index(recording, drive, idle):
        serve_debugger(
            session,
            listener,
            host or HOST,
            lambda: None,
            partial(_leave, session),
            keep_calls=keep_calls,
            described=svd,
        )


def _leave(session: RecordedMachine) -> None:
    """Branches that the debugger has begun end here."""
    if session.branches.growing:
        session.leave("the debugger ended the session")


def _listen(port: int | None, host: str | None, socket: str | None) -> Socket | None:
    """Where to serve; None: on standard input and output, where somebody speaks already."""
    from ttd.gdbserver import listen, listen_unix

    if socket is not None:
        return listen_unix(socket)
    if port is None and host is None and _is_piped(0) and _is_piped(1):
        return None
    return listen(host or HOST, 1234 if port is None else port)


def _is_piped(descriptor: int) -> bool:
    """Somebody is at the other end: GDB, after `target remote |`, or a program."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
