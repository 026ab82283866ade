"""What the command says beside its results, and its exit codes."""

from __future__ import annotations

import sys
from typing import NoReturn

from ttd.text import printable

USER_ERROR = 2
DIVERGED = 3
INTERRUPTED = 130


def say(text: str) -> None:
    """One line for people, on standard error, whatever the text is made of."""
    print(f"ttd: {printable(text)}", file=sys.stderr, flush=True)


def fail(text: str, code: int) -> NoReturn:
    """Say why, and end."""
    say(text)
    sys.exit(code)
