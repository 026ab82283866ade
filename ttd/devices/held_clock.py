"""A clock of the host that a guest may poll."""

from __future__ import annotations

from collections.abc import Callable

from ttd.devices.base import Clock, Stateful

HOLD_NS = 100_000
"""Virtual time for which an answer holds. Each answer is an event of the recording; in between the
engine may say by itself what the guest reads."""


class HeldClock(Stateful):
    """Asks the host, and then for `HOLD_NS` of virtual time gives the same answer."""

    STATE = ("held", "held_until")

    def __init__(self, clock: Clock, ask: Callable[[], int]) -> None:
        self._clock = clock
        self._ask = ask
        self.reset()

    def reset(self) -> None:
        self.held = 0
        """What the host last said: what a debugger sees, who must not ask."""
        self.held_until = 0
        """Virtual time (ns) at which it is asked again."""

    def read(self) -> int:
        """The host's clock, in its unit."""
        now = self._clock.now()
        if now >= self.held_until:
            self.held = self._ask()
            self.held_until = now + HOLD_NS
        return self.held

    @property
    def remembers(self) -> bool:
        """There is an answer to be forgotten."""
        return self.held_until != 0

    def forget(self) -> None:
        """The host's time has gone on: ask again."""
        self.held_until = 0
