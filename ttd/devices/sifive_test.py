"""The test finisher of SiFive's designs, as QEMU's `virt` board has it.

Sources: the device tree binding `sifive,test0`/`sifive,test1` and its users. One register:

| offset | value written | |
|---|---|---|
| 0 | `0x5555` | pass: the machine is switched off, exit code 0 |
| 0 | `0x3333` and a code in bits 31:16 | fail: the same with this exit code |
| 0 | `0x7777` | the machine is reset |

Anything else does nothing; reads are zero.
"""

from __future__ import annotations

from collections.abc import Callable

from ttd.devices.base import Clock
from ttd.devices.names import names
from ttd.devices.registers import RegisterBlock

FAIL, PASS, RESET = 0x3333, 0x5555, 0x7777


class SifiveTest(RegisterBlock):
    """Hands on what the guest asks for; it has no state."""

    NAMES = names(FINISHER=0)

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        reset: Callable[[], None],
        shutdown: Callable[[int | None], None],
    ) -> None:
        """`shutdown` gets the exit code."""
        super().__init__(name, clock)
        self._reset = reset
        self._shutdown = shutdown

    def reset(self) -> None:
        """There is nothing to reset."""

    def peek_word(self, offset: int) -> int:
        return 0

    def write_word(self, offset: int, value: int) -> None:
        if offset != 0:
            return
        status = value & 0xFFFF
        if status == PASS:
            self._shutdown(0)
        elif status == FAIL:
            self._shutdown(value >> 16)
        elif status == RESET:
            self._reset()
