"""Virtio devices against a driver of a few lines: what the standard says, and bad drivers."""

from __future__ import annotations

import struct

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.device_doubles import HandFront, HandNet
from tests.unit.virtio_driver import (
    AVAIL,
    DATA,
    MAKERS,
    QUEUE,
    TABLE,
    USED,
    Driver,
    Halves,
    Keys,
    block,
)
from ttd.devices.virtio.console import VirtioConsole
from ttd.devices.virtio.input import VirtioInput
from ttd.devices.virtio.net import VirtioNet
from ttd.devices.virtio.rng import VirtioRng


@pytest.mark.parametrize("kind", MAKERS)
def test_identity_and_status(kind: str) -> None:
    driver = Driver(MAKERS[kind])
    types = {"net": 1, "block": 2, "rng": 4, "console": 3, "input": 18, "empty": 0}
    assert [driver.reg(at) for at in (0, 4, 8)] == [0x74726976, 2, types[kind]]
    assert driver.reg(0xB0) == 0xFFFFFFFF
    driver.start()
    assert driver.reg(0x70) == 0xF
    driver.reg(0x70, 0)
    assert driver.reg(0x70) == 0
    driver.start(features=0)  # without VIRTIO_F_VERSION_1
    assert driver.reg(0x70) & 8, "such a driver is served"
    driver.start(features=1 << 40 | 1 << 32)
    assert not driver.reg(0x70) & 8


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=examples(40), deadline=None)
@given(
    accesses=st.lists(
        st.tuples(st.integers(0, 0x44).map(lambda n: n * 4), st.integers(0, 0xFFFFFFFF)),
        max_size=20,
    ),
    memory=st.binary(min_size=64, max_size=64),
)
def test_no_driver_breaks_it_and_its_state_is_data(
    kind: str, accesses: list[tuple[int, int]], memory: bytes
) -> None:
    driver = Driver(MAKERS[kind])
    driver.start()
    for base in (TABLE, AVAIL, USED):
        driver.ram.write(base, memory)
        driver.ram.write(base + QUEUE, memory)
    for offset, value in accesses:
        driver.reg(offset, value)
        driver.reg(0x50, value & 1)
    state = driver.device.save()
    other = Driver(MAKERS[kind])
    other.device.load(msgpack.unpackb(msgpack.packb(state)))
    assert other.device.save() == state
    assert other.trace.events == []
    assert other.device.line.level == driver.device.line.level
    driver.device.reset()
    assert driver.device.save() == Driver(MAKERS[kind]).device.save()


def test_disk_requests_complete_in_any_order() -> None:
    driver, disk = block()
    driver.start()
    assert struct.unpack("<Q", driver.device.config()[:8]) == (16,)
    driver.request(0, 1, 512, at=0)
    driver.request(4, 0, 0, at=3)
    assert driver.used() == []
    assert not driver.device.line.level
    disk.complete(8, 0)
    assert driver.used() == [(3, 1)]
    assert driver.reg(0x60) == 1
    assert driver.device.line.level
    driver.reg(0x64, 1)
    assert not driver.device.line.level
    disk.complete(7, 0)
    assert driver.used() == [(3, 1), (0, 513)]
    assert driver.ram.read(DATA, 512) == disk.read(512, 512)
    assert driver.ram.read(0x9000, 1) == b"\0"
    disk.complete(7, 0)  # twice: nothing happens
    assert len(driver.used()) == 2


def test_writes_errors_and_what_is_refused() -> None:
    halves = Halves()
    driver, disk = block(halves=halves)
    driver.start()
    driver.ram.write(DATA, b"w" * 512)
    driver.request(1, 15, 512)
    disk.complete(7, 0)
    assert disk.read(15 * 512, 512) == b"w" * 512
    driver.request(0, 0, 512)
    disk.complete(8, 5)
    assert driver.ram.read(0x9000, 1) == b"\1"
    for kind, sector, size, status in [(0, 16, 512, 1), (0, 0, 100, 1), (99, 0, 0, 2)]:
        driver.request(kind, sector, size)
        assert driver.ram.read(0x9000, 1) == b"\xff", "not while it is being made"
        halves.run_oneshots()
        assert driver.ram.read(0x9000, 1) == bytes((status,))
    assert len(disk.numbers) == 2
    driver, disk = block(readonly=True, halves=halves)
    driver.start(features=1 << 5 | 1 << 32)
    driver.request(1, 0, 512)
    halves.run_oneshots()
    assert driver.ram.read(0x9000, 1) == b"\1"


def test_each_answer_has_a_bottom_half_of_its_own() -> None:
    halves = Halves()
    driver, disk = block(halves=halves)
    driver.start()
    for at, kind in ((0, 8), (3, 99)):
        driver.request(kind, 16, 512 if at else 20, at)
    assert (halves.oneshots, halves.scheduled, driver.used()) == (2, 0, [])
    other, _ = block(halves=Halves())
    other.device.load(msgpack.unpackb(msgpack.packb(driver.device.save())))
    halves.run(b"")
    assert driver.used() == [(0, 21)]
    assert driver.ram.read(DATA, 20) == b"blk".ljust(20, b"\0")
    driver.reg(0x70, 0)
    halves.run(b"")
    assert driver.used() == [(0, 21)], "a reset forgets them"
    assert len(other.device.save()["answered"]) == 2
    assert disk.numbers == []


def test_a_reset_forgets_what_is_under_way() -> None:
    driver, disk = block()
    driver.start()
    driver.request(0, 0, 512)
    driver.reg(0x70, 0)
    disk.complete(7, 0)
    assert driver.used() == []
    assert driver.ram.read(0x9000, 1) == b"\xff"


