"""Names for parts of a processor's registers."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.cpu.base import Cpu, Flags, Register

Field = tuple[str, int, int]
"""Name, first bit, last bit."""

_ARM: dict[str, Sequence[Field]] = {
    # DDI0403E B1.4.2, B1.4.4
    "xpsr": (
        *(("N", 31, 31), ("Z", 30, 30), ("C", 29, 29), ("V", 28, 28), ("Q", 27, 27)),
        *(("T", 24, 24), ("IPSR", 0, 8)),
    ),
    "control": (("nPRIV", 0, 0), ("SPSEL", 1, 1)),
}
_RISCV: dict[str, Sequence[Field]] = {
    # Privileged specification, 3.1.6, 3.1.15
    "mstatus": (
        *(("SIE", 1, 1), ("MIE", 3, 3), ("SPIE", 5, 5), ("MPIE", 7, 7), ("SPP", 8, 8)),
        *(("MPP", 11, 12), ("FS", 13, 14), ("MPRV", 17, 17), ("SUM", 18, 18), ("MXR", 19, 19)),
    ),
    "sstatus": (("SIE", 1, 1), ("SPIE", 5, 5), ("SPP", 8, 8), ("FS", 13, 14), ("SUM", 18, 18)),
}


def fields_of(cpu: Cpu, register: Register) -> Sequence[Field]:
    """The fields of a register, as far as they have names."""
    if isinstance(register.type, Flags):
        return register.type.fields
    if cpu.gdb_architecture == "arm":
        return _ARM.get(register.name, ())
    if cpu.gdb_architecture.startswith("riscv"):
        return _RISCV.get(register.name, ())
    return ()
