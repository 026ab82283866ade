"""Numbers and names of traps; they are taken in `native/traps.c`."""

from __future__ import annotations

from ttd.engine._native import lib

from . import bits

INTERRUPT: int = lib.RISCV_INTERRUPT
"""Numbers of traps in the machine and in recordings: an exception's is its code, an interrupt's
its code plus this."""

CALLS = tuple(bits.Cause.USER_ECALL + mode for mode in (bits.USER, bits.SUPERVISOR, bits.MACHINE))
"""ECALL of each mode."""
_NAMES = {
    bits.Cause.FETCH_MISALIGNED: "misaligned instruction address",
    bits.Cause.FETCH_ACCESS: "instruction access fault",
    bits.Cause.ILLEGAL: "illegal instruction",
    bits.Cause.BREAKPOINT: "breakpoint",
    bits.Cause.LOAD_MISALIGNED: "misaligned load",
    bits.Cause.LOAD_ACCESS: "load access fault",
    bits.Cause.STORE_MISALIGNED: "misaligned store",
    bits.Cause.STORE_ACCESS: "store access fault",
    **dict.fromkeys(CALLS, "environment call"),
    bits.Cause.FETCH_PAGE: "instruction page fault",
    bits.Cause.LOAD_PAGE: "load page fault",
    bits.Cause.STORE_PAGE: "store page fault",
    INTERRUPT | bits.SSI: "supervisor software interrupt",
    INTERRUPT | bits.MSI: "machine software interrupt",
    INTERRUPT | bits.STI: "supervisor timer interrupt",
    INTERRUPT | bits.MTI: "machine timer interrupt",
    INTERRUPT | bits.SEI: "supervisor external interrupt",
    INTERRUPT | bits.MEI: "machine external interrupt",
}


def name(number: int) -> str:
    """A trap in words (table "Machine cause register values after trap")."""
    return _NAMES.get(number, "an exception of no known cause")
