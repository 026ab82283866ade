"""Recordings of the firmware `unseen`, in this process."""

from __future__ import annotations

import os
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ttd.boards import BOARDS
from ttd.boards.base import BootFiles
from ttd.boards.extras import Extra
from ttd.host.files import Null
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import SEMIHOSTING, RecordedMachine, RecordOptions

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware" / "unseen"
BOARD = {"mps2": "mps2-an385", "microbit": "microbit", "virt": "virt", "virt32": "virt32"}
"""Boards by the names of the ELF files."""
ALIAS = 0x40000000
"""On RISC-V: how far below itself memory is seen a second time, by page tables."""


def elf_of(name: str) -> Path:
    return FIRMWARE / f"unseen-{name}.elf"


def record(name: str, path: Path) -> Path:
    """Record the whole run."""
    board = BOARDS[BOARD[name]]
    image = load_image(str(elf_of(name)))
    extras = [] if name == "microbit" else [Extra("virtio-rng", "rng0", {})]
    loads = board.boot(board, BootFiles(image=image)) if board.boot else image
    options = RecordOptions(board, loads, board.ns_per_step, True, "unseen a b", extras=extras)
    backends = {SEMIHOSTING: Null(), **{serial: Null() for serial in board.serials}}
    session = RecordedMachine.record(options, str(path), backends, SemihostFiles(None), os.urandom)
    ended = session.run(None, lambda step: None)
    assert ended.code == 0, ended
    session.finish(ended.reason, ended.code)
    session.close()
    return path


def play(path: Path) -> RecordedMachine:
    return RecordedMachine.open(str(path), SemihostFiles(None))


def variables(name: str) -> dict[str, tuple[int, int]]:
    """Address and size by name."""
    with elf_of(name).open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {
            symbol.name: (symbol["st_value"], symbol["st_size"])
            for symbol in table.iter_symbols()
            if symbol["st_info"].type == "STT_OBJECT"
        }
