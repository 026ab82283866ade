"""What boards are made of: memory map, devices, lines, clocks; data more than code."""

from __future__ import annotations

from ttd.boards.base import Board
from ttd.boards.mps2_an385 import MPS2_AN385

BOARDS: dict[str, Board] = {board.name: board for board in (MPS2_AN385,)}
"""Every board, by the name that users give."""
