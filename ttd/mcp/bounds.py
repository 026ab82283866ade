"""Answers that an agent can take in: so many lines of so many characters, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ttd.text import printable

MOST_ROWS = 200
"""That a tool can be asked for."""
_MOST_CHARACTERS = 12_000
_LONGEST = 400
"""Characters of one line."""


def bounded(lines: Iterable[str], limit: int, more: str) -> str:
    """At most `limit` lines, and if there are more `more`, a sentence that says how to get them."""
    taken = list(islice(lines, limit + 1))
    kept: list[str] = []
    size = 0
    for line in taken[:limit]:
        line = printable(line)
        line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
        size += len(line) + 1
        if size > _MOST_CHARACTERS:
            break
        kept.append(line)
    if len(kept) < len(taken):
        kept.append(f"(There is more: {more})")
    return "\n".join(kept)
