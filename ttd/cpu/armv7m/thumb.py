"""What the engine does for Cortex-M cores only."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.engine import Engine
from ttd.engine._native import ffi, lib

MpuRegion = tuple[int, int, int, int, bool]
"""base, size in bytes, subregions disabled (8 bits), AP field, execute-never."""


def set_mpu(
    engine: Engine, enabled: bool, privdefena: bool, hfnmiena: bool, regions: Sequence[MpuRegion]
) -> None:
    """Enforce these regions, of which the later win (DDI0403E B3.5)."""
    lib.armv7m_set_mpu(
        engine.native,
        enabled,
        privdefena,
        hfnmiena,
        len(regions),
        ffi.new("uint32_t[]", [r[0] for r in regions]),
        ffi.new("uint64_t[]", [r[1] for r in regions]),
        ffi.new("uint8_t[]", [r[2] for r in regions]),
        ffi.new("uint8_t[]", [r[3] for r in regions]),
        ffi.new("uint8_t[]", [int(r[4]) for r in regions]),
    )


def set_priority_mask(engine: Engine, mask: int) -> None:
    """Which bits of BASEPRI there are."""
    lib.armv7m_set_basepri_mask(engine.native, mask)
