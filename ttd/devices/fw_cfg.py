"""QEMU's firmware configuration device, with nothing to configure.

QEMU, "QEMU Firmware Configuration (fw_cfg) Device": a 16-bit big-endian selector, a data register
that gives the selected item byte by byte, zeros after its end. There is no DMA here, which the
item "feature bitmap" says.
"""

from __future__ import annotations

from ttd.devices.base import Clock, Device
from ttd.devices.names import names

DATA, SELECTOR, DATA_SIZE = 0x0, 0x8, 8
SIGNATURE, FEATURES, DIRECTORY = 0x0000, 0x0001, 0x0019
TRADITIONAL = 1
ITEMS = {
    SIGNATURE: b"QEMU",
    FEATURES: TRADITIONAL.to_bytes(4, "little"),
    DIRECTORY: bytes(4),  # no files; big endian
}
"""Contents by key."""


class FwCfg(Device):
    """The memory-mapped form: data at 0, selector at 8."""

    NAMES = names(SELECTOR=SELECTOR)

    STATE = ("key", "at")

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self.reset()

    def reset(self) -> None:
        self.key = self.at = 0

    def read(self, offset: int, size: int) -> int:
        if not DATA <= offset < DATA + DATA_SIZE:
            return 0
        item = ITEMS.get(self.key, b"")
        data = item[self.at : self.at + size].ljust(size, b"\0")
        self.at += size
        # The register is a string of bytes: the first is at the lowest address.
        return int.from_bytes(data, "little")

    def write(self, offset: int, size: int, value: int) -> None:
        if offset == SELECTOR and size == 2:
            self.key, self.at = int.from_bytes(value.to_bytes(2, "little"), "big"), 0
