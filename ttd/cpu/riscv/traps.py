"""Taking a trap (privileged architecture 1.11, chapters "Machine-Level" and "Supervisor-Level
ISA", sections about xstatus, xtvec, xepc, xcause, xtval and delegation)."""

from __future__ import annotations

from unicorn import riscv_const as rv

from . import bits
from .access import RiscvCore

INTERRUPT = 64
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

_READ = (
    rv.UC_RISCV_REG_PRIV,
    rv.UC_RISCV_REG_PC,
    rv.UC_RISCV_REG_MSTATUS,
    rv.UC_RISCV_REG_MEDELEG,
    rv.UC_RISCV_REG_MIDELEG,
    rv.UC_RISCV_REG_MTVEC,
    rv.UC_RISCV_REG_STVEC,
)
_TO_MACHINE = (
    rv.UC_RISCV_REG_MSTATUS,
    rv.UC_RISCV_REG_MEPC,
    rv.UC_RISCV_REG_MCAUSE,
    rv.UC_RISCV_REG_MTVAL,
    rv.UC_RISCV_REG_PRIV,
    rv.UC_RISCV_REG_PC,
)
_TO_SUPERVISOR = (
    rv.UC_RISCV_REG_MSTATUS,
    rv.UC_RISCV_REG_SEPC,
    rv.UC_RISCV_REG_SCAUSE,
    rv.UC_RISCV_REG_STVAL,
    rv.UC_RISCV_REG_PRIV,
    rv.UC_RISCV_REG_PC,
)


def name(number: int) -> str:
    """A trap in words (table "Machine cause register values after trap")."""
    return _NAMES.get(number, "an exception of no known cause")


def take(engine: RiscvCore, xlen: int, number: int, tval: int) -> None:
    """Enter the handler of trap `number`, in the mode that the delegation registers say.

    The instruction at PC has not been done. A handler that cannot be fetched is no concern here:
    its first instruction raises an exception, and so on for ever, as in hardware. Every round is
    a step, so a debugger can still stop the machine.
    """
    privilege, pc, mstatus, medeleg, mideleg, mtvec, stvec = engine.regs_read(_READ)
    interrupt = bool(number & INTERRUPT)
    code = number & ~INTERRUPT
    delegated = mideleg if interrupt else medeleg
    cause = code | (1 << xlen - 1 if interrupt else 0)
    if privilege < bits.MACHINE and delegated >> code & 1:
        ids, tvec, mode = _TO_SUPERVISOR, stvec, bits.SUPERVISOR
        cleared = mstatus & ~(bits.SIE | bits.SPIE | bits.SPP)
        mstatus = (
            cleared
            | (bits.SPIE if mstatus & bits.SIE else 0)
            | (bits.SPP if privilege == bits.SUPERVISOR else 0)
        )
    else:
        ids, tvec, mode = _TO_MACHINE, mtvec, bits.MACHINE
        cleared = mstatus & ~(bits.MIE | bits.MPIE | bits.MPP)
        mstatus = cleared | (bits.MPIE if mstatus & bits.MIE else 0) | privilege << bits.MPP_SHIFT
    handler = tvec & ~3
    if interrupt and tvec & 3 == 1:
        handler = (handler + 4 * code) & (1 << xlen) - 1
    engine.regs_write(ids, (mstatus, pc, cause, tval, mode, handler))
