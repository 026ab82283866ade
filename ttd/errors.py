"""The base of all errors that a user can cause."""

from __future__ import annotations

from ttd.text import printable


class UserError(Exception):
    """Something outside of ttd is not as it must be; the text is one sentence for people.

    It may quote what strangers have written: of that nothing gets at a terminal.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))
