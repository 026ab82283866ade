"""The empty PCI bus and the firmware configuration device of the `virt` boards."""

from __future__ import annotations

import pytest

from tests.unit.device_doubles import HandClock
from ttd.devices.fw_cfg import FwCfg
from ttd.devices.pci_host import PciHost


def test_the_bridge_is_alone_on_its_bus() -> None:
    host = PciHost("pci", HandClock())
    assert (host.read(0, 4), host.read(8, 4), host.read(0x2C, 4)) == (
        0x0008_1B36,
        0x0600_0000,
        0x1100_1AF4,
    )
    for function in (0x1000, 0x8000, 0x10_0000, 0xFFF_F000):
        assert host.read(function, 4) == 0xFFFF_FFFF
        host.write(function, 4, 7)
    assert host.read(0x8000, 2) == 0xFFFF


def test_only_what_a_driver_sets_can_be_written() -> None:
    host = PciHost("pci", HandClock())
    host.write(4, 4, 0xFFFF_FFFF)
    host.write(0, 4, 0)
    host.write(0x3C, 1, 9)
    host.write(0x0C, 1, 16)
    assert host.read(4, 4) == 0x0547
    assert host.read(0, 2) == 0x1B36
    assert (host.read(0x3C, 1), host.read(0x0C, 4)) == (9, 16)
    host.write(5, 1, 0)
    assert host.read(4, 2) == 0x47


@pytest.mark.parametrize(
    ("key", "item"), [(0, b"QEMU\0\0"), (1, b"\1\0\0\0\0"), (0x19, bytes(6)), (0x77, bytes(3))]
)
def test_an_item_is_read_byte_by_byte_and_ends_in_zeros(key: int, item: bytes) -> None:
    device = FwCfg("fw-cfg", HandClock())
    for _ in range(2):
        device.write(8, 2, int.from_bytes(key.to_bytes(2, "big"), "little"))
        assert bytes(device.read(0, 1) for _ in item) == item
    device.write(8, 2, 0)
    assert device.read(0, 4).to_bytes(4, "little") == b"QEMU"
