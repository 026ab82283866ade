"""Random walks that change the past of a live recording: whatever is done, each future is one run.
Seeds are shown; `TTD_WALKS=100` for more."""

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


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_every_future_of_a_live_recording_is_one_run(tmp_path: Path, guest: Guest) -> None:
    for number in range(WALKS):
        seed = random.randrange(1 << 32) if SEED is None else int(SEED)
        branch_walk(guest, tmp_path / f"{number}.ttd", seed, 60)
