"""Numbers of the RISC-V privileged architecture (manual volume II, version 1.11)."""

from __future__ import annotations

from enum import IntEnum

USER, SUPERVISOR, MACHINE = 0, 1, 3


class Cause(IntEnum):
    """Exception codes of mcause with the interrupt bit clear (chapter "Machine-Level ISA",
    section "Machine Cause Register")."""

    FETCH_MISALIGNED = 0
    FETCH_ACCESS = 1
    ILLEGAL = 2
    BREAKPOINT = 3
    LOAD_MISALIGNED = 4
    LOAD_ACCESS = 5
    STORE_MISALIGNED = 6
    STORE_ACCESS = 7
    USER_ECALL = 8
    FETCH_PAGE = 12
    LOAD_PAGE = 13
    STORE_PAGE = 15


SSI, MSI, STI, MTI, SEI, MEI = 1, 3, 5, 7, 9, 11
"""Interrupt codes; also bit numbers in mip, mie and mideleg."""
PRIORITY = (MEI, MSI, MTI, SEI, SSI, STI)
"""From the most urgent on (section "Machine Interrupt Registers")."""
SOFTWARE = 1 << SSI | 1 << STI | 1 << SEI
"""The bits of mip that machine-mode software can write."""

# mstatus
SIE, MIE, SPIE, MPIE, SPP = 1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 8
FS, MPRV, SUM, MXR, TVM = 3 << 13, 1 << 17, 1 << 18, 1 << 19, 1 << 20
TW, TSR = 1 << 21, 1 << 22
MPP_SHIFT = 11
MPP = 3 << MPP_SHIFT
