"""Monitor commands, with a resume now and then: a session of `debugged.PACKETS` counts as one."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz import debugged
from tests.fuzz.talk import Talk


def run(count: int, seed: int, say: Callable[[str], None]) -> int:
    """Attack; returns how many sessions found something."""
    return debugged.run(_packet, count, seed, say)


def _packet(talk: Talk) -> bytes:
    line = talk.command()
    return talk.resume() if not line else b"qRcmd," + line.encode().hex().encode()
