"""Whatever is done in a recording, each future is one run: a state machine over places.

`TTD_FUTURES=200` for that many ways through each guest, not the few of each test run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.futures import Futures, Recorded
from tests.integration.walks import GUESTS, Guest
from tests.snapshots import snapshots_every

pytestmark = pytest.mark.slow
"""`make check` does without."""

EXAMPLES = os.environ.get("TTD_FUTURES")
FEW = 3
LIMITS = settings(
    max_examples=int(EXAMPLES or FEW),
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_every_future_is_one_run(
    guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where they are does not depend on how fast the host is, so what fails, fails again.
    snapshots_every(monkeypatch, 1700)
    scene = Recorded(guest, tmp_path)
    run_state_machine_as_test(lambda: Futures(scene), settings=LIMITS)
