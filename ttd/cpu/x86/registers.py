"""The registers of an x86-64 core as GDB knows them (GDB manual, "i386 Features")."""

from __future__ import annotations

from ttd.cpu.base import Flags, Register, Union, Vector
from ttd.cpu.constants import x86_const as x86

_CORE = "org.gnu.gdb.i386.core"
_SSE = "org.gnu.gdb.i386.sse"
_SEGMENTS = "org.gnu.gdb.i386.segments"

_GENERAL = (
    "rax",
    "rbx",
    "rcx",
    "rdx",
    "rsi",
    "rdi",
    "rbp",
    "rsp",
    *(f"r{n}" for n in range(8, 16)),
)
_SELECTORS = ("cs", "ss", "ds", "es", "fs", "gs")
_CONTROL = {
    "fctrl": "FPCW",
    "fstat": "FPSW",
    "ftag": "FPTAG",
    "fiseg": "FCS",
    "fioff": "FIP",
    "foseg": "FDS",
    "fooff": "FDP",
    "fop": "FOP",
}
"""Of the x87, in GDB's order, and what Unicorn calls them."""

_EFLAGS = Flags(
    "i386_eflags",
    4,
    (
        *(("CF", 0, 0), ("", 1, 1), ("PF", 2, 2), ("AF", 4, 4), ("ZF", 6, 6), ("SF", 7, 7)),
        *(("TF", 8, 8), ("IF", 9, 9), ("DF", 10, 10), ("OF", 11, 11), ("NT", 14, 14)),
        *(("RF", 16, 16), ("VM", 17, 17), ("AC", 18, 18), ("VIF", 19, 19), ("VIP", 20, 20)),
        ("ID", 21, 21),
    ),
)
_MXCSR = Flags(
    "i386_mxcsr",
    4,
    (
        *(("IE", 0, 0), ("DE", 1, 1), ("ZE", 2, 2), ("OE", 3, 3), ("UE", 4, 4), ("PE", 5, 5)),
        *(("DAZ", 6, 6), ("IM", 7, 7), ("DM", 8, 8), ("ZM", 9, 9), ("OM", 10, 10)),
        *(("UM", 11, 11), ("PM", 12, 12), ("FZ", 15, 15)),
    ),
)
_VECTOR = Union(
    "vec128",
    (
        ("v4_float", Vector("v4f", "ieee_single", 4)),
        ("v2_double", Vector("v2d", "ieee_double", 2)),
        ("v16_int8", Vector("v16i8", "int8", 16)),
        ("v8_int16", Vector("v8i16", "int16", 8)),
        ("v4_int32", Vector("v4i32", "int32", 4)),
        ("v2_int64", Vector("v2i64", "int64", 2)),
        ("uint128", "uint128"),
    ),
)
_TYPES = {"rbp": "data_ptr", "rsp": "data_ptr"}

REGISTERS = (
    *(Register(name, 64, n, _TYPES.get(name, "int64"), _CORE) for n, name in enumerate(_GENERAL)),
    Register("rip", 64, 16, "code_ptr", _CORE),
    Register("eflags", 32, 17, _EFLAGS, _CORE),
    *(
        Register(name, 32, 18 + n, "int32", _CORE, in_stop_reply=False)
        for n, name in enumerate(_SELECTORS)
    ),
    *(
        Register(f"st{n}", 80, 24 + n, "i387_ext", _CORE, "float", in_stop_reply=False)
        for n in range(8)
    ),
    *(
        Register(name, 32, 32 + n, "int", _CORE, "float", in_stop_reply=False)
        for n, name in enumerate(_CONTROL)
    ),
    *(
        Register(f"xmm{n}", 128, 40 + n, _VECTOR, _SSE, "vector", in_stop_reply=False)
        for n in range(16)
    ),
    Register("mxcsr", 32, 56, _MXCSR, _SSE, "vector", in_stop_reply=False),
    Register("fs_base", 64, 57, "int", _SEGMENTS, in_stop_reply=False),
    Register("gs_base", 64, 58, "int", _SEGMENTS, in_stop_reply=False),
)

UNICORN_IDS = {
    register.name: getattr(x86, f"UC_X86_REG_{_CONTROL.get(register.name, register.name.upper())}")
    for register in REGISTERS
}
