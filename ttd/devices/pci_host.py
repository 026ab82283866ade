"""A PCI Express host bridge whose bus has nothing behind it, as seen through its ECAM window.

"PCI Express Base Specification", "PCI Express Enhanced Configuration Access Mechanism (ECAM)":
4 KiB of configuration space a function, at bus << 20 | device << 15 | function << 12. What is not
there reads as all ones. The bridge's own header is that of QEMU's generic one.
"""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.base import Clock, Device

FUNCTION_SIZE = 0x1000
VENDOR, DEVICE, REVISION = 0x1B36, 0x0008, 0
"""Red Hat's, "PCIe Host bridge"."""
SUBSYSTEM_VENDOR, SUBSYSTEM = 0x1AF4, 0x1100
CLASS_HOST_BRIDGE = 0x060000
COMMAND, CACHE_LINE, INTERRUPT_LINE = 0x04, 0x0C, 0x3C
COMMAND_BITS = 0x0547
"""I/O, memory, bus master, parity, SERR, INTx disable."""


class PciHost(Device):
    """The configuration space of one bridge on an otherwise empty bus."""

    size: ClassVar[int] = 0x1000_0000
    alone = True
    STATE = ("command", "cache_line", "interrupt_line")

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self.reset()

    def reset(self) -> None:
        self.command = self.cache_line = self.interrupt_line = 0

    def _header(self) -> bytes:
        header = bytearray(FUNCTION_SIZE)
        for at, size, value in (
            (0x00, 2, VENDOR),
            (0x02, 2, DEVICE),
            (COMMAND, 2, self.command),
            (0x08, 1, REVISION),
            (0x09, 3, CLASS_HOST_BRIDGE),
            (CACHE_LINE, 1, self.cache_line),
            (0x2C, 2, SUBSYSTEM_VENDOR),
            (0x2E, 2, SUBSYSTEM),
            (INTERRUPT_LINE, 1, self.interrupt_line),
        ):
            header[at : at + size] = value.to_bytes(size, "little")
        return bytes(header)

    def read(self, offset: int, size: int) -> int:
        if offset >= FUNCTION_SIZE:
            return (1 << 8 * size) - 1
        return int.from_bytes(self._header()[offset : offset + size], "little")

    def write(self, offset: int, size: int, value: int) -> None:
        for at, byte in enumerate(value.to_bytes(size, "little"), offset):
            match at:
                case 0x04 | 0x05:
                    shift = 8 * (at - COMMAND)
                    self.command = (self.command & ~(0xFF << shift) | byte << shift) & COMMAND_BITS
                case 0x0C:
                    self.cache_line = byte
                case 0x3C:
                    self.interrupt_line = byte
