"""The `ttd` command; what it does is elsewhere."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from ttd.boards import BOARDS
from ttd.gdbserver import NO_AUTHENTICATION, serve_stdio, serve_tcp
from ttd.host.chardev import CharBackend, open_chardev
from ttd.host.clocks import random_bytes
from ttd.host.console import Console
from ttd.host.errors import ChardevError
from ttd.host.files import Null
from ttd.host.semihost_files import SemihostFiles
from ttd.inspection import event_rows, lines_around, summary
from ttd.loader import ImageError, load_image
from ttd.machine import MachineError
from ttd.replay.errors import Divergence, ReplayError
from ttd.replay.events import Kind
from ttd.replay.log import EventLog
from ttd.replay.recording import Recording
from ttd.session import SEMIHOSTING, RecordOptions, Session
from ttd.timeline import TimelineError

USER_ERROR = 2
DIVERGED = 3
_USER_ERRORS = (
    ReplayError,
    ImageError,
    MachineError,
    TimelineError,
    ChardevError,
    OSError,
)


def main() -> None:
    """Entry point: what a user can cause ends in one sentence, never in a traceback."""
    try:
        # An option with an optional value takes it only after "=", as in GNU programs.
        words = ["--semihosting=" if w == "--semihosting" else w for w in sys.argv[1:]]
        cli(words, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Divergence as error:
        _fail(str(error), DIVERGED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except _USER_ERRORS as error:
        _fail(str(error), USER_ERROR)


def _fail(text: str, code: int) -> None:
    print(f"ttd: {text}", file=sys.stderr)
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ttd")
@click.option("--trace-packets", is_flag=True, help="Log every GDB packet to standard error.")
def cli(trace_packets: bool) -> None:
    """Record a whole machine, and go backwards through the run in GDB."""
    logging.basicConfig(format="ttd: %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("ttd.rsp.packets").setLevel(
        logging.DEBUG if trace_packets else logging.WARNING
    )


@cli.command()
@click.option("--board", required=True, help="The machine; `ttd boards` lists them.")
@click.option("-o", "output", help="The recording to write; with --gdb a temporary file if absent.")
@click.option(
    "--serial",
    multiple=True,
    metavar="CHARDEV",
    help="Host side of the next UART: stdio, null, file:PATH, tcp:HOST:PORT[,server], pty. "
    "UART 0 is stdio unless said otherwise, the others null.",
)
@click.option(
    "--semihosting",
    metavar="[=DIR]",
    help="Answer Arm semihosting calls; files only inside DIR (--semihosting=DIR).",
)
@click.option("--clock", type=click.IntRange(1), metavar="NS", help="Virtual ns per step.")
@click.option("--steps", type=click.IntRange(0), help="End the recording at this step.")
@click.option("--gdb", metavar="PORT|stdio", help="Let GDB control the machine while it records.")
@click.argument("image")
def record(
    board: str,
    output: str | None,
    serial: tuple[str, ...],
    semihosting: str | None,
    clock: int | None,
    steps: int | None,
    gdb: str | None,
    image: str,
) -> None:
    """Run IMAGE (ELF, Intel HEX, or FILE@ADDRESS) on a board and record it.

    The exit code is that of the guest's semihosting exit, 0 if it has none.
    """
    chosen = BOARDS.get(board)
    if chosen is None:
        raise click.UsageError(f"there is no board {board!r}; there are {', '.join(BOARDS)}")
    port = _gdb_port(gdb)
    if gdb is not None and steps is not None:
        raise click.UsageError("--steps is for recording without --gdb")
    if len(serial) > len(chosen.serials):
        raise click.UsageError(
            f"{len(serial)} times --serial, but {board} has {len(chosen.serials)} UARTs"
        )
    loaded = load_image(image)
    if output is None and gdb is None:
        output = f"{Path(loaded.path).stem}.ttd"
    options = RecordOptions(
        chosen,
        loaded,
        clock or chosen.ns_per_step,
        semihosting is not None,
        Path(loaded.path).name,
    )
    specs = list(serial) or (["null"] if gdb == "stdio" else ["stdio"])
    files = SemihostFiles(Path(semihosting) if semihosting else None)
    backends: dict[str, CharBackend] = {
        SEMIHOSTING: Null() if gdb == "stdio" else Console(),
    }
    backends.update(zip(chosen.serials, (open_chardev(spec, _say) for spec in specs), strict=False))
    session = Session.record(options, output, backends, files, random_bytes)
    code = 0
    try:
        if gdb is None:
            shown = "stdio" not in specs and semihosting is None
            with _stopping(session), _progress(session, output or "", steps, shown) as tick:
                ended = session.run(steps, tick)
            code = ended.code or 0
            session.finish(ended.reason, ended.code)
        else:
            _serve(session, port, "127.0.0.1")
            ended_now = session.machine.ended
            session.leave("the debugger ended the session" if ended_now is None else "")
    finally:
        files.close_all()
        session.close()
    if gdb is None and sys.stderr.isatty():
        _say(f"{session.recording.status.steps} steps recorded in {output}: {ended.reason}")
    sys.exit(code & 0xFF)


def _gdb_port(gdb: str | None) -> int | None:
    """The port of `--gdb`; None for stdio, or without it."""
    if gdb is None or gdb == "stdio":
        return None
    if not gdb.isascii() or not gdb.isdigit() or int(gdb) > 0xFFFF:
        raise click.UsageError(f"--gdb takes a port number or stdio, not {gdb!r}")
    return int(gdb)


@cli.command()
@click.argument("path")
@click.option("--echo", is_flag=True, help="Print what the guest wrote to its first UART.")
@click.option("--verify", is_flag=True, help="Also read every stored snapshot and compare it.")
def replay(path: str, echo: bool, verify: bool) -> None:
    """Run a recording again and compare. Exit code 0: the same; 3: it diverged."""

    def show(name: str, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    session = Session.open(path, SemihostFiles(None), show if echo else None)
    status = session.recording.status
    with _stopping(session), _progress(session, path, status.steps, not echo) as tick:
        session.run(None, tick)
    if session.machine.engine.step < status.steps:
        raise click.ClickException(f"interrupted at step {session.machine.engine.step}")
    session.compare_end()
    if verify:
        session.verify_snapshots()
    checked = session.snapshots.checked
    cut = "" if status.complete else "; the recording was cut off there"
    _say(f"replayed {status.steps} steps, {checked} snapshots compared: the same{cut}")


@cli.command()
@click.argument("path")
@click.option("--port", type=click.IntRange(0, 0xFFFF), default=1234, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--stdio", is_flag=True, help="Speak RSP on standard input and output.")
def serve(path: str, port: int, host: str, stdio: bool) -> None:
    """Let GDB, LLDB or an IDE move through a recording in both directions."""
    session = Session.open(path, SemihostFiles(None))
    _serve(session, None if stdio else port, host)


def _serve(session: Session, port: int | None, host: str) -> None:
    """Serve GDB on a port, or (None) on standard input and output, until it is over."""

    def events(step: int, count: int) -> list[str]:
        return lines_around(session.replay.log, step, count)

    if port is None:
        serve_stdio(session.timeline, events=events)
        return

    def ready(bound: int) -> None:
        _say(f"listening on {host}:{bound}; in GDB: target remote {host}:{bound}")
        _say(NO_AUTHENTICATION)

    try:
        serve_tcp(session.timeline, host, port, ready=ready, events=events)
    except KeyboardInterrupt:
        _say("stopped")


@cli.command()
@click.argument("path")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def info(path: str, as_json: bool) -> None:
    """Say what a recording holds."""
    facts = summary(Recording.open(path))
    if as_json:
        print(json.dumps(facts))
        return
    table = Table(show_header=False, box=None)
    for key, value in facts.items():
        table.add_row(key, _human(key, value))
    Screen().print(table)


def _human(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count:,} {name}" for name, count in value.items()) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and key != "exit_code":
        return f"{value:,}"
    return ", ".join(value) if isinstance(value, list) else str(value)


@cli.command()
@click.argument("path")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--kind", type=click.Choice([kind.name.lower() for kind in Kind]))
@click.option("--from", "low", type=click.IntRange(0), default=0, help="First step.")
@click.option("--to", "high", type=click.IntRange(0), help="Last step.")
def events(path: str, as_json: bool, kind: str | None, low: int, high: int | None) -> None:
    """List the events of a recording."""
    for row in event_rows(EventLog(Recording.open(path)), kind, low, high):
        print(json.dumps(row) if as_json else f"{row['step']:>14}  {row['text']}")


@cli.command()
def boards() -> None:
    """List the boards."""
    for name, board in BOARDS.items():
        print(f"{name:12}  {board.description}")


def _say(text: str) -> None:
    print(f"ttd: {text}", file=sys.stderr, flush=True)


@contextmanager
def _stopping(session: Session) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run cleanly."""

    def stop(number: int, frame: object) -> None:
        session.machine.interrupt()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(
    session: Session, path: str, steps: int | None, shown: bool
) -> Iterator[Callable[[int], None]]:
    """A line on a terminal while the machine runs; quiet otherwise."""
    if not shown or not sys.stderr.isatty():
        yield lambda step: None
        return
    began = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Screen(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=steps)

        def tick(step: int) -> None:
            speed = step / max(time.monotonic() - began, 1e-6) / 1e6
            size = os.path.getsize(path) if os.path.exists(path) else 0
            progress.update(
                task,
                completed=step,
                description=f"{step:,} steps  {session.machine.virtual_ns / 1e9:.3f} s virtual  "
                f"{speed:.0f} M steps/s  {size / 1024:,.0f} KiB",
            )

        yield tick
