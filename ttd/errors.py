"""The base of all errors that a user can cause."""

from __future__ import annotations

import os

from ttd.text import printable


class UserError(Exception):
    """Something outside of ttd is not as it must be; the text is one sentence for people.

    It may quote what strangers have written: of that nothing gets at a terminal.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


def reason(error: Exception) -> str:
    """Why something of the host's could not be had, in its words, without what it was."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        # Python adds the address to what it says of sockets.
        return os.strerror(error.errno)
    return str(getattr(error, "strerror", None) or error)
