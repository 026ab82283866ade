"""What differs between the cores: Armv7-M (DDI0403E) and Armv6-M (DDI0419C)."""

from __future__ import annotations

from collections.abc import Mapping

from ttd.cpu.base import Register
from ttd.engine import Isa
from ttd.values import dataclass

from .isa import CORTEX_M0_ISA, CORTEX_M3_ISA
from .registers import BASELINE_REGISTERS, REGISTERS

CPUID = 0xD00
"""Offset in the System Control Space."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One core.

    `mainline` is what tells Armv7-M from Armv6-M. The latter has no BASEPRI and FAULTMASK, no
    unprivileged mode, no faults but HardFault and none of their status registers, no VTOR,
    priority groups, software trigger register or debug monitor; IT blocks, CBZ and most 32-bit
    instructions are undefined, and unaligned accesses always fault.
    """

    name: str
    triple: str
    """LLVM's name. LLDB 22 and 23 compare `armv7m-none-eabi` with another for ever when they have
    an ELF file, disassemble nothing for `thumbv7m`, and Arm code for an `arm` that is not `m`."""
    isa: Isa
    mainline: bool
    priority_bits: int
    """Unless the board says otherwise."""
    choice_of_bits: range
    mpu_regions: int
    trace_units: bool
    """DWT with its cycle counter, ITM, FPB, TPIU."""
    registers: tuple[Register, ...]
    identification: Mapping[int, int]
    """Constant words of the System Control Space, by offset."""


CORTEX_M3 = Profile(
    name="cortex-m3",
    triple="thumbv7-none-eabi",
    isa=CORTEX_M3_ISA,
    mainline=True,
    priority_bits=8,
    choice_of_bits=range(3, 9),  # its TRM, section 6.1
    mpu_regions=8,
    trace_units=True,
    registers=REGISTERS,
    identification={
        CPUID: 0x412FC231,  # Cortex-M3 r2p1
        # CPUID scheme of the Cortex-M3 (its TRM, table 4-1): PFR0 .. ISAR4
        0xD40: 0x00000030,
        0xD44: 0x00000200,
        0xD48: 0x00100000,
        0xD50: 0x00000030,
        0xD58: 0x01000000,
        0xD60: 0x01101110,
        0xD64: 0x02111000,
        0xD68: 0x21112231,
        0xD6C: 0x01111110,
        0xD70: 0x01310132,
        # CoreSight identification
        0xFD0: 0x04,
        0xFE4: 0xB0,
        0xFE8: 0x0B,
        0xFF0: 0x0D,
        0xFF4: 0xE0,
        0xFF8: 0x05,
        0xFFC: 0xB1,
    },
)

CORTEX_M0 = Profile(
    name="cortex-m0",
    triple="armv6m-none-eabi",
    isa=CORTEX_M0_ISA,
    mainline=False,
    priority_bits=2,
    choice_of_bits=range(0),
    mpu_regions=0,
    trace_units=False,
    registers=BASELINE_REGISTERS,
    identification={CPUID: 0x410CC200},  # Cortex-M0 r0p0
)
