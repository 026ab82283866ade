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
