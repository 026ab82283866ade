"""A machine served to a debugger, for the commands that do so."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from ttd.cli.output import say
from ttd.cli.signals import on_signals
from ttd.errors import UserError

if TYPE_CHECKING:
    from ttd.recorded import RecordedMachine


def serve_debugger(
    session: RecordedMachine,
    port: int | None,
    host: str,
    stop: Callable[[], None],
    leave: Callable[[], None] = lambda: None,
) -> None:
    """Serve GDB on a port, or (None) on standard input and output, until it is over.

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
            if port is None:
                serve_stdio(session.timeline, stop=over, events=events)
            else:
                serve_tcp(session.timeline, host, port, ready=ready, stop=over, events=events)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise UserError(f"{host}:{port} cannot be listened on: {why}") from error
        finally:
            leave()