@pytest.mark.parametrize(
    ("address", "size", "flags", "following"),
    [
        (DATA, 16, 1, 0),  # a circle
        (DATA, 16, 1, 99),  # out of the table
        (0x20000, 16, 0, 0),  # no memory there
        (DATA, 16, 0, 0),  # no status
        (DATA, 17, 4, 0),  # an indirect table of one and a bit
    ],
)
def test_a_bad_chain_needs_a_reset(address: int, size: int, flags: int, following: int) -> None:
    driver, _ = block()
    driver.start()
    driver.descriptor(0, address, size, flags, following)
    driver.offer(0)
    assert driver.reg(0x70) & 64
    assert driver.reg(0x60) == 2
    driver.start()
    assert driver.reg(0x70) == 0xF


def test_indirect_descriptors() -> None:
    driver, disk = block()
    driver.start(features=1 << 32 | 1 << 28)
    driver.request(0, 2, 512, at=0)
    table = driver.ram.read(TABLE, 48)
    disk.complete(7, 0)
    driver.ram.write(0xA000, table)
    driver.descriptor(5, 0xA000, 48, 4)
    driver.offer(5)
    disk.complete(8, 0)
    assert driver.used()[1] == (5, 513)
    assert driver.ram.read(DATA, 512) == disk.read(1024, 512)


def test_random_bytes_come_later_and_once() -> None:
    halves = Halves()
    driver = Driver(
        lambda ram, clock, trace: VirtioRng(
            "r", clock, ram, trace.line("irq"), lambda n: bytes((n,)) * n, halves
        )
    )
    driver.start()
    driver.descriptor(0, DATA, 5, 3, 1)
    driver.descriptor(1, DATA + 100, 3, 2)
    driver.offer(0)
    assert driver.used() == []
    halves.run(b"")
    assert driver.used() == [(0, 8)]
    assert driver.ram.read(DATA, 5) + driver.ram.read(DATA + 100, 3) == b"\x08" * 8
    halves.run(b"")
    assert len(driver.used()) == 1


def test_console_both_ways_and_a_host_that_refuses() -> None:
    front = HandFront(room=3)
    driver = Driver(
        lambda ram, clock, trace: VirtioConsole("c", clock, ram, trace.line("irq"), front)
    )
    assert front.can_receive() == 0
    driver.start()
    driver.descriptor(0, DATA, 4, 2)
    driver.offer(0)
    assert front.can_receive() == 4
    front.receive(b"abc")
    assert driver.used() == [(0, 3)]
    assert driver.ram.read(DATA, 3) == b"abc"
    assert front.can_receive() == 0
    driver.ram.write(DATA + 0x800, b"hello")
    driver.descriptor(0, DATA + 0x800, 5, 0, queue=1)
    driver.offer(0, queue=1)
    assert (front.taken, driver.used(1)) == (b"hel", [])
    front.left = 10
    driver.clock.ns = driver.device.deadline() or 0
    driver.device.expire()
    assert (front.taken, driver.used(1)) == (b"hello", [(0, 0)])
    assert driver.device.deadline() is None


def test_input_groups_are_whole_or_lost() -> None:
    keys = Keys()
    driver = Driver(
        lambda ram, clock, trace: VirtioInput("i", clock, ram, trace.line("irq"), keys, "tablet")
    )
    driver.start()
    for n in range(3):
        driver.descriptor(n, DATA + 8 * n, 8, 2)
        driver.offer(n)
    for code in (1, 2, 3):
        keys.event(1, code, 1)
    keys.sync()
    assert driver.used() == []
    keys.event(3, 0, 77)
    keys.sync()
    assert driver.used() == [(0, 8), (1, 8)]
    assert struct.unpack("<HHi", driver.ram.read(DATA, 8)) == (3, 0, 77)
    assert driver.ram.read(DATA + 8, 8) == bytes(8)


def test_input_tells_what_it_is() -> None:
    driver = Driver(MAKERS["input"])
    device = driver.device

    def ask(select: int, subsel: int) -> bytes:
        device.write(0x100, 1, select)
        device.write(0x101, 1, subsel)
        return bytes(device.read(0x108 + n, 1) for n in range(device.read(0x102, 1)))

    assert ask(1, 0) == b"ttd virtio tablet"
    assert ask(0x11, 3) == b"\3"
    assert ask(0x12, 0) == struct.pack("<IIIII", 0, 0x7FFF, 0, 0, 0)
    assert ask(0x11, 2) == b"\0\1"
    assert ask(0x12, 5) == b""
    assert len(ask(3, 0)) == 8


def test_packets_both_ways() -> None:
    net, halves = HandNet(), Halves()
    driver = Driver(
        lambda ram, clock, trace: VirtioNet(
            "n", clock, ram, trace.line("irq"), net, b"\x52\x54\0\0\0\1", halves
        )
    )
    assert driver.device.config() == b"\x52\x54\0\0\0\1\1\0"
    assert not net.can_receive(60)
    driver.start(features=1 << 32 | 1 << 5)
    driver.ram.write(DATA, bytes(12) + b"packet")
    driver.descriptor(0, DATA, 12, 1, 1, queue=1)
    driver.descriptor(1, DATA + 12, 6, 0, queue=1)
    driver.offer(0, queue=1)
    assert (net.sent, halves.scheduled) == ([], 1)
    halves.run(b"")
    assert net.sent == [b"packet"]
    assert driver.used(1) == [(0, 0)]
    seen = net.readies
    driver.descriptor(0, DATA, 72, 2)
    driver.offer(0)
    assert net.readies == seen + 1
    assert net.can_receive(60)
    assert not net.can_receive(61)
    net.receive(b"x" * 60)
    assert driver.used() == [(0, 72)]
    assert driver.ram.read(DATA, 72) == bytes(10) + b"\1\0" + b"x" * 60
    assert not net.can_receive(0)
