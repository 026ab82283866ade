"""The registers of a RISC-V core as GDB knows them.

Regnums are those of GDB: x0 to x31, pc, f0 to f31, then 65 + n for CSR n, and the privilege mode,
a "virtual debug register" of the RISC-V Debug Specification, after the CSRs.
"""

from __future__ import annotations

import re

from ttd.cpu.base import Register
from ttd.cpu.constants import riscv_const as rv
from ttd.engine.isa import OWN_IDS

from .isa import F, X

_CPU = "org.gnu.gdb.riscv.cpu"
_FPU = "org.gnu.gdb.riscv.fpu"
_CSR = "org.gnu.gdb.riscv.csr"
_VIRTUAL = "org.gnu.gdb.riscv.virtual"

_X_NAMES = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1"),
    *(f"a{n}" for n in range(8)),
    *(f"s{n}" for n in range(2, 12)),
    *(f"t{n}" for n in range(3, 7)),
)
_F_NAMES = (
    *(f"ft{n}" for n in range(8)),
    *("fs0", "fs1"),
    *(f"fa{n}" for n in range(8)),
    *(f"fs{n}" for n in range(2, 12)),
    *(f"ft{n}" for n in range(8, 12)),
)
_X_TYPES = {"ra": "code_ptr", "sp": "data_ptr", "gp": "data_ptr", "tp": "data_ptr"}

_FLOATING = {"fflags": 0x001, "frm": 0x002, "fcsr": 0x003}
"""They are there only while mstatus.FS is not Off."""
_CSRS = {
    "sstatus": 0x100,
    "sie": 0x104,
    "stvec": 0x105,
    "scounteren": 0x106,
    "sscratch": 0x140,
    "sepc": 0x141,
    "scause": 0x142,
    "stval": 0x143,
    "sip": 0x144,
    "satp": 0x180,
    "mstatus": 0x300,
    "misa": 0x301,
    "medeleg": 0x302,
    "mideleg": 0x303,
    "mie": 0x304,
    "mtvec": 0x305,
    "mcounteren": 0x306,
    "mscratch": 0x340,
    "mepc": 0x341,
    "mcause": 0x342,
    "mtval": 0x343,
    "mip": 0x344,
    **{f"pmpaddr{n}": 0x3B0 + n for n in range(16)},
    "mcycle": 0xB00,
    "minstret": 0xB02,
    "cycle": 0xC00,
    "time": 0xC01,
    "instret": 0xC02,
    "mvendorid": 0xF11,
    "marchid": 0xF12,
    "mimpid": 0xF13,
    "mhartid": 0xF14,
}
_CSRS_64 = {"pmpcfg0": 0x3A0, "pmpcfg2": 0x3A2}
_CSRS_32 = {
    **{f"pmpcfg{n}": 0x3A0 + n for n in range(4)},
    "mcycleh": 0xB80,
    "minstreth": 0xB82,
    "cycleh": 0xC80,
    "timeh": 0xC81,
    "instreth": 0xC82,
}
_FIRST_CSR = 65
_PRIVILEGE = _FIRST_CSR + 0x1000

CSR_NUMBERS = {**_FLOATING, **_CSRS, **_CSRS_32}


def registers(xlen: int) -> tuple[Register, ...]:
    """All registers of a core of 32 or 64 bits, in regnum order."""
    csrs = _CSRS | (_CSRS_32 if xlen == 32 else _CSRS_64)
    return (
        *(
            Register(name, xlen, n, _X_TYPES.get(name, "int"), _CPU)
            for n, name in enumerate(_X_NAMES)
        ),
        Register("pc", xlen, 32, "code_ptr", _CPU),
        *(
            Register(name, 64, 33 + n, "ieee_double", _FPU, "float", in_stop_reply=False)
            for n, name in enumerate(_F_NAMES)
        ),
        *(
            Register(name, xlen, _FIRST_CSR + n, "int", _FPU, "float", in_stop_reply=False)
            for name, n in _FLOATING.items()
        ),
        *(
            Register(name, xlen, _FIRST_CSR + n, "int", _CSR, "csr", in_stop_reply=False)
            for name, n in sorted(csrs.items(), key=lambda item: item[1])
        ),
        Register("priv", xlen, _PRIVILEGE, "int", _VIRTUAL, "system", in_stop_reply=False),
    )


UNICORN_IDS = {
    **dict(zip(_X_NAMES, X, strict=True)),
    **dict(zip(_F_NAMES, F, strict=True)),
    **{
        name: getattr(rv, f"UC_RISCV_REG_{name.upper()}")
        for name in CSR_NUMBERS
        if not name.startswith("pmp")
    },
    "pc": rv.UC_RISCV_REG_PC,
    "priv": rv.UC_RISCV_REG_PRIV,
}
"""Unicorn has no names for the registers of physical memory protection."""

_BY_THEMSELVES = re.compile(r"m?(cycle|instret|time)h?|[ms]ip")
"""CSRs that change without an instruction: counters, and lines."""


def compared(name: str) -> tuple[int, int] | None:
    """The engine's number for comparing (`riscv_own_read`), and which bits."""
    if _BY_THEMSELVES.fullmatch(name) or name in _FLOATING:
        return None
    csr, number = CSR_NUMBERS.get(name), UNICORN_IDS.get(name, 0)
    if name == "priv":
        csr = _PRIVILEGE - _FIRST_CSR
    return number if csr is None else OWN_IDS | number << 13 | csr, (1 << 64) - 1
