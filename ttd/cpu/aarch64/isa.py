"""AArch64 as Unicorn has it: a Cortex-A72 (Armv8.0 with CRC and cryptography), at EL1 or EL0.

System registers are named by the fields with which MRS encodes them (DDI0487, chapter "AArch64
System Register Descriptions").
"""

from __future__ import annotations

from ttd.cpu.constants import arm64_const as a64
from ttd.cpu.constants import unicorn_const as uc
from ttd.engine.isa import OWN_IDS, Isa


def system(op0: int, op1: int, crn: int, crm: int, op2: int) -> int:
    """The id of a system register; shared with `timers.c`."""
    return OWN_IDS | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


X = tuple(getattr(a64, f"UC_ARM64_REG_X{n}") for n in range(31))
"""Unicorn's ids of x0..x30."""
Q = tuple(getattr(a64, f"UC_ARM64_REG_Q{n}") for n in range(32))
"""Unicorn's ids of q0..q31, which GDB calls v0..v31."""

SP_EL0, SP_EL1 = system(3, 0, 4, 1, 0), system(3, 4, 4, 1, 0)
CPACR_EL1 = system(3, 0, 1, 0, 2)

_SYSTEM = (
    system(3, 0, 1, 0, 0),  # SCTLR_EL1
    CPACR_EL1,
    system(3, 0, 2, 0, 0),  # TTBR0_EL1
    system(3, 0, 2, 0, 1),  # TTBR1_EL1
    system(3, 0, 2, 0, 2),  # TCR_EL1
    system(3, 0, 4, 0, 0),  # SPSR_EL1
    system(3, 0, 4, 0, 1),  # ELR_EL1
    system(3, 0, 5, 2, 0),  # ESR_EL1
    system(3, 0, 6, 0, 0),  # FAR_EL1
    system(3, 0, 7, 4, 0),  # PAR_EL1
    system(3, 0, 10, 2, 0),  # MAIR_EL1
    system(3, 0, 12, 0, 0),  # VBAR_EL1
    system(3, 0, 13, 0, 1),  # CONTEXTIDR_EL1
    system(3, 0, 13, 0, 4),  # TPIDR_EL1
    system(3, 3, 13, 0, 2),  # TPIDR_EL0
    system(3, 3, 13, 0, 3),  # TPIDRRO_EL0
    system(3, 2, 0, 0, 0),  # CSSELR_EL1
    system(3, 0, 14, 1, 0),  # CNTKCTL_EL1
    system(3, 3, 14, 2, 1),  # CNTP_CTL_EL0
    system(3, 3, 14, 2, 2),  # CNTP_CVAL_EL0
    system(3, 3, 14, 3, 1),  # CNTV_CTL_EL0
    system(3, 3, 14, 3, 2),  # CNTV_CVAL_EL0
    system(3, 3, 9, 12, 0),  # PMCR_EL0
    system(3, 3, 9, 12, 1),  # PMCNTENSET_EL0
    system(3, 3, 9, 12, 5),  # PMSELR_EL0
    system(3, 3, 9, 14, 0),  # PMUSERENR_EL0
    system(3, 0, 9, 14, 1),  # PMINTENSET_EL1
    *(system(3, 3, 14, 12, n) for n in range(4)),  # PMEVTYPERn_EL0
    system(3, 3, 14, 15, 7),  # PMCCFILTR_EL0
    system(2, 0, 0, 2, 0),  # MDCCINT_EL1
    system(2, 0, 0, 2, 2),  # MDSCR_EL1
    system(2, 0, 1, 1, 4),  # OSLSR_EL1
    system(2, 0, 1, 3, 4),  # OSDLR_EL1
    *(system(2, 0, 0, n, 4) for n in range(6)),  # DBGBVRn_EL1
    *(system(2, 0, 0, n, 5) for n in range(6)),  # DBGBCRn_EL1
    *(system(2, 0, 0, n, 6) for n in range(4)),  # DBGWVRn_EL1
    *(system(2, 0, 0, n, 7) for n in range(4)),  # DBGWCRn_EL1
)

# PSTATE says which stack pointer SP is, so the banked ones come before it. Unicorn acts on a new
# exception level when a system register is written.
AARCH64 = Isa(
    name="aarch64",
    instructions="aarch64",
    instructions_at=4,
    uc_arch=uc.UC_ARCH_ARM64,
    uc_mode=uc.UC_MODE_ARM,
    uc_model=a64.UC_CPU_ARM64_A72,
    page_size=4096,
    window_base=0x40_0000_0000,
    pc=a64.UC_ARM64_REG_PC,
    state=(
        *X,
        SP_EL0,
        SP_EL1,
        a64.UC_ARM64_REG_PSTATE,
        *_SYSTEM,
        a64.UC_ARM64_REG_SP,
        a64.UC_ARM64_REG_FPCR,
        a64.UC_ARM64_REG_FPSR,
        a64.UC_ARM64_REG_PC,
    ),
    wide=Q,
)
