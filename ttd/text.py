"""Text that comes from others, such as what is in a recording or was typed."""

from __future__ import annotations

import re
from typing import TypeGuard

_MORE = "..."
LONGEST = 1000
"""Characters that are shown of one text."""
_WORD_MOST = 40
_TOP = 1 << 64
"""All numbers of the debugger's are below this."""
_NUMBER = re.compile(r"0[xX]([0-9a-fA-F]+)|[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+", re.ASCII)


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


def as_bytes(text: str) -> bytes:
    """As it was typed, or in UTF-8; also if that was no text, or is half of a pair."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def shown(word: str) -> str:
    """A word that was typed, in quotes and no longer than a line."""
    cut = word if len(word) <= _WORD_MOST else word[: _WORD_MOST - 3] + "..."
    return f"'{printable(cut)}'"


def number(word: str) -> int:
    """A number that people type: digits, with commas or without, or 0x and hexadecimal digits.

    Raises `ValueError`, also if it has more than 64 bits.
    """
    found = _NUMBER.fullmatch(word)
    digits = word.replace(",", "")
    # Leading zeros are no sign of an octal number, which nobody means any more.
    if found is None or len(digits.lstrip("0xX")) > 20:
        raise ValueError
    value = int(found[1], 16) if found[1] else int(digits)
    if value >= _TOP:
        raise ValueError
    return value
