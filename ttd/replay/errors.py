"""What can go wrong at the border to the outside world. Every text is one sentence for people."""

from __future__ import annotations

from ttd.errors import UserError


class ReplayError(UserError):
    """Base of everything that the border raises on purpose."""


class Blocked(ReplayError):
    """The machine has devices that cannot be recorded; the text lists every reason."""


class Divergence(ReplayError):
    """In play the machine did something else than the recording says."""

    def __init__(self, step: int, expected: str, found: str) -> None:
        super().__init__(f"diverged at step {step}: expected {expected}, found {found}")
        self.step = step
        self.expected = expected
        self.found = found


class NotYet(Exception):
    """What the guest asks of the host takes its time: nothing has happened, it is to ask again.

    No error: the machine looks at what else there is meanwhile, and asks again at the same step.
    """


class NoInputYet(NotYet):
    """What it waits for is input."""
