"""What the engine has to know of an instruction set: Unicorn's names, and the state to keep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Isa:
    """How to open Unicorn for a CPU model, and which registers are its architectural state.

    `state` lists Unicorn register ids in an order in which writing them back reproduces the
    state. `code` is shared with `native.c`.
    """

    name: str
    code: int
    uc_arch: int
    uc_mode: int
    uc_model: int
    page_size: int
    window_base: int
    pc: int
    state: tuple[int, ...]
    baseline: bool = False
    """Armv6-M: IT, CBZ and CBNZ do not exist, and no access may be unaligned."""
