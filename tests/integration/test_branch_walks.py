"""Random walks that change the past: whatever is done, each future is one run. Seeds are shown;
`TTD_WALKS=100` for more."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.integration.branch_walks import branch_walk
from tests.integration.walks import GUESTS, Guest

pytestmark = pytest.mark.slow
"""`make check` does without."""

WALKS = int(os.environ.get("TTD_WALKS", "1"))
SEED = os.environ.get("TTD_WALK_SEED")
FAST = ("echo",)


@pytest.mark.parametrize(
    "guest",
    [
        guest if guest.name in FAST else pytest.param(guest, marks=pytest.mark.slow)
        for guest in GUESTS
    ],
    ids=lambda guest: guest.name,
)
def test_every_future_is_one_run(tmp_path: Path, guest: Guest) -> None:
    for number in range(WALKS):
        seed = random.randrange(1 << 32) if SEED is None else int(SEED)
        branch_walk(guest, tmp_path / f"{number}.ttd", seed, 60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_walks_that_went_wrong(tmp_path: Path, seed: int) -> None:
    """Events of a call's branch that were removed with the one before it; a snapshot of the
    position before a branch began there."""
    for guest in GUESTS[:2] + GUESTS[5:6]:
        branch_walk(guest, tmp_path / f"{guest.name}.ttd", seed, 40)
