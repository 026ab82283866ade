"""Text that comes from others, such as what is in a recording, where people see it."""

from __future__ import annotations

from typing import TypeGuard

_MORE = "..."
LONGEST = 1000
"""Characters that are shown of one text."""


def is_line(text: object) -> TypeGuard[str]:
    """True for a text that `printable` leaves as it is."""
    return isinstance(text, str) and text.isprintable() and len(text) <= LONGEST + len(_MORE)


def printable(text: str) -> str:
    """`text` on one line, without what a terminal would obey; much too long ones are cut.

    What is not printable is written as Python would: a newline as \\n, an escape as \\x1b.
    """
    cut = text if len(text) <= LONGEST + len(_MORE) else text[:LONGEST] + _MORE
    if cut.isprintable():
        return cut
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in cut
    )
