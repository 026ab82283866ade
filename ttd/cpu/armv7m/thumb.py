"""What the engine does for Cortex-M cores only."""

from __future__ import annotations

from ttd.engine import Engine
from ttd.engine._native import lib


def set_priority_mask(engine: Engine, mask: int) -> None:
    """Which bits of BASEPRI there are."""
    lib.armv7m_set_basepri_mask(engine.native, mask)
