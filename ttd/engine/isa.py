"""What the engine has to know of an instruction set: Unicorn's names, and the state to keep."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

_SYSTEM = 1 << 24
_TABLE = 1 << 17


class Field(IntEnum):
    """A field of a table register of x86 (GDTR, IDTR, LDTR, TR); shared with `flat.c`."""

    SELECTOR = 0
    BASE = 1
    LIMIT = 2
    FLAGS = 3


def system_register(op0: int, op1: int, crn: int, crm: int, op2: int) -> int:
    """The id of a system register of AArch64, beside Unicorn's."""
    return _SYSTEM | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def model_specific(number: int) -> int:
    """The id of a model-specific register of x86: below 0x10000, or from 0xC0000000 on."""
    return _SYSTEM | (number >> 31) << 16 | number & 0xFFFF


def table_field(register: int, field: Field) -> int:
    """The id of a field of the table register to which Unicorn gives this id."""
    return _SYSTEM | _TABLE | register << 2 | field


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
