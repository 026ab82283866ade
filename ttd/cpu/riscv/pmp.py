"""Physical memory protection: its registers, and the regions that follow from them."""

from __future__ import annotations

from typing import ClassVar

from ttd.state import State

from .access import PmpEntry, RiscvCore
from .csrs import CsrUnit

_CONFIG, _ADDRESS = 0x3A0, 0x3B0
_ENTRIES = 16
_RIGHTS, _READ, _WRITE, _LOCKED = 7, 1, 2, 0x80
_OFF, _TOR, _NA4 = 0, 1, 2


class Pmp(CsrUnit):
    """Sixteen entries (privileged architecture, section "Physical Memory Protection").

    The grain is four bytes. The engine enforces the regions.
    """

    STATE: ClassVar[tuple[str, ...]] = ("config", "address")

    def __init__(self, engine: RiscvCore, xlen: int) -> None:
        self._engine = engine
        self._bytes = xlen // 8
        self._address_mask = 0xFFFFFFFF if xlen == 32 else (1 << 54) - 1
        self._enforced: list[PmpEntry] | None = None
        self.config = [0] * _ENTRIES
        self.address = [0] * _ENTRIES

    def reset(self) -> None:
        self.config = [0] * _ENTRIES
        self.address = [0] * _ENTRIES
        self._enforce()

    def load(self, state: State) -> None:
        super().load(state)
        self._enforce()

    def has(self, number: int) -> bool:
        """Sixteen entries have pmpcfg0 to 3, with 64 bits 0 and 2."""
        if _CONFIG <= number < _CONFIG + 4:
            return self._bytes == 4 or not number & 1
        return _ADDRESS <= number < _ADDRESS + _ENTRIES

    def read(self, number: int) -> int:
        if number >= _ADDRESS:
            return self.address[number - _ADDRESS]
        first = (number - _CONFIG) * 4
        return int.from_bytes(bytes(self.config[first : first + self._bytes]), "little")

    def write(self, number: int, value: int, at: int) -> None:
        """What a locked entry depends on does not change."""
        if number >= _ADDRESS:
            index = number - _ADDRESS
            if not self._locked(index) and not self._bounds_locked(index + 1):
                self.address[index] = value & self._address_mask
        else:
            first = (number - _CONFIG) * 4
            for index, byte in enumerate(value.to_bytes(self._bytes, "little"), first):
                if not self._locked(index):
                    self.config[index] = _legal(byte)
        self._enforce()

    def _locked(self, index: int) -> bool:
        return bool(self.config[index] & _LOCKED)

    def _bounds_locked(self, index: int) -> bool:
        """A locked entry of kind TOR begins at the address before its own."""
        return index < _ENTRIES and self._locked(index) and self._matching(index) == _TOR

    def _matching(self, index: int) -> int:
        return self.config[index] >> 3 & 3

    def entries(self) -> list[PmpEntry]:
        """The regions, from the most important on."""
        found = []
        for index, (config, address) in enumerate(zip(self.config, self.address, strict=True)):
            matching = self._matching(index)
            if matching == _OFF:
                continue
            if matching == _TOR:
                low, high = self.address[index - 1] if index else 0, address
            else:
                size = 1 if matching == _NA4 else (address ^ address + 1) + 1
                low = address & ~(size - 1)
                high = low + size
            if low < high:
                found.append((low << 2, high << 2, config & _RIGHTS, bool(config & _LOCKED)))
        return found

    def _enforce(self) -> None:
        entries = self.entries()
        if entries != self._enforced:
            self._enforced = entries
            self._engine.set_pmp(entries)


def _legal(byte: int) -> int:
    """Two bits are not there, and writable but not readable is reserved."""
    byte &= ~0x60
    return byte if byte & _READ else byte & ~_WRITE
