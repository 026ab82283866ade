"""The registers of an M-profile core as GDB knows them."""

from __future__ import annotations

from ttd.cpu.base import Register
from ttd.cpu.constants import arm_const as arm
from ttd.engine.isa import OWN_IDS

_PROFILE = "org.gnu.gdb.arm.m-profile"
_SYSTEM = "org.gnu.gdb.arm.m-system"

REGISTERS = (
    *(Register(f"r{n}", 32, n, "uint32", _PROFILE) for n in range(13)),
    Register("sp", 32, 13, "data_ptr", _PROFILE),
    Register("lr", 32, 14, "uint32", _PROFILE),
    Register("pc", 32, 15, "code_ptr", _PROFILE),
    Register("xpsr", 32, 25, "uint32", _PROFILE),
    Register("msp", 32, 26, "data_ptr", _SYSTEM, "system"),
    Register("psp", 32, 27, "data_ptr", _SYSTEM, "system"),
    Register("primask", 32, 28, "uint32", _SYSTEM, "system"),
    Register("basepri", 32, 29, "uint32", _SYSTEM, "system"),
    Register("faultmask", 32, 30, "uint32", _SYSTEM, "system"),
    Register("control", 32, 31, "uint32", _SYSTEM, "system"),
)

BASELINE_REGISTERS = tuple(r for r in REGISTERS if r.name not in ("basepri", "faultmask"))
"""Those of Armv6-M."""

UNICORN_IDS = {
    **{f"r{n}": getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)},
    "sp": arm.UC_ARM_REG_SP,
    "lr": arm.UC_ARM_REG_LR,
    "pc": arm.UC_ARM_REG_PC,
    "xpsr": arm.UC_ARM_REG_XPSR,
    "msp": arm.UC_ARM_REG_MSP,
    "psp": arm.UC_ARM_REG_PSP,
    "primask": arm.UC_ARM_REG_PRIMASK,
    "basepri": arm.UC_ARM_REG_BASEPRI,
    "faultmask": arm.UC_ARM_REG_FAULTMASK,
    "control": arm.UC_ARM_REG_CONTROL,
}

_IT_STATE = 0x0600FC00
"""ITSTATE in EPSR (DDI0403E B1.4.2)."""


def compared(name: str) -> tuple[int, int] | None:
    """The engine's number for comparing, and which bits. Not PC: of an instruction that an IT block
    passes over nobody hears."""
    if name == "pc":
        return None
    register, mask = UNICORN_IDS[name], 0xFFFFFFFF
    if name == "xpsr":
        mask &= ~_IT_STATE
    # Unprivileged code does not see these: the instruction set reads them.
    hidden = name in ("msp", "psp", "primask", "basepri", "faultmask", "control")
    return register | OWN_IDS if hidden else register, mask


GENERAL_IDS = tuple(getattr(arm, f"UC_ARM_REG_R{n}") for n in range(15))
"""Unicorn's ids of r0..r14."""
