"""The guest's side of virtio devices, in a few lines, over doubles of all they are connected to."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.unit.device_doubles import HandClock, HandFront, HandNet, Trace
from ttd.bus.dma import DmaPort
from ttd.cpu.models import CPUS
from ttd.devices.virtio.block import VirtioBlock
from ttd.devices.virtio.console import VirtioConsole
from ttd.devices.virtio.input import VirtioInput
from ttd.devices.virtio.mmio import EmptySlot, VirtioMmio
from ttd.devices.virtio.net import VirtioNet
from ttd.devices.virtio.rng import VirtioRng
from ttd.engine import Engine

TABLE, AVAIL, USED, DATA = 0x1000, 0x2000, 0x3000, 0x4000
QUEUE = 0x4000
"""Distance between the structures of two queues."""
ENTRIES = 8


class Ram:
    """64 KiB at 0. Nobody may ask it for more at once than any device has use for."""

    MOST = 8 << 20

    def __init__(self) -> None:
        self._engine = Engine(CPUS["cortex-m3"].isa)
        self._engine.map_ram(0, 1 << 16)
        self._engine.start()
        self._port = DmaPort(self._engine, "a device")
        self.native = self._port.native
        self.moved = 0
        """Bytes asked for, all in all, but for the rings."""

    def read(self, address: int, size: int) -> bytes:
        assert size <= self.MOST
        found = self._port.read(address, size)
        self.moved += size
        return found

    look = read

    def write(self, address: int, data: bytes) -> None:
        self._port.write(address, data)
        self.moved += len(data)


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
