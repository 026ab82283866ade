"""Special registers of Cortex-M: bits that there are not, and writes that do nothing."""

from __future__ import annotations

import struct

import pytest
from unicorn import arm_const as arm

from tests.unit.armv7m_doubles import HandClock
from tests.unit.native_doors import set_priority_mask, watch_masks
from ttd.cpu.armv7m import CORTEX_M0, CORTEX_M3, CortexM
from ttd.cpu.armv7m.profile import Profile
from ttd.cpu.models import CPUS
from ttd.engine import Engine, StopReason

RAM = 0x20000000
BASEPRI, FAULTMASK, XPSR = arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_FAULTMASK, arm.UC_ARM_REG_XPSR
MSR_BASEPRI, MSR_BASEPRI_MAX, MSR_FAULTMASK = 0x8811, 0x8812, 0x8813
THUMB = 1 << 24


def machine(*code: int, model: str = "cortex-m3", mask: int = 0xFF) -> Engine:
    """Halfwords at RAM, and PC there."""
    engine = Engine(CPUS[model].isa)
    engine.map_ram(RAM, 0x2000)
    engine.start()
    set_priority_mask(engine, mask)
    engine.write(RAM, struct.pack(f"<{len(code)}H", *code))
    engine.regs_write((XPSR, arm.UC_ARM_REG_PC), (THUMB, RAM))
    return engine


def msr(register: int, number: int) -> tuple[int, int]:
    return 0xF380 | register, number


@pytest.mark.parametrize("whole", [True, False], ids=["at once", "step by step"])
@pytest.mark.parametrize(
    ("mask", "values", "basepri"),
    [
        (0xFF, (0x7F, 0x41), (0x7F, 0x41)),
        (0xE0, (0x7F, 0x41), (0x60, 0x40)),
        (0xE0, (0x1F, 0x5F), (0x00, 0x40)),
        (0xE0, (0x40, 0x1F), (0x40, 0x40)),  # BASEPRI_MAX of a priority that is 0
        (0xE0, (0x40, 0x5F), (0x40, 0x40)),
        (0xC0, (0xFF, 0x80), (0xC0, 0x80)),
    ],
)
def test_basepri_has_the_bits_of_a_priority(
    mask: int, values: tuple[int, int], basepri: tuple[int, int], whole: bool
) -> None:
    code = (*msr(0, MSR_BASEPRI), 0xF3EF, 0x8211, *msr(1, MSR_BASEPRI_MAX), 0xF3EF, 0x8311)
    engine = machine(*code, mask=mask)
    engine.regs_write((arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1), values)
    for _ in range(1 if whole else 4):
        engine.run(4 if whole else 1)
    assert engine.step == 4
    read = engine.regs_read((arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3, BASEPRI))
    assert tuple(read) == (*basepri, basepri[1])


@pytest.mark.parametrize("how", [msr(0, MSR_FAULTMASK), (0xB671, 0xBF00)], ids=["msr", "cpsid f"])
@pytest.mark.parametrize(("ipsr", "set_"), [(0, 1), (2, 0), (3, 0), (4, 1), (16, 1)])
def test_faultmask_is_not_set_from_priority_minus_1_on(
    how: tuple[int, int], ipsr: int, set_: int
) -> None:
    engine = machine(*how, 0xBF00)
    engine.regs_write((XPSR, arm.UC_ARM_REG_R0), (THUMB | ipsr, 1))
    engine.run(2)
    assert engine.reg_read(FAULTMASK) == set_


@pytest.mark.parametrize("setting", [0xB662, 0xB661], ids=["i", "f"])
def test_masks_are_seen_as_soon_as_they_change(setting: int) -> None:
    """After CPS, MSR, and an MSR in an IT block, and not before."""
    programs = [
        (0x3001, 0x3001, setting | 0x10, 0x3001, 0x3001),
        (0x3001, 0x3001, 0xF381, 0x8810, 0x3001, 0x3001),
        (0x2800, 0xBF18, 0xF381, 0x8810, 0x3001, 0x3001),
    ]
    for code in programs:
        engine = machine(*code)
        engine.regs_write((arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1), (1, 1))
        watch_masks(engine)
        stop = engine.run(5)
        assert (stop.reason, engine.step) == (StopReason.MASKS, 3)


def core(profile: Profile, bits: int | None = None) -> CortexM:
    engine = machine(model=profile.name)
    return CortexM(profile, engine, HandClock(), hz=1_000_000, priority_bits=bits)


@pytest.mark.parametrize(
    ("profile", "name", "value"),
    [
        (CORTEX_M3, "sp", 0xFFFFFFFC),
        (CORTEX_M3, "msp", 0xFFFFFFFC),
        (CORTEX_M3, "psp", 0xFFFFFFFC),
        (CORTEX_M3, "primask", 1),
        (CORTEX_M3, "faultmask", 1),
        (CORTEX_M3, "basepri", 0xE0),
        (CORTEX_M3, "xpsr", 0xFF00FC00),
        (CORTEX_M3, "control", 3),
        (CORTEX_M0, "sp", 0xFFFFFFFC),
        (CORTEX_M0, "primask", 1),
        (CORTEX_M0, "xpsr", 0xF1000000),
        (CORTEX_M0, "control", 2),
    ],
)
def test_a_debugger_writes_the_bits_that_there_are(profile: Profile, name: str, value: int) -> None:
    cpu = core(profile, 3 if profile is CORTEX_M3 else None)
    cpu.write_register(name, 0xFFFFFFFF)
    assert cpu.read_register(name) == value


def test_a_debugger_does_not_change_the_mode() -> None:
    cpu = core(CORTEX_M3)
    cpu.write_register("xpsr", 0x81000003)
    assert cpu.read_register("xpsr") == 0x81000000
    assert cpu.exception_number() == 0
