"""What the native side offers to itself, for tests that look at one piece of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttd.engine import Access, Engine
from ttd.engine._native import ffi, lib

MpuRegion = tuple[int, int, int, int, bool]
"""base, size in bytes, subregions disabled (8 bits), AP field, execute-never."""


def watch_masks(engine: Engine) -> None:
    """From now on a run ends with MASKS as soon as an interrupt mask differs from now."""
    lib.ttd_watch_masks(engine.native, True)


def set_priority_mask(engine: Engine, mask: int) -> None:
    """Which bits of BASEPRI there are, as a core says."""
    lib.armv7m_set_basepri_mask(engine.native, mask)


def is_ram(engine: Engine, address: int, kind: Access) -> bool:
    """May there be stacking? True for memory that can be accessed so."""
    return bool(lib.ttd_is_ram(engine.native, address, kind))


def set_mpu(
    engine: Engine, enabled: bool, privdefena: bool, hfnmiena: bool, regions: Sequence[MpuRegion]
) -> None:
    """Enforce these regions, of which the later win (DDI0403E B3.5)."""
    native = ffi.new("armv7m_region[]", len(regions))
    for one, (base, size, disabled, access, never) in zip(native, regions, strict=True):
        one.base, one.size, one.srd, one.ap, one.xn = base, size, disabled, access, never
    lib.armv7m_set_mpu(engine.native, enabled, privdefena, hfnmiena, len(regions), native)


def mpu_regions(core: Any) -> list[MpuRegion]:
    """Which regions the registers of this core enable."""
    found = ffi.new("armv7m_region[]", lib.ARMV7M_REGIONS)
    count = lib.armv7m_mpu_regions(core, found)
    return [(r.base, r.size, r.srd, r.ap, bool(r.xn)) for r in found[0:count]]


def mpu_denies(engine: Engine, address: int, kind: Access, *, privileged: bool) -> bool:
    """True if the MPU, or the default map, forbids an access of that privilege."""
    return bool(lib.armv7m_denies(engine.native, address, kind, privileged))


def set_traps(engine: Engine, *, divide: bool, unaligned: bool) -> None:
    """Raise exception `EXCEPTION_DIVIDE` for divisions by zero; a FAULT with `UNALIGNED` in its
    code for every unaligned access. A core does it by CCR."""
    lib.armv7m_trap(engine.native, divide, unaligned)
