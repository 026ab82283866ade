"""NVMC: nRF51 Reference Manual, chapter "Non-Volatile Memory Controller"."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.base import BusError, Clock, Dma, Steady
from ttd.devices.names import names
from ttd.devices.registers import WORD, RegisterBlock

READY, CONFIG = 0x400, 0x504
ERASEPAGE, ERASEALL, ERASEPCR0, ERASEUICR = 0x508, 0x50C, 0x510, 0x514
READ_ONLY, WRITE_ENABLED, ERASE_ENABLED = 0, 1, 2
PAGE = 1024
ERASED = b"\xff"


class Nvmc(RegisterBlock):
    """Writes and erases flash and UICR, at once: the CPU sees READY whenever it looks.

    Flash is memory of the machine, so what is written is part of its state.
    """

    NAMES = names(
        READY=READY, CONFIG=CONFIG, ERASEPAGE=ERASEPAGE, ERASEALL=ERASEALL, ERASEUICR=ERASEUICR
    )

    STATE: ClassVar[tuple[str, ...]] = ("config",)

    def __init__(
        self, name: str, clock: Clock, flash: Dma, code: tuple[int, int], uicr: tuple[int, int]
    ) -> None:
        """`code`, `uicr`: base and size of the memory that the controller is for."""
        super().__init__(name, clock)
        self._flash = flash
        self._code = code
        self._uicr = uicr
        self.reset()

    def reset(self) -> None:
        self.config = READ_ONLY

    def program(self, address: int, size: int, value: int) -> None:
        """A store to flash: a word at a time, while CONFIG.WEN allows it; only clears bits."""
        if self.config != WRITE_ENABLED or size != 4 or address & 3:
            raise BusError(f"flash at {address:#x} is not enabled for this write")
        old = int.from_bytes(self._flash.look(address, 4), "little")
        self._flash.write(address, (old & value).to_bytes(4, "little"))

    def _erase(self, base: int, size: int) -> None:
        self._flash.write(base, ERASED * size)

    def peek_word(self, offset: int) -> int:
        return {READY: 1, CONFIG: self.config}.get(offset, 0)

    def steady(self, offset: int) -> Steady | None:
        return Steady()

    def write_word(self, offset: int, value: int) -> None:
        if offset == CONFIG:
            self.config = value & 3
        if self.config != ERASE_ENABLED:
            return
        base, size = self._code
        if offset in (ERASEPAGE, ERASEPCR0):
            page = value & WORD & -PAGE
            if base <= page < base + size:
                self._erase(page, PAGE)
        elif offset == ERASEUICR and value & 1:
            self._erase(*self._uicr)
        elif offset == ERASEALL and value & 1:
            self._erase(base, size)
            self._erase(*self._uicr)
