"""The `ttd` command: its parts are in the other files, one a command."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

import ttd
from ttd.cli.nearest import NearestGroup
from ttd.cli.output import DIVERGED, INTERRUPTED, USER_ERROR, fail
from ttd.errors import UserError, reason

COMPLETE = "_TTD_COMPLETE"
"""Set where a shell asks what words there are (ttd/cli/shells.py)."""


def main() -> None:
    """Entry point: what a user can cause ends in one sentence, never in a traceback."""
    _open_standard_files()
    try:
        if COMPLETE in os.environ:
            from ttd.cli.shells import register

            register()
        try:
            cli(option_words(sys.argv[1:]), prog_name="ttd", standalone_mode=False)
        finally:
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except UserError as error:
        from ttd.replay.errors import Divergence

        fail(str(error), DIVERGED if isinstance(error, Divergence) else USER_ERROR)
    except OSError as error:
        fail(_sentence(error), USER_ERROR)


def option_words(words: Sequence[str]) -> list[str]:
    """An option with an optional value takes it only after "=", as in GNU programs."""
    return ["--semihosting=" if word == "--semihosting" else word for word in words]


def _open_standard_files() -> None:
    """Without this a program started with a closed stdout opens its recording in its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Python has none where there was no file.
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115


def _sentence(error: OSError) -> str:
    return (f"{os.fsdecode(error.filename)}: " if error.filename else "") + reason(error)


class Commands(NearestGroup):
    """Commands by the names of the modules that they are in, loaded when they are wanted."""

    NAMES = (
        "ask",
        "boards",
        "branch",
        "completion",
        "console",
        "cut",
        "events",
        "gdb",
        "index",
        "info",
        "lldb",
        "mcp",
        "note",
        "record",
        "replay",
        "serve",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        from ttd.debugger.asking import ASKINGS

        return sorted({*self.NAMES, *ASKINGS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.NAMES:
            from ttd.cli.ask import ask

            return ask.get_command(ctx, cmd_name)
        found = getattr(importlib.import_module(f"ttd.cli.{cmd_name}"), cmd_name)
        assert isinstance(found, click.Command)
        return found


EXIT_CODES = """\b
Exit codes:
  record   that of the guest, 1 after a lockup, else 0
  replay   0: the same; 3: it diverged; 130: interrupted
  gdb      that of the debugger; lldb, too
  ask      1: nothing was found; questions that are commands, too
  all      2 for what is wrong from outside, with one sentence that says what
"""


@click.group(
    cls=Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(ttd.__version__)
@click.option("--trace-packets", is_flag=True, help="Log every GDB packet to standard error.")
def cli(trace_packets: bool) -> None:
    """Record a whole machine, and go backwards through the run in GDB."""
