"""What the command says beside its results, and its exit codes."""

from __future__ import annotations

import select
import sys
from typing import NoReturn, TextIO

from ttd.text import printable

USER_ERROR = 2
DIVERGED = 3
INTERRUPTED = 130
_PATIENCE_MS = 300


def say(text: str) -> None:
    """One line for people, on standard error, whatever the text is made of.

    Nobody who does not read holds us up.
    """
    if _takes_a_line(sys.stderr):
        print(f"ttd: {printable(text)}", file=sys.stderr, flush=True)


def _takes_a_line(stream: TextIO) -> bool:
    """Whether what is behind it takes something now, or soon."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
    except (OSError, ValueError):
        return True  # no file: a test that looks at what is said
    return bool(poll.poll(_PATIENCE_MS))


def fail(text: str, code: int) -> NoReturn:
    """Say why, and end."""
    say(text)
    sys.exit(code)
