# ruff: noqa: PLC0415 -- a board is loaded when it is wanted
"""What boards are made of: memory map, devices, lines, clocks; data more than code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ttd.boards.numbers import BoardOptionError
from ttd.catalogue import Catalogue

if TYPE_CHECKING:
    from ttd.boards.base import Board
    from ttd.recording.config import Option

RAW = "raw"
"""The board that is made of what the user says."""

PRIORITY_BITS = "priority-bits"
"""The option of a board that says how many bits of an exception's priority there are."""


def _mps2_an385() -> Board:
    from ttd.boards.mps2_an385 import MPS2_AN385

    return MPS2_AN385


def _microbit() -> Board:
    from ttd.boards.microbit import MICROBIT

    return MICROBIT


def _virt(bits: int) -> Board:
    from ttd.boards.virt.board import virt

    return virt(bits)


BOARDS: Catalogue[Board] = Catalogue(
    {
        "mps2-an385": _mps2_an385,
        "microbit": _microbit,
        "virt": lambda: _virt(64),
        "virt32": lambda: _virt(32),
    }
)
"""Every board that needs no more than its name, by the name that users give."""


def make_board(name: str, options: Mapping[str, Option]) -> Board:
    """The board of a recording, by its name and the options it was made with."""
    if name == RAW:
        from ttd.boards import raw

        words = options.get(RAW)
        known = isinstance(words, list) and all(isinstance(word, str) for word in words)
        return raw.raw_board(words if known else [])  # type: ignore[arg-type]
    board = BOARDS.get(name)
    if board is None:
        raise BoardOptionError(f"there is no board {name!r}; there are {', '.join(names())}")
    memory = options.get("memory")
    if memory is not None:
        if board.with_memory is None or not isinstance(memory, int):
            raise BoardOptionError(f"the memory of {name} has one size")
        board = board.with_memory(memory)
    return _with_priority_bits(board, options.get(PRIORITY_BITS))


def _with_priority_bits(board: Board, bits: Option) -> Board:
    if bits is None:
        return board
    from dataclasses import replace

    check_priority_bits(board.cpu, bits)
    assert isinstance(bits, int)
    return replace(board, priority_bits=bits, options={**board.options, PRIORITY_BITS: bits})


def check_priority_bits(cpu: str, bits: Option) -> None:
    """`BoardOptionError` unless the processor can have so many bits of priority."""
    from ttd.cpu.models import CPUS

    choice = CPUS[cpu].priority_bits
    if not choice:
        raise BoardOptionError(f"a {cpu} leaves no choice of priority bits")
    if not isinstance(bits, int) or bits not in choice:
        raise BoardOptionError(
            f"a {cpu} has {choice[0]} to {choice[-1]} bits of priority, not {bits!r}"
        )


def names() -> list[str]:
    """All that users may ask for."""
    return [*BOARDS, RAW]
