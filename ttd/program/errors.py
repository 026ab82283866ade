"""What is said where the program cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from ttd.errors import UserError

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


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
    except LookupError as error:
        if type(error) is LookupError:  # and not one of the library's indices or keys
            raise ProgramError(f"{error}.") from error
        raise _damaged(path, error) from error
    except Exception as error:  # pyelftools raises whatever its parsing runs into
        raise _damaged(path, error) from error


def _damaged(path: str, error: Exception) -> ProgramError:
    return ProgramError(
        f"The debug information of {path} cannot be read: it is damaged, or of a kind that is not "
        f"known ({type(error).__name__})."
    )


def readings(ask: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """The same for all that a function does."""

    @wraps(ask)
    def asked(*given: Asked.args, **named: Asked.kwargs) -> Answer:
        with reading("the program"):
            return ask(*given, **named)

    return asked
