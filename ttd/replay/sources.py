"""What brings input from the outside world into the machine."""

from __future__ import annotations

from typing import Any, Protocol


class Source(Protocol):
    """One origin of asynchronous input: a serial line, a network backend, a disk, a keyboard.

    Host threads fill it; the machine's thread empties it, at checkpoints only.
    """

    @property
    def waiting(self) -> bool:
        """True if there is something that `offers` may give later."""
        ...

    def offers(self) -> bytes | None:
        """The payload that enters the machine next; None if none can enter now.

        Asking changes nothing, here or in a device, so that it may be asked in record and in
        play, as often as somebody likes.
        """
        ...

    def take(self, payload: bytes) -> bool:
        """Record: what was offered enters now, it is offered no more. False: it has gone."""
        ...

    def fits(self, payload: bytes) -> bytes | None:
        """Record: how much can enter now of what did once; None if nothing can."""
        ...

    def deliver(self, payload: bytes) -> None:
        """Let `payload` enter the machine: what was offered in record, from the log in play."""
        ...

    def save(self) -> Any:
        """What of this source is part of the machine's state, as data; None if nothing is."""
        ...

    def load(self, state: Any) -> None:
        """Inverse of `save`."""
        ...


class Unrepeated:
    """A source of which nothing comes again on a branch: it follows from what the guest does, or
    was somebody's wish."""

    def fits(self, payload: bytes) -> bytes | None:
        """Not asked of these."""
        return None


class Stateless(Unrepeated):
    """A source of which nothing is part of the machine's state."""

    def save(self) -> None:
        return None

    def load(self, state: None) -> None:
        pass
