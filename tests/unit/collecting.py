"""What an engine notes instead of stopping, as tests compare it."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.engine.engine import Engine
from ttd.engine.types import HIT, Wanted

MOST = 16384


def collect(
    engine: Engine,
    executed: Sequence[int] = (),
    accessed: Sequence[tuple[int, int, int, bool]] = (),
) -> None:
    """Instead of stopping at these addresses and watchpoints."""
    engine.collect(
        Wanted(
            executed=[(at, at + 1) for at in executed],
            accessed=[(at, at + length, kinds, only) for at, length, kinds, only in accessed],
        ),
        MOST,
    )


def executed(engine: Engine) -> list[tuple[int, int]]:
    """Step and PC of each instruction."""
    return [(step, pc) for step, pc, *_ in HIT.iter_unpack(engine.collected().executed)]


def accessed(engine: Engine) -> list[tuple[int, int, int]]:
    """Step, PC and value of each access."""
    rows = HIT.iter_unpack(engine.collected().accessed)
    return [(step, pc, value) for step, pc, _, value, *_ in rows]
