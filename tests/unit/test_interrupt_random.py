"""Random interrupts in random programs, for some seconds; `make soak` does it for minutes."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.integration.soak import TARGETS, check

PROGRAMS = int(os.environ.get("TTD_SOAK", "1"))
SEED = os.environ.get("TTD_SOAK_SEED")


NAMES = [
    pytest.param(name, marks=[] if name in ("m3", "io-m3", "rv64") else pytest.mark.slow)
    for name in TARGETS
]


@pytest.mark.parametrize("name", NAMES)
def test_one_step_is_one_state(name: str, tmp_path: Path) -> None:
    """The seed is printed; `TTD_SOAK=100` for more programs."""
    for _ in range(PROGRAMS):
        check(name, random.randrange(1 << 32) if SEED is None else int(SEED), tmp_path, 30_000)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), [("rv64", 918064769)])
def test_what_was_found(name: str, seed: int, tmp_path: Path) -> None:
    """A snapshot lost the timer where MTIME had come to MTIMECMP and it was not noticed yet."""
    check(name, seed, tmp_path, 30_000)
