"""What boards are made of: memory map, devices, lines, clocks; data more than code."""

from __future__ import annotations

from collections.abc import Mapping

from ttd.boards import raw
from ttd.boards.base import Board
from ttd.boards.microbit import MICROBIT
from ttd.boards.mps2_an385 import MPS2_AN385
from ttd.boards.numbers import BoardOptionError
from ttd.boards.virt.board import virt
from ttd.replay.config import Option

BOARDS: dict[str, Board] = {
    board.name: board for board in (MPS2_AN385, MICROBIT, virt(64), virt(32))
}
"""Every board that needs no more than its name, by the name that users give."""


def make_board(name: str, options: Mapping[str, Option]) -> Board:
    """The board of a recording, by its name and the options it was made with."""
    if name == raw.NAME:
        words = options.get(raw.NAME)
        known = isinstance(words, list) and all(isinstance(word, str) for word in words)
        return raw.raw_board(words if known else [])  # type: ignore[arg-type]
    board = BOARDS.get(name)
    if board is None:
        raise BoardOptionError(f"there is no board {name!r}; there are {', '.join(names())}")
    memory = options.get("memory")
    if memory is None:
        return board
    if board.with_memory is None or not isinstance(memory, int):
        raise BoardOptionError(f"the memory of {name} has one size")
    return board.with_memory(memory)


def names() -> list[str]:
    """All that users may ask for."""
    return [*BOARDS, raw.NAME]
