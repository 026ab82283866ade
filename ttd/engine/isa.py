"""What the engine has to know of an instruction set: Unicorn's names, and the state to keep."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """Instruction sets that `native.c` can decode the lengths of; shared with it."""

    THUMB = 0
    RV64 = 1
    A64 = 2
    RV32 = 3
    X64 = 4


@dataclass(frozen=True, slots=True)
class Isa:
    """How to open Unicorn for a CPU model, and which registers are its architectural state.

    `state` lists Unicorn register ids in an order in which writing them back reproduces the
    state. `window_base`: where the physical addresses have
    room for 256 MB of pages that no board uses.
    """

    name: str
    code: Code
    uc_arch: int
    uc_mode: int
    uc_model: int
    page_size: int
    window_base: int
    pc: int
    state: tuple[int, ...]
    wide: tuple[int, ...] = ()
    """Registers of 128 bits, or up to that; part of the state too."""
    baseline: bool = False
    """Armv6-M: IT, CBZ and CBNZ do not exist, and no access may be unaligned."""
