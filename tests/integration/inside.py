"""Sessions in this process, for what needs a look inside."""

from __future__ import annotations

import os
from pathlib import Path

from ttd.boards import BOARDS
from ttd.host.files import Null
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import SEMIHOSTING, RecordedMachine, RecordOptions

BOARD = BOARDS["mps2-an385"]
FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"


class Typed(Null):
    """A serial line on which the test types; collects what is printed."""

    def __init__(self) -> None:
        self.printed = bytearray()

    def write(self, data: bytes) -> int:
        self.printed += data
        return len(data)


def recording_session(elf: Path, path: Path, serial: Null | None = None) -> RecordedMachine:
    """A machine at its first step, recording."""
    options = RecordOptions(BOARD, load_image(str(elf)), BOARD.ns_per_step, True, elf.name)
    backends = {SEMIHOSTING: Null(), BOARD.serials[0]: serial or Null()}
    return RecordedMachine.record(options, str(path), backends, SemihostFiles(None), os.urandom)


def record_to_end(elf: Path, path: Path) -> bytes:
    """Record a run; returns its final hash."""
    session = recording_session(elf, path)
    ended = session.run(None, lambda step: None)
    final = session.finish(ended.reason, ended.code)
    session.close()
    return final


def playing_session(path: Path) -> RecordedMachine:
    return RecordedMachine.open(str(path), SemihostFiles(None))
