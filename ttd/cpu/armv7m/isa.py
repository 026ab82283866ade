"""Cortex-M cores as Unicorn has them."""

from __future__ import annotations

from dataclasses import replace

from ttd.cpu.constants import arm_const as arm
from ttd.cpu.constants import unicorn_const as uc
from ttd.engine.isa import Isa

# CONTROL first, while the CPU is privileged and in thread mode; XPSR then selects the stack.
_ARMV6M_STATE = (
    arm.UC_ARM_REG_CONTROL,
    arm.UC_ARM_REG_XPSR,
    arm.UC_ARM_REG_MSP,
    arm.UC_ARM_REG_PSP,
    *(getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)),
    arm.UC_ARM_REG_LR,
    arm.UC_ARM_REG_PC,
    arm.UC_ARM_REG_PRIMASK,
)
_ARMV7M_STATE = (*_ARMV6M_STATE, arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_FAULTMASK)

# UC_MODE_MCLASS always gives a Cortex-M33: Thumb mode plus the model is what works.
CORTEX_M3_ISA = Isa(
    name="cortex-m3",
    instructions="armv7-m",
    uc_arch=uc.UC_ARCH_ARM,
    uc_mode=uc.UC_MODE_THUMB,
    uc_model=arm.UC_CPU_ARM_CORTEX_M3,
    page_size=1024,
    window_base=0xF0000000,
    pc=arm.UC_ARM_REG_PC,
    state=_ARMV7M_STATE,
)
CORTEX_M0_ISA = replace(
    CORTEX_M3_ISA,
    name="cortex-m0",
    instructions="armv6-m",
    uc_model=arm.UC_CPU_ARM_CORTEX_M0,
    window_base=0xC0000000,  # the nRF51 has a ROM table at 0xF0000000
    state=_ARMV6M_STATE,
)
