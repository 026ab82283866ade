"""Where a recorder looks up in between leaves no trace: what it records replays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli_tools import ttd
from tests.integration.inside import FIRMWARE
from ttd.recorded import TICK_STEPS

GUESTS = [
    ("soak-m3", "mps2-an385"),
    ("soak-io-m3", "mps2-an385"),
    ("soak-io-m0", "microbit"),
    ("soak-rv32", "virt32"),
    ("soak-rv64", "virt"),
]
"""Programs of random instructions under interrupts of random times."""


@pytest.mark.parametrize(("guest", "board"), GUESTS, ids=[guest for guest, _ in GUESTS])
def test_a_tick_changes_nothing(guest: str, board: str, tmp_path: Path) -> None:
    """A run up to a tick need not end at just that step; interrupts behind an IT block have to be
    taken just there nevertheless."""
    elf, path = FIRMWARE / "soak" / f"{guest}.elf", tmp_path / "run.ttd"
    steps = TICK_STEPS + TICK_STEPS // 5
    made = ttd("record", "--board", board, "-o", path, "--fast", "--steps", steps, elf)
    assert made.code == 0, made.err
    again = ttd("replay", "--verify", path)
    assert again.code == 0 and ": the same" in again.err, again.err
