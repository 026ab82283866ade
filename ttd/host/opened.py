"""A recording that is opened to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ttd.host.expected import expectations
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine


def opened(
    recording: str,
    drives: Sequence[str] = (),
    *,
    branch: str = "",
    snapshot_memory: int | None = None,
) -> RecordedMachine:
    """The machine of a branch, at its first step. `drives`: as `--drive` says them. A `UserError`
    says what is wrong with the file."""
    sides, expected = expectations(recording, (), drives, (), None)
    if snapshot_memory is not None:
        sides = replace(sides, snapshot_memory=snapshot_memory)
    return RecordedMachine.open(
        recording, SemihostFiles(None), host=sides, expected=expected, branch=branch
    )
