"""Virtio devices against a driver of a few lines: what the standard says, and bad drivers."""

from __future__ import annotations

import struct
from collections.abc import Callable

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.device_doubles import HandClock, HandFront, HandNet, Trace
from ttd.devices.virtio.block import VirtioBlock
from ttd.devices.virtio.console import VirtioConsole
from ttd.devices.virtio.input import VirtioInput
from ttd.devices.virtio.mmio import EmptySlot, VirtioMmio
from ttd.devices.virtio.net import VirtioNet
from ttd.devices.virtio.rng import VirtioRng

TABLE, AVAIL, USED, DATA = 0x1000, 0x2000, 0x3000, 0x4000
QUEUE = 0x4000
"""Distance between the structures of two queues."""
ENTRIES = 8


class Ram:
    """64 KiB at 0."""

    def __init__(self) -> None:
        self.bytes = bytearray(1 << 16)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.bytes[address : address + size])

    def write(self, address: int, data: bytes) -> int:
        part = data[: max(0, len(self.bytes) - address)]
        self.bytes[address : address + len(part)] = part
        return len(part)


class Disk:
    """A disk whose requests complete when the test says."""

    size = 16 * 512

    def __init__(self) -> None:
        self.data = bytearray(range(256)) * 32
        self.numbers: list[int] = []

    def connect(self, complete: Callable[[int, int], None]) -> None:
        self.complete = complete

    def submit(self, offset: int, count: int, writes: bool) -> int:
        self.numbers.append(len(self.numbers) + 7)
        return self.numbers[-1]

    def read(self, offset: int, count: int) -> bytes:
        return bytes(self.data[offset : offset + count])

    def write(self, offset: int, data: bytes) -> None:
        self.data[offset : offset + len(data)] = data


class Halves:
    """Bottom halves that run when the test says."""

    def __init__(self) -> None:
        self.scheduled = 0
        self.oneshots = 0

    def register_bh(self, name: str, handler: Callable[[bytes], None]) -> None:
        self.run = handler

    def bh_schedule_event(self, name: str) -> None:
        self.scheduled += 1

    def bh_schedule_oneshot_event(self, name: str) -> None:
        self.oneshots += 1

    def run_oneshots(self) -> None:
        while self.oneshots:
            self.oneshots -= 1
            self.run(b"")


class Keys:
    """The front of an input device."""

    def connect(self, event: Callable[[int, int, int], None], sync: Callable[[], None]) -> None:
        self.event, self.sync = event, sync


class Driver:
    """The guest's side of one device."""

    def __init__(self, make: Callable[[Ram, HandClock, Trace], VirtioMmio]) -> None:
        self.ram, self.clock = Ram(), HandClock()
        self.trace = Trace(self.clock)
        self.device = make(self.ram, self.clock, self.trace)
        self.free: list[int] = []

    def reg(self, offset: int, value: int | None = None) -> int:
        if value is None:
            return self.device.read(offset, 4)
        self.device.write(offset, 4, value)
        return 0

    def start(self, features: int = 1 << 32) -> None:
        for status in (0, 1, 3):
            self.reg(0x70, status)
        for half in (0, 1):
            self.reg(0x24, half)
            self.reg(0x20, features >> 32 * half & 0xFFFFFFFF)
        self.reg(0x70, 0xB)
        self.free = [0] * self.device.QUEUES
        for queue in range(self.device.QUEUES):
            self.ram.write(AVAIL + queue * QUEUE, bytes(4))
            self.reg(0x30, queue)
            self.reg(0x38, ENTRIES)
            self.reg(0x80, TABLE + queue * QUEUE)
            self.reg(0x90, AVAIL + queue * QUEUE)
            self.reg(0xA0, USED + queue * QUEUE)
            self.reg(0x44, 1)
        self.reg(0x70, 0xF)

    def descriptor(
        self, at: int, address: int, size: int, flags: int, following: int = 0, queue: int = 0
    ) -> None:
        where = TABLE + queue * QUEUE + 16 * at
        self.ram.write(where, struct.pack("<QIHH", address, size, flags, following))

    def offer(self, head: int, queue: int = 0) -> None:
        avail = AVAIL + queue * QUEUE
        index = self.free[queue]
        self.ram.write(avail + 4 + 2 * (index % ENTRIES), struct.pack("<H", head))
        self.free[queue] = index + 1
        self.ram.write(avail + 2, struct.pack("<H", (index + 1) & 0xFFFF))
        self.reg(0x50, queue)

    def used(self, queue: int = 0) -> list[tuple[int, int]]:
        (count,) = struct.unpack("<H", self.ram.read(USED + queue * QUEUE + 2, 2))
        ring = self.ram.read(USED + queue * QUEUE + 4, 8 * ENTRIES)
        return list(struct.iter_unpack("<II", ring))[:count]

    def request(self, kind: int, sector: int, size: int, at: int = 0) -> None:
        """A disk request of three descriptors from `at` on; data at DATA, status after it."""
        self.ram.write(0x8000 + 16 * at, struct.pack("<IIQ", kind, 0, sector))
        self.descriptor(at, 0x8000 + 16 * at, 16, 1, at + 1)
        self.descriptor(at + 1, DATA, size, 1 if kind == 1 else 3, at + 2)
        self.descriptor(at + 2, 0x9000 + at, 1, 2)
        self.ram.write(0x9000 + at, b"\xff")
        self.offer(at)


def block(readonly: bool = False, halves: Halves | None = None) -> tuple[Driver, Disk]:
    disk = Disk()
    soon = halves or Halves()
    driver = Driver(
        lambda ram, clock, trace: VirtioBlock(
            "blk", clock, ram, trace.line("irq"), disk, soon, readonly
        )
    )
    return driver, disk


MAKERS: dict[str, Callable[[Ram, HandClock, Trace], VirtioMmio]] = {
    "block": lambda ram, clock, trace: VirtioBlock(
        "b", clock, ram, trace.line("irq"), Disk(), Halves()
    ),
    "rng": lambda ram, clock, trace: VirtioRng(
        "r", clock, ram, trace.line("irq"), lambda n: b"\1" * n, Halves()
    ),
    "console": lambda ram, clock, trace: VirtioConsole(
        "c", clock, ram, trace.line("irq"), HandFront()
    ),
    "input": lambda ram, clock, trace: VirtioInput(
        "i", clock, ram, trace.line("irq"), Keys(), "tablet"
    ),
    "net": lambda ram, clock, trace: VirtioNet(
        "n", clock, ram, trace.line("irq"), HandNet(), b"\x52\x54\0\0\0\1", Halves()
    ),
    "empty": lambda ram, clock, trace: EmptySlot("e", clock, ram, trace.line("irq")),
}


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
    assert not driver.reg(0x70) & 8
    driver.start(features=1 << 40 | 1 << 32)
    assert not driver.reg(0x70) & 8


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=40, deadline=None)
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
    front.room = 10
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
