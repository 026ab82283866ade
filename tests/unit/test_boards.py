"""Boards: maps without overlaps, and lines that arrive where the manual says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.unit.device_doubles import HandClock, HandFront, advance
from ttd.boards import BOARDS
from ttd.boards.base import Board, MappedDevice, Wiring
from ttd.cpu.models import CPUS
from ttd.devices.base import BusError
from ttd.engine import Engine


class NoMemory:
    """What no device of a board reaches for by itself."""

    def __init__(self, by: str) -> None:
        """A way into memory."""

    def read(self, address: int, size: int) -> bytes:
        raise BusError

    look = read

    def write(self, address: int, data: bytes) -> None:
        raise BusError


class Bench:
    """Just enough of a machine to build a board's devices."""

    def __init__(self, board: Board) -> None:
        self.clock = HandClock()
        self.engine = Engine(CPUS[board.cpu].isa)
        self.levels: dict[int | str, bool] = {}
        self.resets = 0
        self.fronts: dict[str, HandFront] = {}
        wiring = Wiring(
            clock=self.clock,
            irq=self.levels.__setitem__,
            nmi=lambda level: self.levels.__setitem__("nmi", level),
            reset=self.reset,
            char=self.front,
            dma=NoMemory,
            native=self.engine.native,
        )
        self.devices = {found.device.name: found for found in board.build_devices(wiring)}

    def reset(self) -> None:
        self.resets += 1

    def front(self, name: str) -> HandFront:
        return self.fronts.setdefault(name, HandFront())

    def high(self) -> set[int | str]:
        return {line for line, level in self.levels.items() if level}

    def write(self, address: int, value: int) -> None:
        found = self.at(address)
        found.device.write(address - found.base, 4, value)

    def at(self, address: int) -> MappedDevice:
        (found,) = [d for d in self.devices.values() if d.base <= address < d.base + d.size]
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench(BOARDS["mps2-an385"])


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_maps_do_not_overlap_and_are_whole_pages(board: Board) -> None:
    bench = Bench(board)
    spans = [(d.base, d.base + d.size, name) for name, d in bench.devices.items()]
    for region in board.regions:
        for base in (region.base, *region.mirrors):
            spans.append((base, base + region.size, region.name))
    spans += [(band.alias, band.alias + band.alias_size, "bit-band") for band in board.bit_bands]
    spans.sort()
    for (_, end, name), (start, _, other) in pairwise(spans):
        assert end <= start, f"{name} overlaps {other}"
    assert all(start % 0x1000 == 0 == end % 0x1000 for start, end, _ in spans)
    assert list(bench.fronts) == list(board.serials)


@pytest.mark.parametrize(
    "base, rx, tx, overrun",
    [
        (0x40004000, 0, 1, {12}),
        (0x40005000, 2, 3, {12}),
        (0x40006000, 4, 5, {12}),
        (0x40007000, 18, 19, set()),
        (0x40009000, 20, 21, set()),
    ],
)
def test_uart_interrupts(bench: Bench, base: int, rx: int, tx: int, overrun: set[int]) -> None:
    bench.write(base + 8, 0x3F)
    bench.write(base, 0x41)
    assert bench.high() == {tx}
    front = bench.fronts[bench.at(base).device.name]
    front.receive(b"a")
    assert bench.high() == {tx, rx}
    front.receive(b"b")
    assert bench.high() == {tx, rx} | overrun


@pytest.mark.parametrize("base, irq", [(0x40000000, 8), (0x40001000, 9)])
def test_timer_interrupts(bench: Bench, base: int, irq: int) -> None:
    bench.write(base + 8, 1000)
    bench.write(base, 9)
    advance(bench.at(base).device, bench.clock, 40_000)
    assert bench.high() == {irq}


def test_dual_timer_interrupt(bench: Bench) -> None:
    bench.write(0x40002020, 10)
    bench.write(0x40002028, 0xA2)
    advance(bench.at(0x40002000).device, bench.clock, 400)
    assert bench.high() == {10}


def test_watchdog_is_nmi_and_reset(bench: Bench) -> None:
    bench.write(0x40008000, 10)
    bench.write(0x40008008, 3)
    advance(bench.at(0x40008000).device, bench.clock, 400)
    assert (bench.high(), bench.resets) == ({"nmi"}, 0)
    advance(bench.at(0x40008000).device, bench.clock, 840)
    assert bench.resets == 1


def test_ethernet_interrupt(bench: Bench) -> None:
    bench.write(0x4020005C, 1 << 31)
    bench.write(0x40200054, 0x100)
    assert bench.high() == set(), "an open drain output"
    bench.write(0x40200054, 0x111)
    assert bench.high() == {13}
    bench.write(0x40200054, 0x101)
    assert bench.high() == set(), "active low"
    assert bench.at(0x40200000).device.read(0x64, 4) == 0x87654321


def test_memory_is_found_through_its_mirrors() -> None:
    board = BOARDS["mps2-an385"]
    names = {}
    for address in (0, 0x3FFFFF, 0x400000, 0x100FFFF, 0x207FFFFF, 0x21FFFFFF, 0x800000):
        region = board.region_at(address)
        names[address] = region and region.name
    assert list(names.values()) == [
        "ssram1", "ssram1", "ssram1", "blockram", "ssram23", "psram", None,
    ]  # fmt: skip
