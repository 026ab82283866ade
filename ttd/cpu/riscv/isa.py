"""RISC-V as Unicorn has it: SiFive's U54 and U34, which are RV64GC and RV32GC with M, S and U.

Comparisons with QEMU use `-cpu sifive-u54` and `-cpu sifive-u34`.
"""

from __future__ import annotations

from ttd.cpu.constants import riscv_const as rv
from ttd.cpu.constants import unicorn_const as uc
from ttd.engine import Isa

X = tuple(getattr(rv, f"UC_RISCV_REG_X{n}") for n in range(32))
"""Unicorn's ids of x0..x31."""
F = tuple(getattr(rv, f"UC_RISCV_REG_F{n}") for n in range(32))
"""Unicorn's ids of f0..f31."""

_MACHINE = (
    rv.UC_RISCV_REG_MEDELEG,
    rv.UC_RISCV_REG_MIDELEG,
    rv.UC_RISCV_REG_MIE,
    rv.UC_RISCV_REG_MTVEC,
    rv.UC_RISCV_REG_MCOUNTEREN,
    rv.UC_RISCV_REG_MSCRATCH,
    rv.UC_RISCV_REG_MEPC,
    rv.UC_RISCV_REG_MCAUSE,
    rv.UC_RISCV_REG_MTVAL,
)
_SUPERVISOR = (
    rv.UC_RISCV_REG_STVEC,
    rv.UC_RISCV_REG_SCOUNTEREN,
    rv.UC_RISCV_REG_SSCRATCH,
    rv.UC_RISCV_REG_SEPC,
    rv.UC_RISCV_REG_SCAUSE,
    rv.UC_RISCV_REG_STVAL,
    rv.UC_RISCV_REG_SATP,
)

# A write of FCSR marks the floating-point state dirty, so MSTATUS comes after it. PRIV decides
# which CSRs can be written, and PC is where it all goes on.
_STATE = (
    *X[1:],
    *F,
    rv.UC_RISCV_REG_FCSR,
    *_MACHINE,
    *_SUPERVISOR,
    rv.UC_RISCV_REG_MSTATUS,
    rv.UC_RISCV_REG_PRIV,
    rv.UC_RISCV_REG_PC,
)


def _isa(name: str, mode: int, model: int, window_base: int) -> Isa:
    return Isa(
        name=name,
        instructions=name,
        uc_arch=uc.UC_ARCH_RISCV,
        uc_mode=mode,
        uc_model=model,
        page_size=4096,
        instructions_at=2,
        moves_addresses=True,
        window_base=window_base,
        pc=rv.UC_RISCV_REG_PC,
        state=_STATE,
    )


# The engine takes 256 MiB and a page of physical addresses that no board uses.
RV64 = _isa("rv64", uc.UC_MODE_RISCV64, rv.UC_CPU_RISCV64_SIFIVE_U54, 0x40_0000_0000)
RV32 = _isa("rv32", uc.UC_MODE_RISCV32, rv.UC_CPU_RISCV32_SIFIVE_U34, 0x6000_0000)
