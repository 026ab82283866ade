"""A machine served to a debugger, for the commands that do so."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from threading import Event
from typing import TYPE_CHECKING

from ttd.cli.output import say
from ttd.cli.signals import on_signals

if TYPE_CHECKING:
    from ttd.recorded import RecordedMachine


def serve_debugger(
    session: RecordedMachine,
    listener: socket | None,
    host: str,
    stop: Callable[[], None],
    leave: Callable[[], None] = lambda: None,
) -> None:
    """Serve GDB, until it is over: on a port, which is known as one of `host`, or (None) on
    standard input and output.

    `stop` interrupts what the timeline does not know of. `leave` ends what is recorded, whatever
    has ended the debugger, and no signal ends that.
    """
    from ttd.gdbserver import serve_stdio, serve_tcp
    from ttd.inspection import LoggedEvents

    over = Event()

    def end() -> None:
        over.set()
        session.timeline.interrupt()
        stop()

    events = LoggedEvents(session.replay.log)

    def ready(bound: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        say(f"in GDB: target remote {shown}:{bound}")

    with on_signals(end):
        try:
            if listener is None:
                serve_stdio(session.timeline, stop=over, events=events)
            else:
                serve_tcp(session.timeline, listener, ready=ready, stop=over, events=events)
        finally:
            leave()
