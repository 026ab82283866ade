"""Packets: a count of one is a session of `debugged.PACKETS` of them."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz import debugged
from tests.fuzz.talk import Talk


def run(count: int, seed: int, say: Callable[[str], None]) -> int:
    """Attack; returns how many sessions found something."""
    return debugged.run(Talk.packet, count, seed, say)
