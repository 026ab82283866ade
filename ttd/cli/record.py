"""`ttd record`: run a firmware on a board and record it."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ttd.cli.candidates import programs
from ttd.cli.ending import ending
from ttd.cli.latest import LINK
from ttd.cli.onlooker import Watch
from ttd.cli.options import GroupedCommand
from ttd.cli.output import say
from ttd.cli.progress import progress
from ttd.cli.record_options import EXAMPLES, record_options
from ttd.cli.recorder import Live, Plan, recording
from ttd.errors import UserError

if TYPE_CHECKING:
    from ttd.recorded import RecordedMachine
    from ttd.register_names import Block


@click.command(
    cls=GroupedCommand, short_help="Run a firmware on a board and record it.", epilog=EXAMPLES
)
@record_options
@click.argument("image", required=False, shell_complete=programs)
def record(
    board: str,
    output: str | None,
    force: bool,
    serial: tuple[str, ...],
    semihosting: str | None,
    clock: int | None,
    steps: int | None,
    gdb: str | None,
    keep_calls: bool,
    svd: Sequence[Block],
    device: tuple[str, ...],
    drive: tuple[str, ...],
    commit: bool,
    no_embed: bool,
    input_: str | None,
    netdev: tuple[str, ...],
    nic: str | None,
    realtime: bool | None,
    exact_interrupts: bool,
    snapshot_memory: int,
    image: str | None,
    **machine: Any,
) -> None:
    """Run IMAGE on a board and record it, until the guest ends or Ctrl-C.

    IMAGE is an ELF or Intel HEX file, or FILE@ADDRESS for a raw binary. The exit code is that of
    the guest's exit (semihosting, test finisher), 1 after a lockup, else 0.
    """
    from ttd.boards import names
    from ttd.boards.numbers import BoardOptionError
    from ttd.host.machine_choice import MachineChoice

    if board not in names():
        raise click.UsageError(f"there is no board {board!r}; there are {', '.join(names())}")
    choice = MachineChoice(board, image, say=say, **machine)
    try:
        chosen, loads = choice.make()
    except BoardOptionError as error:
        raise click.UsageError(str(error)) from None
    if commit and no_embed:
        raise click.UsageError(
            "--commit changes the images that a recording with --no-embed needs as they were"
        )
    if gdb is not None and steps is not None:
        raise click.UsageError("--steps is for recording without --gdb")
    if keep_calls and gdb is None:
        raise click.UsageError("--keep-calls goes with --gdb")
    if svd and gdb is None:
        raise click.UsageError("--svd goes with --gdb")
    if gdb == "stdio" and "stdio" in serial:
        raise click.UsageError("--gdb stdio has the terminal for itself: no --serial can have it")
    if len(serial) > len(chosen.serials):
        raise click.UsageError(
            f"{len(serial)} times --serial, but {board} has {len(chosen.serials)} UARTs"
        )
    if force and output is None and not _from_environment("force"):
        raise click.UsageError("--force goes with -o: other names are numbered")
    from ttd.host.additions import parse_additions
    from ttd.host.provenance import provenance
    from ttd.host.requested import Requested, program_name
    from ttd.recording.schema import Existing, check_replaceable

    added = parse_additions(device, drive, not no_embed)
    if gdb == "stdio" and "stdio" in added.chardevs.values():
        raise click.UsageError("--gdb stdio has the terminal for itself: no chardev can have it")
    if output is not None and os.path.abspath(output) == os.path.abspath(LINK):
        raise UserError(f"{LINK} is the link to the latest recording: give it another name")
    existing = Existing.REPLACE if force else Existing.REFUSE
    if output is None and gdb is None:
        existing = Existing.NUMBER
        output = _name(program_name(loads))
    specs = list(serial) or (["null"] if gdb == "stdio" else ["stdio"])
    if realtime is None:
        realtime = _on_a_terminal([*specs, *added.chardevs.values()])
    options = Requested(
        chosen,
        loads,
        added,
        provenance(),
        clock=clock,
        semihosting=semihosting is not None,
        netdevs=netdev,
        nic=nic,
        realtime=realtime,
        exact_interrupts=exact_interrupts,
    ).options(say)
    if output is not None:
        check_replaceable(output, existing)
    plan = Plan(
        options,
        output,
        existing,
        specs,
        added,
        folder=semihosting,
        silent=gdb == "stdio",
        shared=not serial,
        memory=snapshot_memory,
        input=input_,
    )
    with _debugged(gdb, keep_calls, svd) as debug, recording(plan) as live:
        session = live.session
        session.commit_drives = commit
        output = output and session.recording.path
        if debug is None:
            code, said = _record(live, steps, "stdio" in specs)
        else:
            code = 0
            debug(live)
            said = ending(session)
    if output is not None:
        said.append(f"{session.recording.status.steps} steps recorded in {output}")
    # Now the guest has printed all that it has printed.
    for line in said:
        say(line)
    sys.exit(code)


def _from_environment(option: str) -> bool:
    """Nobody has said that for this recording."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.ENVIRONMENT


def _name(image: str) -> str:
    """What a recording of `image` is called."""
    name = f"{Path(image).stem}.ttd"
    return f"{LINK.removesuffix('.ttd')}-run.ttd" if name == LINK else name


def _on_a_terminal(chardevs: list[str]) -> bool:
    """Whether somebody sits in front of a serial line, and time should go as it does for them."""
    return "pty" in chardevs or ("stdio" in chardevs and os.isatty(0))


@contextmanager
def _debugged(
    gdb: str | None, keep_calls: bool, described: Sequence[Block]
) -> Iterator[Callable[[Live], None] | None]:
    """What lets a debugger control a session, where `--gdb` says; None without it."""
    if gdb is None:
        yield None
        return
    from ttd.cli.debugging import HOST, listen_at, serve_debugger

    with listen_at(gdb) or nullcontext() as listener:

        def serve(live: Live) -> None:
            leave = partial(_leave, live.session)
            serve_debugger(
                live.session,
                listener,
                HOST,
                live.stop,
                leave,
                keep_calls=keep_calls,
                described=described,
            )

        yield serve


def _leave(session: RecordedMachine) -> None:
    ended = session.machine.ended
    session.leave("the debugger ended the session" if ended is None else "")


def _record(live: Live, steps: int | None, talks: bool) -> tuple[int, list[str]]:
    """Record to the end; returns the exit code, and what is to be said about the end.

    `talks`: the guest writes to the terminal.
    """
    session = live.session
    watch = session.machine.onlooker = Watch(session.machine, steps, live.hears)
    shown = not talks and session.machine.semihosting is None
    with progress(session, session.recording.path, shown) as tick:
        ended = session.run(steps, tick, lambda: watch.verdict or "it was interrupted")
    session.finish(ended.reason, ended.code)
    code = ended.code or 0
    # A process has 8 bits to say it; what is not success must not become success.
    said = dict.fromkeys([*ending(session), *watch.loop_lines()])
    return code & 0xFF or int(code != 0), list(said)
