"""Where recorders in tests store snapshots: at steps, however long those take."""

from __future__ import annotations

import pytest

from ttd.history.budget import Budget


def snapshots_every(patch: pytest.MonkeyPatch, steps: int) -> None:
    """Until `patch` is undone, so many steps lie between two snapshots."""
    patch.setattr(Budget, "__call__", lambda budget, step: step + steps)
    patch.setattr(Budget, "FIRST", steps)
    patch.setattr(Budget, "spent", lambda budget: False)


def no_snapshots(patch: pytest.MonkeyPatch) -> None:
    """Until `patch` is undone, there is none but the first."""
    snapshots_every(patch, 1 << 62)
