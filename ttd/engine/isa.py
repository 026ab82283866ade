"""What the engine has to know of an instruction set: Unicorn's names, and the state to keep."""

from __future__ import annotations

from ttd.values import dataclass

OWN_IDS = 1 << 24
"""Register ids from here on are not Unicorn's but the instruction set's; shared with `isa.h`."""


@dataclass(frozen=True, slots=True)
class Isa:
    """How to open Unicorn for a CPU model, and which registers are its architectural state.

    `state` lists Unicorn register ids in an order in which writing them back reproduces the
    state. `window_base`: where the physical addresses have
    room for 256 MB of pages that no board uses.
    """

    name: str
    instructions: str
    """The name of the native table (`isa.h`), which an architecture's folder registers."""
    uc_arch: int
    uc_mode: int
    uc_model: int
    page_size: int
    window_base: int
    pc: int
    state: tuple[int, ...]
    wide: tuple[int, ...] = ()
    """Registers of 128 bits, or up to that; part of the state too."""
    instructions_at: int = 1
    """Instructions are at multiples of this, unless bit 0 of an address has a meaning."""
    moves_addresses: bool = False
    """Page tables may put any memory at any address."""
    disassembler: str = ""
    """The package whose library says how long instructions are, if they do not say it."""
