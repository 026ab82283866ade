"""`ttd lldb`: LLDB on a recording, or on a machine that records, in one command."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Sequence

from ttd.cli.debuggee import Debuggee, client_command, quoted

NAMES = ("lldb", "lldb-22", "lldb-23", "lldb-21")


@client_command("lldb", "LLDB", NAMES, "lldb-22", "-o 'breakpoint set -n main'")
def lldb(debuggee: Debuggee, theirs: Sequence[str]) -> list[str]:
    """LLDB's own arguments: the programs, the connection, our commands; then the user's."""
    from ttd.gdb import LLDB_COMMANDS

    lines = [f"target create {quoted(path)}" for path in debuggee.programs[:1]]
    lines += [f"target modules add {quoted(path)}" for path in debuggee.programs[1:]]
    pairs = " ".join(quoted(folder) for pair in debuggee.moved for folder in pair)
    if pairs:
        lines.append(f"settings set target.source-map {pairs}")
    lines += [
        f"process connect --plugin gdb-remote {quoted(f'unix-connect://{debuggee.address}')}",
        f"command script import {quoted(LLDB_COMMANDS)}",
    ]
    return [*(word for line in lines for word in ("-o", line)), *theirs]
