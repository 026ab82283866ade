"""A register by which a guest switches its machine off: ttd's own, no board has it.

| offset | access | |
|---|---|---|
| 0 | write only | 1: reset the machine, 2: shut it down, 3: suspend it; else nothing |

It takes effect before the next instruction. Other offsets, and reads, are zero.
"""

from __future__ import annotations

from collections.abc import Callable

from ttd.devices.base import Clock
from ttd.devices.names import names
from ttd.devices.registers import RegisterBlock

RESET, SHUTDOWN, SUSPEND = 1, 2, 3


class Power(RegisterBlock):
    """Hands on what the guest asks for; it has no state."""

    NAMES = names(CONTROL=0)

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        reset: Callable[[], None],
        shutdown: Callable[[], None],
        suspend: Callable[[], None],
    ) -> None:
        super().__init__(name, clock)
        self._actions = {RESET: reset, SHUTDOWN: shutdown, SUSPEND: suspend}

    def reset(self) -> None:
        """There is nothing to reset."""

    def peek_word(self, offset: int) -> int:
        return 0

    def write_word(self, offset: int, value: int) -> None:
        if offset == 0 and value in self._actions:
            self._actions[value]()
