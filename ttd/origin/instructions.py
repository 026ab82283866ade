"""What an instruction does with registers and memory, as far as data is followed through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cache

import capstone  # type: ignore[import-untyped]

from ttd.origin.bits import Made, Value
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; registers have GDB's names."""

    size: int
    """In bytes."""
    text: str
    """Disassembled."""
    sets: frozenset[str] = frozenset()
    """Registers that it writes."""
    reads: tuple[str, ...] = ()
    """Registers that what it writes is made of."""
    made: Mapping[str, Made] = field(default_factory=dict)
    """Of results, of which bits of what; `MEMORY` is what goes to memory. All bits of others may
    depend on all bits of `reads`."""
    address: Callable[[Value], int] | None = None
    """Where it accesses memory."""
    bases: tuple[str, ...] = ()
    """Registers that the address is made of."""
    loads: Mapping[str, int] = field(default_factory=dict)
    """Of registers that come from memory: how far from the address."""
    stores: tuple[tuple[int, int, str], ...] = ()
    """(how far from the address, bytes, register) of what goes to memory; no register: it is
    computed, of `reads`."""
    width: int = 0
    """Bytes of each register that is loaded."""
    signed: bool = False
    """Above what is loaded comes its sign, and not zeros."""
    target: str = ""
    """The register that has the address it jumps to."""
    divisor: str = ""
    operand: bool = False
    """What is at the address is an operand, beside `reads`, of what it writes but for `loads`."""
    copies: Callable[[Value], int] | None = None
    """From where in memory it takes what it stores at `address`."""
    system: str = ""
    """What else the result is made of: a register of the system, which has no history here."""
    leaves: bool = False
    """It may return from an exception."""

    def stored_at(self, at: int, address: int) -> str | None:
        """Which register goes to `at`, where it accesses memory from `address` on."""
        for offset, size, register in self.stores:
            if 0 <= at - address - offset < size:
                return register
        return None


HOST_CALL = "a call of the host"
"""`Instruction.system` of what semihosting answers."""
STORED = "whether the reservation held"
"""The same of what a conditional store says about itself."""


@cache
def disassembler(architecture: str) -> capstone.Cs:
    """For GDB's name of an architecture."""
    arm, riscv = capstone.CS_ARCH_ARM, capstone.CS_ARCH_RISCV
    kind, mode = {
        "arm": (arm, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS),
        "riscv:rv32": (riscv, capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC),
        "riscv:rv64": (riscv, capstone.CS_MODE_RISCV64 | capstone.CS_MODE_RISCVC),
        "aarch64": (capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM),
        "i386:x86-64": (capstone.CS_ARCH_X86, capstone.CS_MODE_64),
    }[architecture]
    found = capstone.Cs(kind, mode)
    found.detail = True
    return found


def decode(architecture: str, code: bytes, pc: int) -> Instruction | None:
    """The instruction `code`, which may be longer than it, at `pc`; None if it is none."""
    if architecture == "arm" and code[1:2] == b"\xbf" and code[0] & 0xF:
        # To capstone what comes next is in its IT block, whatever that is.
        return Instruction(2, f"it ({code[0]:#04x})")
    found = next(disassembler(architecture).disasm(code, pc, 1), None)
    if found is None:
        return None
    from ttd.origin import a64, riscv, thumb, x86  # noqa: PLC0415 -- in our words

    if architecture == "arm":
        return thumb.instruction(found)
    if architecture.startswith("riscv"):
        return riscv.instruction(found, 32 if architecture.endswith("32") else 64)
    if architecture == "aarch64":
        return a64.instruction(found)
    return x86.instruction(found)
