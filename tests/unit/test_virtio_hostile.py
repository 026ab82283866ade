"""Drivers that lie about their rings: no device takes more memory or time for it, or goes on."""

from __future__ import annotations

import struct

import pytest

from tests.unit.virtio_driver import AVAIL, DATA, ENTRIES, MAKERS, TABLE, Driver, Halves, Ram, block
from ttd.devices.virtio.console import MOST as CONSOLE_MOST

NEXT, WRITE = 1, 2
"""Flags of a descriptor (2.7.5)."""
TOP = (1 << 64) - 10
HUGE = (1 << 32) - 1
CHAINS = {
    "one buffer of 4 GiB": [(DATA, HUGE, 0, 0)],
    "writable, 4 GiB": [(DATA, HUGE, WRITE, 0)],
    "a table of 2^28 entries, in a circle": [(TABLE + 16, HUGE - 15, 4, 0), (DATA, 1, NEXT, 0)],
    "the end of the address space": [(TOP, 64, 0, 0)],
    "writable, the end of the address space": [(TOP, 64, WRITE, 0)],
    "a table at the end of the address space": [(TOP, 64, 4, 0)],
    "all of memory, often": [(0, 1 << 30, NEXT, at + 1) for at in range(ENTRIES)],
    "a circle": [(DATA, 1, NEXT, 0)],
    "nothing": [(DATA, 0, 0, 0)],
    "nothing, writable": [(DATA, 0, WRITE, 0)],
}
RINGS = [1 << 64, (1 << 64) - 2, (1 << 64) - 4, (1 << 64) - 16, 1 << 63]


def serve(driver: Driver) -> None:
    """All that a device may have put off: bottom halves, deadlines, input."""
    halves = getattr(driver.device, "halves", None)
    for _ in range(4):
        if isinstance(halves, Halves):
            halves.run(b"")
        due = driver.device.deadline()
        if due is not None:
            driver.clock.ns = due
            driver.device.expire()


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "empty"])
def test_what_a_chain_claims_is_not_believed(kind: str, chain: str) -> None:
    driver = Driver(MAKERS[kind])
    driver.start()
    for queue in range(driver.device.QUEUES):
        for at, descriptor in enumerate(CHAINS[chain]):
            driver.descriptor(at, *descriptor, queue=queue)
        driver.ram.moved = 0
        driver.offer(0, queue)
        serve(driver)
        assert driver.ram.moved < 5 * Ram.MOST
    assert driver.device.save()
    driver.start()
    assert driver.reg(0x70) == 0xF, "a reset makes all good"


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("low", [0x80, 0x90, 0xA0])
@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "empty"])
def test_rings_where_there_is_no_memory(kind: str, low: int, ring: int) -> None:
    driver = Driver(MAKERS[kind])
    driver.start()
    for queue in range(driver.device.QUEUES):
        driver.reg(0x30, queue)
        driver.reg(0x44, 0)
        driver.reg(low, ring & 0xFFFFFFFF)
        driver.reg(low + 4, ring >> 32 & 0xFFFFFFFF)
        driver.reg(0x44, 1)
        driver.descriptor(0, DATA, 64, 0, queue=queue)
        driver.offer(0, queue)
        serve(driver)
    assert driver.device.save()


def test_an_available_ring_that_is_ahead_of_itself() -> None:
    driver, disk = block()
    driver.start()
    driver.ram.write(AVAIL + 2, struct.pack("<H", ENTRIES + 1))
    driver.reg(0x50, 0)
    assert driver.reg(0x70) & 64
    assert disk.numbers == []


def test_no_more_requests_are_under_way_than_the_queue_has_room_for() -> None:
    driver, disk = block()
    driver.start()
    for _ in range(ENTRIES):
        driver.request(0, 0, 512)
    assert len(disk.numbers) == ENTRIES
    assert not driver.reg(0x70) & 64
    driver.request(0, 0, 512)
    assert driver.reg(0x70) & 64
    assert len(disk.numbers) == ENTRIES


def test_a_queue_that_is_taken_away_forgets_its_requests() -> None:
    driver, disk = block()
    driver.start()
    driver.request(0, 0, 512)
    driver.reg(0x30, 0)
    driver.reg(0x44, 0)
    driver.reg(0x44, 1)
    disk.complete(7, 0)
    assert driver.used() == []
    driver.ram.write(AVAIL, bytes(4))
    driver.free = [0]
    driver.request(0, 1, 512)
    disk.complete(8, 0)
    assert driver.used() == [(0, 513)]


def test_a_console_says_what_is_long_in_pieces() -> None:
    driver = Driver(MAKERS["console"])
    driver.start()
    front = driver.device.front  # type: ignore[attr-defined]
    front.left = 1 << 30
    for at in range(4):
        driver.descriptor(at, 0, 1 << 15, NEXT if at < 3 else 0, at + 1, queue=1)
    driver.offer(0, queue=1)
    assert len(front.taken) == CONSOLE_MOST
    assert driver.used(1) == []
    serve(driver)
    assert len(front.taken) == 4 << 15
    assert driver.used(1) == [(0, 0)]


@pytest.mark.parametrize("kind", ["console", "net"])
def test_to_ask_for_room_changes_nothing(kind: str) -> None:
    driver = Driver(MAKERS[kind])
    driver.start()
    driver.descriptor(0, DATA, 16, WRITE | NEXT, 0)  # a circle
    driver.offer(0)
    front = driver.device.front  # type: ignore[attr-defined]
    before = driver.device.save()
    assert front.can_receive(*([60] if kind == "net" else []))
    assert driver.device.save() == before
    front.receive(bytes(60))
    assert driver.reg(0x70) & 64
