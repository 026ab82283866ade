"""The commands that start a debugger: what they take, and what the debugger is told."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ttd.cli import candidates
from ttd.errors import UserError
from ttd.values import dataclass

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ttd.images import Load


@dataclass(frozen=True, slots=True)
class Debuggee:
    """What there is to debug, as a debugger is told of it."""

    address: Path
    """The Unix socket to connect to."""
    programs: Sequence[Path]
    """ELF files that are loaded, the one that is debugged first."""
    folders: Sequence[Path]
    """More folders with sources."""
    moved: Sequence[tuple[str, str]]
    """(old, new): folders of sources that are somewhere else now."""


def quoted(text: str | Path) -> str:
    """As one word for a debugger; "Command Syntax" of GDB's manual, and LLDB has the same."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


Client = Callable[[Debuggee, Sequence[str]], list[str]]
"""The arguments of a debugger, the user's among them."""

_HELP = """Move through RECORDING in {what}, or with --record through a machine while it records.

Starts {what} and a server of its own for it, on a socket that nobody else can reach. The programs
in the recording are its symbols. Options of `ttd serve`, or of `ttd record`, may stand where
RECORDING, or IMAGE, does; what follows `--` is for {what}.

\b
  ttd {name} run.ttd
  ttd {name} --record --board mps2-an385 --semihosting firmware.elf
  ttd {name} run.ttd -- {example}
"""


def client_command(
    name: str, what: str, names: Sequence[str], package: str, example: str
) -> Callable[[Client], click.Command]:
    """Makes a command of a function that gives the debugger's arguments.

    `names`: programs that may be the debugger; `package`: of Debian, with the first of them.
    """

    def make(client: Client) -> click.Command:
        def run(
            recording: bool,
            debugger: str | None,
            symbols: tuple[str, ...],
            source: tuple[str, ...],
            arguments: tuple[str, ...],
        ) -> None:
            from ttd.cli.client import find_program, private_folder, run_client

            theirs: Sequence[str] = click.get_current_context().meta[_THEIRS]
            program = find_program(debugger, names, package)
            folders = [Path(folder).resolve() for folder in source]
            with private_folder() as folder:
                address = folder / "socket"
                take = _to_record if recording else _to_serve
                server, loads = take(list(arguments), address)
                debuggee = _debuggee(address, loads, symbols, folders, folder)
                code = run_client(server, address, [program, *client(debuggee, theirs)])
            sys.exit(code)

        command = _ClientCommand(
            name,
            callback=run,
            help=_HELP.format(what=what, name=name, example=example),
            short_help=f"Start {what} on a recording, or on a machine that records.",
            context_settings={"ignore_unknown_options": True},
            options_metavar="[OPTIONS]",
            params=[
                click.Option(["--record", "recording"], is_flag=True, help="Record a machine."),
                click.Option(
                    ["--debugger"],
                    metavar="PROGRAM",
                    shell_complete=candidates.words(*names),
                    help=f"Which {what} to start.",
                ),
                click.Option(
                    ["--symbols"],
                    multiple=True,
                    metavar="ELF",
                    shell_complete=candidates.programs,
                    help="Instead of the programs in the recording.",
                ),
                click.Option(
                    ["--source"],
                    multiple=True,
                    metavar="DIR",
                    shell_complete=candidates.folders,
                    help="Where sources are, too.",
                ),
                click.Argument(
                    ["arguments"], nargs=-1, type=click.UNPROCESSED, shell_complete=_started
                ),
            ],
        )
        return command

    return make


_THEIRS = "ttd.theirs"
"""Words for the debugger."""
_BEHIND = "ttd.behind"
"""Whether there is a `--` before them."""


class _ClientCommand(click.Command):
    """What follows `--` is not ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_THEIRS] = args[at + 1 :]
        ctx.meta[_BEHIND] = at < len(args)
        return super().parse_args(ctx, args[:at])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Its own options, and those of the command that it starts."""
        known = super().shell_complete(ctx, incomplete)
        seen = {item.value for item in known}
        return known + [item for item in _started(ctx, None, incomplete) if item.value not in seen]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[OPTIONS] [RECORDING]", f"[-- {self.name} arguments]"]


def _started(
    context: click.Context, parameter: click.Parameter | None, typed: str
) -> list[CompletionItem]:
    """What the command that is started would take here; files behind `--`."""
    from click.shell_completion import ShellComplete

    from ttd.cli.record import record
    from ttd.cli.serve import serve

    if context.meta[_BEHIND]:
        return candidates.files(context, context.command.params[-1], typed)
    command = record if context.params.get("recording") else serve
    return ShellComplete(command, {}, command.name or "", "").get_completions(
        list(context.params.get("arguments") or ()), typed
    )


def _to_serve(arguments: list[str], address: Path) -> tuple[list[str], Sequence[Load]]:
    """How to serve a recording at `address`, and what was loaded there."""
    from ttd.cli.serve import serve
    from ttd.recorded import loads_of
    from ttd.recording.recording import Recording

    taken = _parsed(serve, arguments, ("port", "host", "socket", "stdio"))
    path = taken["recording"]
    return ["serve", *arguments, "--socket", str(address)], loads_of(Recording.open(path))


def _to_record(arguments: list[str], address: Path) -> tuple[list[str], Sequence[Load]]:
    """How to record under a debugger at `address`, and what is loaded there."""
    from ttd.cli.record import record
    from ttd.images import Load
    from ttd.loader import load_image

    taken = _parsed(record, arguments, ("gdb",))
    named = {"image": [taken["image"]], "kernel": [taken["kernel"]], "load": taken["load"]}
    loads = []
    for role, names in {**named, "bios": [taken["bios"]]}.items():
        for name in filter(None, names):
            with suppress(UserError):  # no program; `record` says so if it should be one
                loads.append(Load(role, load_image(name)))
    return ["record", *arguments, "--gdb", f"unix:{address}"], loads


def _parsed(command: click.Command, arguments: list[str], ours: Sequence[str]) -> dict[str, Any]:
    """The parameters of another command, none of which are `ours` to give."""
    with command.make_context(f"ttd {command.name}", list(arguments)) as context:
        for name in ours:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                raise click.UsageError(f"--{name} is not for a debugger that connects by itself")
        return context.params


def _debuggee(
    address: Path,
    loads: Sequence[Load],
    symbols: Sequence[str],
    folders: Sequence[Path],
    folder: Path,
) -> Debuggee:
    from ttd.cli.programs import moved_sources, programs

    for name in symbols:
        if not Path(name).is_file():
            raise UserError(f"{name}: there is no such file")
    found = [Path(name).resolve() for name in symbols] or programs(loads, folder)
    roots = [*folders, Path.cwd()]
    moved = dict(pair for program in found for pair in moved_sources(program, roots))
    return Debuggee(address, found, folders, list(moved.items()))
