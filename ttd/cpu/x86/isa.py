"""x86-64 as Unicorn has it: a Westmere (SSE4.2, AES, no AVX), in 64-bit mode and ring 0.

It is the newest of Unicorn's models that has no RDRAND, which would give numbers of the host, and
no XSAVE, whose XCR0 Unicorn does not show. Model-specific registers are those of the "Intel 64 and
IA-32 Architectures Software Developer's Manual", volume 4.
"""

from __future__ import annotations

from enum import IntEnum

from ttd.cpu.constants import unicorn_const as uc
from ttd.cpu.constants import x86_const as x86
from ttd.engine.isa import OWN_IDS, Isa

_TABLE = 1 << 17


class Field(IntEnum):
    """A field of a table register (GDTR, IDTR, LDTR, TR); shared with `system.c`."""

    SELECTOR = 0
    BASE = 1
    LIMIT = 2
    FLAGS = 3


def model_specific(number: int) -> int:
    """The id of a model-specific register: below 0x10000, or from 0xC0000000 on."""
    return OWN_IDS | (number >> 31) << 16 | number & 0xFFFF


def table_field(register: int, field: Field) -> int:
    """The id of a field of the table register to which Unicorn gives this id."""
    return OWN_IDS | _TABLE | register << 2 | field


def _ids(names: str) -> tuple[int, ...]:
    return tuple(getattr(x86, f"UC_X86_REG_{name}") for name in names.split())


EFER = model_specific(0xC0000080)

_TABLES = (
    *(table_field(x86.UC_X86_REG_GDTR, field) for field in (Field.BASE, Field.LIMIT)),
    *(table_field(x86.UC_X86_REG_IDTR, field) for field in (Field.BASE, Field.LIMIT)),
    *(table_field(x86.UC_X86_REG_LDTR, field) for field in Field),
    *(table_field(x86.UC_X86_REG_TR, field) for field in Field),
)
_MODEL_SPECIFIC = (
    *range(0x174, 0x177),  # IA32_SYSENTER_CS, _ESP, _EIP
    0x17A,  # IA32_MCG_STATUS
    0x1A0,  # IA32_MISC_ENABLE
    *range(0x200, 0x210),  # IA32_MTRR_PHYSBASEn, _PHYSMASKn
    *(0x250, 0x258, 0x259, *range(0x268, 0x270)),  # IA32_MTRR_FIX...
    0x277,  # IA32_PAT
    0x2FF,  # IA32_MTRR_DEF_TYPE
    *range(0xC0000081, 0xC0000085),  # IA32_STAR, _LSTAR, _CSTAR, _FMASK
    0xC0000102,  # IA32_KERNEL_GS_BASE
    0xC0000103,  # IA32_TSC_AUX
)

# The bases of FS and GS come after their selectors. Paging can only be on if CR4 and EFER say that
# this is 64-bit mode.
X86_64 = Isa(
    name="x86-64",
    instructions="x86-64",
    disassembler="capstone",
    uc_arch=uc.UC_ARCH_X86,
    uc_mode=uc.UC_MODE_64,
    uc_model=x86.UC_CPU_X86_WESTMERE,
    page_size=4096,
    window_base=0x40_0000_0000,
    pc=x86.UC_X86_REG_RIP,
    state=(
        x86.UC_X86_REG_CR4,
        EFER,
        *_ids("CR0 CR2 CR3 CR8 DR0 DR1 DR2 DR3 DR6 DR7"),
        *_ids("CS SS DS ES FS GS FS_BASE GS_BASE"),
        *_TABLES,
        *map(model_specific, _MODEL_SPECIFIC),
        *_ids("RAX RBX RCX RDX RSI RDI RBP RSP R8 R9 R10 R11 R12 R13 R14 R15"),
        *_ids("FPCW FPSW FPTAG FCS FIP FDS FDP FOP MXCSR"),
        *_ids("RFLAGS RIP"),
    ),
    wide=_ids(" ".join([*(f"FP{n}" for n in range(8)), *(f"XMM{n}" for n in range(16))])),
)
