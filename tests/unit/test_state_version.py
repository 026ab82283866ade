"""A recording is of one layout of machine state; a change of the layout needs a new version."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ttd.boards import BOARDS
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.machine import STATE_VERSION
from ttd.session import RecordOptions, Session

ELF = Path(__file__).resolve().parents[1] / "firmware" / "calls" / "calls.elf"
LAYOUTS = {2: "37a7b21bb8068f8e"}
"""Hash of the layout by version: when this test fails, raise `STATE_VERSION` and add a line."""


def layout(state: Any) -> Any:
    """Names of fields all the way down."""
    if isinstance(state, dict):
        return {key: layout(value) for key, value in sorted(state.items())}
    if isinstance(state, list):
        return [layout(value) for value in state if isinstance(value, dict | list)]
    return None


def test_layout_is_that_of_the_version() -> None:
    board = BOARDS["mps2-an385"]
    options = RecordOptions(board, load_image(str(ELF)), board.ns_per_step, True)
    session = Session.record(options, None, {}, SemihostFiles(None), bytes)
    found = hashlib.sha256(repr(layout(session.machine.save())).encode()).hexdigest()[:16]
    session.close()
    assert LAYOUTS[STATE_VERSION] == found
