"""A machine served to a debugger, for the commands that do so."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from threading import Event
from typing import TYPE_CHECKING

import click

from ttd.cli.output import say
from ttd.cli.signals import on_signals

if TYPE_CHECKING:
    from socket import socket

    from ttd.recorded import RecordedMachine
    from ttd.register_names import Block


HOST = "127.0.0.1"
"""Where debuggers connect unless somebody says otherwise."""


def _start_logging(packets: bool) -> None:
    """What servers say goes to standard error; `packets`: each of them, too."""
    import logging

    logging.basicConfig(format="ttd: %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("ttd.rsp.packets").setLevel(logging.DEBUG if packets else logging.WARNING)


def listen_at(gdb: str | None) -> socket | None:
    """What `--gdb` names; None for stdio, or without it."""
    if gdb is None or gdb == "stdio":
        return None
    from ttd.gdbserver import listen, listen_unix

    if gdb.startswith("unix:") and gdb != "unix:":
        return listen_unix(gdb.removeprefix("unix:"))
    if not gdb.isascii() or not gdb.isdigit() or int(gdb) > 0xFFFF:
        raise click.UsageError(f"--gdb takes a port number, stdio or unix:PATH, not {gdb!r}")
    return listen(HOST, int(gdb))


def serve_debugger(
    session: RecordedMachine,
    listener: socket | None,
    host: str,
    stop: Callable[[], None],
    leave: Callable[[], None] = lambda: None,
    *,
    keep_calls: bool = False,
    described: Sequence[Block] = (),
) -> None:
    """Serve GDB, until it is over: on a port, which is known as one of `host`, on a Unix socket, or
    (None) on standard input and output.

    `stop` interrupts what the timeline does not know of. `leave` ends what is recorded, whatever
    has ended the debugger, and no signal ends that. `described`: registers that have other names.
    """
    import logging

    from ttd.cli.questions import questions
    from ttd.gdbserver import Offer, UnixListener, serve_stdio, serve_tcp, serve_unix
    from ttd.inspection import LoggedEvents

    packets = bool(click.get_current_context().find_root().params["trace_packets"])
    _start_logging(packets)
    over = Event()

    def end() -> None:
        over.set()
        session.timeline.interrupt()
        stop()

    events = LoggedEvents(lambda: session.replay.log, session.replay.words)

    def idle() -> None:
        """Nobody waits for anything: what searches have found is written."""
        session.snapshots.index.flush()

    offer = Offer(events, questions(session, described), keep_calls, idle)

    def ready(bound: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        say(f"in GDB: target remote {shown}:{bound}")

    with on_signals(end):
        try:
            if listener is None:
                serve_stdio(session.timeline, stop=over, offer=offer)
            elif isinstance(listener, UnixListener):
                # Who comes and goes there is known to the one who has made it.
                for room in ("ttd.rsp", "ttd.debugger"):
                    logging.getLogger(room).setLevel(logging.WARNING)
                serve_unix(session.timeline, listener, stop=over, offer=offer)
            else:
                serve_tcp(session.timeline, listener, ready=ready, stop=over, offer=offer)
        finally:
            idle()
            leave()
