"""Random walks over every board: one step, one state. `TTD_WALKS=100` for more; seeds are shown."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.integration.walks import GUESTS, Guest, walk

pytestmark = pytest.mark.slow
WALKS = int(os.environ.get("TTD_WALKS", "1"))
SEED = os.environ.get("TTD_WALK_SEED")


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_one_step_is_one_state(tmp_path: Path, guest: Guest) -> None:
    for number in range(WALKS):
        seed = random.randrange(1 << 32) if SEED is None else int(SEED)
        walk(guest, tmp_path / f"{number}.ttd", seed, 40)
