"""What is said where the program cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ttd.errors import UserError


class ProgramError(UserError):
    """A question about the program that has no answer; the text is a sentence."""


class OptimizedOut(ProgramError):
    """A variable that the compiler has kept nowhere at that place."""


class NotDescribed(ProgramError):
    """There is no debug information, or none of what was asked for."""


@contextmanager
def reading(path: str) -> Iterator[None]:
    """What a damaged file makes of a library that reads it, as one sentence."""
    try:
        yield
    except ProgramError:
        raise
    except Exception as error:  # pyelftools raises whatever its parsing runs into
        raise ProgramError(
            f"The debug information of {path} cannot be read: it is damaged, or of a kind that is "
            f"not known ({type(error).__name__})."
        ) from error
