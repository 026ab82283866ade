"""Answers as text, as JSON, and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from ttd.history.named_place import Place
from ttd.questions.past import Past
from ttd.questions.row import Row, Sum


def lines(past: Past, rows: Sequence[Row] | Sequence[Sum]) -> Iterator[str]:
    """A line for each; where there is only one branch, it is not said."""
    several = len(past.timeline.branches.all) > 1
    for row in rows:
        if isinstance(row, Row):
            place = str(row.place) if several else str(row.place.step)
            yield f"{place:>14}  {row.text}".rstrip()
        else:
            yield row.text


def as_json(rows: Sequence[Row] | Sequence[Sum]) -> Iterator[str]:
    """An object on a line for each; the step of its place is there as a number, too."""
    for row in rows:
        said: dict[str, Any] = {}
        for name, value in _cells(row):
            said[name] = str(value) if isinstance(value, Place) else value
            if name == "place":
                said["step"] = value.step
        yield json.dumps(said)


def as_csv(rows: Sequence[Row] | Sequence[Sum]) -> Iterator[str]:
    """A line of titles, and one for each row; numbers are hexadecimal where text has them so."""
    if rows:
        yield _csv([name for name, _ in _cells(rows[0])])
    for row in rows:
        yield _csv([_text(value) for _, value in _cells(row)])


def _cells(row: Row | Sum) -> list[tuple[str, Any]]:
    return [(field.name, getattr(row, field.name)) for field in fields(row)]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case tuple():
            return ";".join(map(str, value))
    return str(value)


def _csv(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
