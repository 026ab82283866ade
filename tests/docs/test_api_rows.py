"""docs/api.md lists the fields of what answers are made of: all, and none that there is not."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from tests.docs.recipes import ROOT
from ttd.api import questions
from ttd.api.console import Line
from ttd.api.frames import Frame

ROWS: dict[str, Any] = {
    name: getattr(questions, name)
    for name in (
        *("Access", "Value", "Ran", "Call", "Found", "Entry", "Shown", "Origin", "Difference"),
        *("Depth", "Covered", "Share"),
    )
} | {"Frame": Frame, "Line": Line}


def listed() -> dict[str, set[str]]:
    """What the table says of each row: names outside of brackets, or in front of them."""
    found = {}
    for line in (ROOT / "docs/api.md").read_text().splitlines():
        row = re.fullmatch(r"\| `([A-Z]\w+)` \| [^|]+ \| (.*) \|", line)
        if row:
            found[row[1]] = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", row[2])))
    return found


@pytest.mark.parametrize("name", ROWS)
def test_fields(name: str) -> None:
    row = ROWS[name]
    wanted = {field.name for field in fields(row)}
    told = listed()[name]
    assert wanted - told <= {"place"}
    assert all(hasattr(row, each) for each in told)


def test_all_rows() -> None:
    assert set(listed()) == set(ROWS)
