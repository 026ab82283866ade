"""Where everything is on the `virt` board (QEMU, "RISC-V 'virt' Generic Virtual Platform").

The numbers are those of QEMU 7.2's machine, read from its device tree and `info mtree`.
"""

from __future__ import annotations

MIB = 1 << 20

ROM_BASE, ROM_SIZE = 0x1000, 0xF000
TEST_BASE = 0x0010_0000
RTC_BASE, RTC_IRQ = 0x0010_1000, 11
CLINT_BASE, CLINT_SIZE = 0x0200_0000, 0x1_0000
PLIC_BASE, PLIC_SIZE = 0x0C00_0000, 0x60_0000
PLIC_SOURCES = 96
UART_BASE, UART_SIZE, UART_IRQ = 0x1000_0000, 0x100, 10
UART_HZ = 3_686_400
FW_CFG_BASE, FW_CFG_SIZE = 0x1010_0000, 0x18
PCI_BASE, PCI_SIZE = 0x3000_0000, 0x1000_0000
PCI_PORTS, PCI_PORTS_SIZE = 0x0300_0000, 0x1_0000
PCI_MEMORY, PCI_MEMORY_SIZE = 0x4000_0000, 0x4000_0000
PCI_HIGH = {32: (0x3_0000_0000, 0x1_0000_0000), 64: (0x4_0000_0000, 0x4_0000_0000)}
"""Base and size of the window above 4 GiB."""
PCI_FIRST_IRQ, PCI_PINS = 0x20, 4
PLATFORM_BASE, PLATFORM_SIZE = 0x0400_0000, 0x0200_0000
VIRTIO_BASE, VIRTIO_COUNT, VIRTIO_FIRST_IRQ = 0x1000_1000, 8, 1
FLASH_BASE, FLASH_SIZE = 0x2000_0000, 32 * MIB
"""Two chips of this size, one after the other."""
RAM_BASE = 0x8000_0000
RAM_DEFAULT = 128 * MIB
TIMEBASE_HZ = 10_000_000
WINDOW = 0x1000


def virtio(number: int) -> tuple[int, int]:
    """Base and interrupt of virtio transport `number`."""
    return VIRTIO_BASE + WINDOW * number, VIRTIO_FIRST_IRQ + number
