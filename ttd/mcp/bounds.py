"""Answers that an agent can take in: so many lines of so many characters, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ttd.text import printable

MOST_ROWS = 200
"""That a tool can be asked for."""
MOST_CHARACTERS = 12_000
_LONGEST = 400
"""Characters of one line."""


def cut(text: str, longest: int) -> str:
    """As much of a text as there is room for."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def bounded(lines: Iterable[str], limit: int, more: str) -> str:
    """At most `limit` lines, and if there are more `more`, a sentence that says how to get them."""
    taken = list(islice(lines, limit + 1))
    kept: list[str] = []
    size = 0
    for line in taken[:limit]:
        line = cut(printable(line), _LONGEST)
        size += len(line) + 1
        if size > MOST_CHARACTERS:
            break
        kept.append(line)
    if len(kept) < len(taken):
        kept.append(f"(There is more: {more})")
    return "\n".join(kept)
