"""What the command says beside its results, and its exit codes."""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Callable
from typing import NoReturn, TextIO

from ttd.text import printable

USER_ERROR = 2
DIVERGED = 3
INTERRUPTED = 130
_PATIENCE_MS = 300


class _Screen:
    """Where lines for people are shown, with what a guest prints."""

    def __init__(self) -> None:
        self.end_line: Callable[[], bool] = lambda: False
        self.echoed = False
        """The terminal has shown ^C."""


_screen = _Screen()


def beside(end_line: Callable[[], bool]) -> None:
    """From now on a guest prints on standard output.

    `end_line` says whether it has begun a line there, which then counts as ended.
    """
    _screen.end_line = end_line


def interrupted() -> None:
    """Somebody wants an end; by Ctrl-C, if there is a terminal, which may have shown that."""
    try:
        _screen.echoed = bool(termios.tcgetattr(sys.stderr.fileno())[3] & termios.ECHO)
    except (OSError, ValueError, termios.error):
        _screen.echoed = False


def fresh_line() -> None:
    """Whatever there was on the line, it has been cleared."""
    _screen.echoed = False


def say(text: str) -> None:
    """One line for people, on standard error, whatever the text is made of.

    Nobody who does not read holds us up.
    """
    if _takes_a_line(sys.stderr):
        begun = _in_one_place(sys.stdout, sys.stderr) and _screen.end_line()
        begun, _screen.echoed = begun or _screen.echoed, False
        line = f"ttd: {printable(text)}"
        print("\n" + line if begun else line, file=sys.stderr, flush=True)


def _in_one_place(one: TextIO, other: TextIO) -> bool:
    """Whether what is written to them is seen together."""
    try:
        files = one.fileno(), other.fileno()
        return all(map(os.isatty, files)) or os.path.samestat(*map(os.fstat, files))
    except (OSError, ValueError):
        return False


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
