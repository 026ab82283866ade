"""The registers of an AArch64 core as GDB knows them (GDB manual, "AArch64 Features")."""

from __future__ import annotations

from ttd.cpu.base import Flags, Register, Union, Vector
from ttd.cpu.constants import arm64_const as a64

from .isa import Q, X

_CORE = "org.gnu.gdb.aarch64.core"
_FPU = "org.gnu.gdb.aarch64.fpu"

_CPSR = Flags(
    "cpsr_flags",
    4,
    (
        *(("SP", 0, 0), ("EL", 2, 3), ("nRW", 4, 4)),
        *(("F", 6, 6), ("I", 7, 7), ("A", 8, 8), ("D", 9, 9)),
        *(("IL", 20, 20), ("SS", 21, 21)),
        *(("V", 28, 28), ("C", 29, 29), ("Z", 30, 30), ("N", 31, 31)),
    ),
)


def _lanes(name: str, bits: int, *elements: tuple[str, str]) -> Union:
    """All ways to see 128 bits as lanes of `bits`; `elements`: (letter, type) of each."""
    count = 128 // bits
    fields = tuple((letter, Vector(f"v{count}{letter}", kind, count)) for letter, kind in elements)
    return Union(name, fields)


_VECTOR = Union(
    "aarch64v",
    (
        ("d", _lanes("vnd", 64, ("f", "ieee_double"), ("u", "uint64"), ("s", "int64"))),
        ("s", _lanes("vns", 32, ("f", "ieee_single"), ("u", "uint32"), ("s", "int32"))),
        ("h", _lanes("vnh", 16, ("u", "uint16"), ("s", "int16"))),
        ("b", _lanes("vnb", 8, ("u", "uint8"), ("s", "int8"))),
        ("q", _lanes("vnq", 128, ("u", "uint128"), ("s", "int128"))),
    ),
)

REGISTERS = (
    *(Register(f"x{n}", 64, n, "int", _CORE) for n in range(31)),
    Register("sp", 64, 31, "data_ptr", _CORE),
    Register("pc", 64, 32, "code_ptr", _CORE),
    Register("cpsr", 32, 33, _CPSR, _CORE),
    *(
        Register(f"v{n}", 128, 34 + n, _VECTOR, _FPU, "vector", in_stop_reply=False)
        for n in range(32)
    ),
    Register("fpsr", 32, 66, "int", _FPU, "float", in_stop_reply=False),
    Register("fpcr", 32, 67, "int", _FPU, "float", in_stop_reply=False),
)

UNICORN_IDS = {
    **{f"x{n}": register for n, register in enumerate(X)},
    **{f"v{n}": register for n, register in enumerate(Q)},
    "sp": a64.UC_ARM64_REG_SP,
    "pc": a64.UC_ARM64_REG_PC,
    "cpsr": a64.UC_ARM64_REG_PSTATE,
    "fpsr": a64.UC_ARM64_REG_FPSR,
    "fpcr": a64.UC_ARM64_REG_FPCR,
}
