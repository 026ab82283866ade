"""FICR: nRF51 Reference Manual, chapter "Factory Information Configuration Registers"."""

from __future__ import annotations

from ttd.devices.base import Steady
from ttd.devices.registers import WORD, RegisterBlock

WORDS = {
    0x010: 0x400,  # CODEPAGESIZE
    0x014: 0x100,  # CODESIZE, in pages
    0x034: 2,  # NUMRAMBLOCK
    0x038: 0x2000,  # SIZERAMBLOCKS
    0x05C: 0x0000_003C,  # CONFIGID: hardware
    0x060: 0x0123_4567,  # DEVICEID
    0x064: 0x89AB_CDEF,
    0x0A0: WORD,  # DEVICEADDRTYPE: random
    0x0A4: 0x7654_3210,  # DEVICEADDR
    0x0A8: 0xFFFF_C0DE,
}
"""Of an nRF51822 with 256 kB of flash and 16 kB of RAM, with a number of our own."""


class Ficr(RegisterBlock):
    """What the factory has written; the rest is erased flash."""

    def reset(self) -> None:
        """It keeps everything."""

    def peek_word(self, offset: int) -> int:
        return WORDS.get(offset, WORD)

    def steady(self, offset: int) -> Steady | None:
        return Steady()

    def write_word(self, offset: int, value: int) -> None:
        """It cannot be written."""
