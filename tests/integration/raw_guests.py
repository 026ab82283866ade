"""Recordings of a few instructions on the board `raw`, in this process."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.integration.border import Line
from ttd.boards.networks import Networks
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine, RecordOptions

CODE = 0x20000000
"""Where memory is, and the first instruction."""


def words(*code: int) -> bytes:
    return struct.pack(f"<{len(code)}I", *code)


def halves(*code: int) -> bytes:
    return struct.pack(f"<{len(code)}H", *code)


def recorder(cpu: str, code: bytes, path: Path) -> RecordedMachine:
    """A live machine that is about to run `code`."""
    blob = path.with_suffix(".bin")
    blob.write_bytes(code)
    choice = MachineChoice(
        "raw", cpu=cpu, ram=(f"{CODE:#x}:64K",), load=(f"{blob}@{CODE:#x}",), pc=f"{CODE:#x}"
    )
    board, loads = choice.make()
    options = RecordOptions(board, loads, board.ns_per_step, networks=Networks())
    backends = {name: Line() for name in board.serials}
    files = SemihostFiles(None)
    return RecordedMachine.record(options, str(path), backends, files, bytes, HostSides())
