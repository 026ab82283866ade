"""What the native side offers to itself, for tests that look at one piece of it."""

from __future__ import annotations

from ttd.engine import Access, Engine
from ttd.engine._native import lib


def watch_masks(engine: Engine) -> None:
    """From now on a run ends with MASKS as soon as an interrupt mask differs from now."""
    lib.ttd_watch_masks(engine.native, True)


def is_ram(engine: Engine, address: int, kind: Access) -> bool:
    """May there be stacking? True for memory that can be accessed so."""
    return bool(lib.ttd_is_ram(engine.native, address, kind))


def mpu_denies(engine: Engine, address: int, kind: Access, *, privileged: bool) -> bool:
    """True if the MPU, or the default map, forbids an access of that privilege."""
    return bool(lib.armv7m_denies(engine.native, address, kind, privileged))


def set_traps(engine: Engine, *, divide: bool, unaligned: bool) -> None:
    """Raise exception `EXCEPTION_DIVIDE` for divisions by zero; a FAULT with `UNALIGNED` in its
    code for every unaligned access. A core does it by CCR."""
    lib.armv7m_trap(engine.native, divide, unaligned)
