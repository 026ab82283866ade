"""The EEPROM beside the LAN9118, which holds its hardware address (data sheet: 4.2, 5.3.23)."""

from __future__ import annotations

from dataclasses import field

from ttd.values import dataclass

SIGNATURE = 0xA5
"""At address 0 of an EEPROM whose next 6 bytes are a hardware address."""
SIZE = 128

# E2P_CMD
BUSY, ADDRESS_LOADED = 1 << 31, 1 << 8
_READ, _WRITE_DISABLE, _WRITE_ENABLE, _WRITE = 0, 1, 2, 3
_WRITE_ALL, _ERASE, _ERASE_ALL, RELOAD = 4, 5, 6, 7


def contents(mac: bytes) -> bytes:
    """An EEPROM that was programmed with a hardware address."""
    programmed = bytes((SIGNATURE,)) + mac
    return programmed + b"\xff" * (SIZE - len(programmed))


@dataclass(slots=True)
class Eeprom:
    """The memory, and the command and data registers in front of it."""

    memory: bytes = field(default=b"\xff" * SIZE)
    command: int = 0
    data: int = 0
    writable: bool = False

    @property
    def mac(self) -> bytes | None:
        """The hardware address, if there is one."""
        return self.memory[1:7] if self.memory[0] == SIGNATURE else None

    def execute(self, command: int) -> int:
        """Write E2P_CMD: carry out a command at once; returns its number."""
        self.command = command & 0x700000FF | self.command & ~command & ADDRESS_LOADED
        number, at = command >> 28 & 7, command % SIZE
        if not command & BUSY:
            return _READ
        if number == _READ:
            self.data = self.memory[at]
        elif number in (_WRITE_ENABLE, _WRITE_DISABLE):
            self.writable = number == _WRITE_ENABLE
        elif self.writable and number != RELOAD:
            value = self.data if number in (_WRITE, _WRITE_ALL) else 0xFF
            whole = number in (_WRITE_ALL, _ERASE_ALL)
            first, count = (0, SIZE) if whole else (at, 1)
            tail = self.memory[first + count :]
            self.memory = self.memory[:first] + bytes((value,)) * count + tail
        return number
