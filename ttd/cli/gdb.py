"""`ttd gdb`: GDB on a recording, or on a machine that records, in one command."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Sequence

from ttd.cli.debuggee import Debuggee, client_command, quoted

NAMES = ("gdb-multiarch", "gdb", "arm-none-eabi-gdb")


@client_command("gdb", "GDB", NAMES, "gdb-multiarch", "-tui -ex 'break main'")
def gdb(debuggee: Debuggee, theirs: Sequence[str]) -> list[str]:
    """GDB's own arguments: our commands, the programs, and the connection; then the user's."""
    from ttd.gdb import COMMANDS

    first = [f"source {COMMANDS}", *(f"directory {quoted(path)}" for path in debuggee.folders)]
    programs = [f"file {quoted(path)}" for path in debuggee.programs[:1]]
    programs += [f"with confirm off -- add-symbol-file {quoted(p)}" for p in debuggee.programs[1:]]
    moved = [f"set substitute-path {quoted(a)} {quoted(b)}" for a, b in debuggee.moved]
    lines = [*first, *moved, *programs, f"target extended-remote {debuggee.address}"]
    return ["-q", *(word for line in lines for word in ("-ex", line)), *theirs]
