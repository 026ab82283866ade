"""What is where, as debuggers are told: physical memory, and what page tables make of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from unicorn import riscv_const as rv

from ttd.boards import BOARDS
from ttd.boards.raw import raw_board
from ttd.boards.virt import layout
from ttd.debugger.session import Session
from ttd.host.semihost_files import SemihostFiles
from ttd.images import parse_image
from ttd.monitor import Monitor
from ttd.recorded import RecordedMachine, RecordOptions
from ttd.space import MOST_JOINED, TOP, Span

READ, WRITE, EXECUTE = 1, 2, 4
RW, RX, RWX = READ | WRITE, READ | EXECUTE, READ | WRITE | EXECUTE
V, R, W, X, U = 1, 2, 4, 8, 16
PAGE, MEGA, GIGA = 1 << 12, 1 << 21, 1 << 30
RAM, SIZE = layout.RAM_BASE, 128 << 20
ROOT = RAM + 0x10000
"""Where tables are put, one page after the other."""

Make = Callable[[str], RecordedMachine]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Live machines, by board; their code is a loop."""
    made: list[RecordedMachine] = []

    def record(name: str) -> RecordedMachine:
        words = ["cpu=aarch64", "ram=0x1000:0x3000", "ram=0x4000:0x1000", "uart=pl011@0x9000"]
        raw = name == "raw"
        board = raw_board([*words, "pc=0x1000", "sp=0x2000"]) if raw else BOARDS[name]
        start = 0x1000 if raw else RAM if name.startswith("virt") else 0
        data = b"\0\0\0\x20\x09\0\0\0\xfe\xe7" if not start else b"\x6f\0\0\0"
        options = RecordOptions(board, parse_image("loop", data, start), board.ns_per_step)
        path = str(tmp_path / f"{len(made)}.ttd")
        made.append(RecordedMachine.record(options, path, {}, SemihostFiles(None), bytes))
        return made[-1]

    yield record
    for machine in made:
        machine.close()


def everything(session: RecordedMachine) -> list[Span]:
    """All spans from 0 to 2^64, which are found from anywhere inside, and leave nothing out."""
    spans: list[Span] = []
    at = 0
    while at < TOP:
        span = session.timeline.probe.span_at(at)
        assert span.start == at < span.end
        for inside in (span.start, (span.start + span.end) // 2, span.end - 1):
            assert session.timeline.probe.span_at(inside) == span
        spans.append(span)
        at = span.end
    return spans


def shown(spans: list[Span]) -> list[tuple[int, int, int, str]]:
    return [(s.start, s.end, s.rights, s.name) for s in spans if s.rights]


def listed(session: RecordedMachine) -> list[tuple[int, int, str]]:
    """Rows of `monitor info mem`: start, end, rights."""
    rows = []
    for line in Monitor(Session(session.timeline)).execute("info mem").splitlines():
        addresses, size, rights = line.split()
        start, end = (int(part, 16) for part in addresses.split("-"))
        assert end - start == int(size, 16) and len(rights) == 3
        rows.append((start, end, rights))
    return rows


def test_a_cortex_m_board(make: Make) -> None:
    spans = everything(make("mps2-an385"))
    assert (0, 0x400000, RWX, "ssram1") in shown(spans)
    assert (0x400000, 0x800000, RWX, "ssram1") in shown(spans)
    assert (0x40004000, 0x40005000, RW, "uart0") in shown(spans)
    assert (0xE000E000, 0xE000F000, RW, "scs") in shown(spans)
    assert (0x22000000, 0x24000000, RW, "bit-band") in shown(spans)
    assert Span(0x800000, 0x1000000) in spans
    assert spans[-1] == Span(1 << 32, TOP)
    assert spans[-2].end == 1 << 32 and not spans[-2].rights


def test_flash_is_not_to_be_written(make: Make) -> None:
    spans = shown(everything(make("microbit")))
    assert (0, 0x40000, RX, "flash") in spans


def test_a_raw_board(make: Make) -> None:
    session = make("raw")
    spans = everything(session)
    assert [(s.start, s.end, s.rights) for s in spans] == [
        (0, 0x1000, 0),
        (0x1000, 0x4000, RWX),
        (0x4000, 0x5000, RWX),
        (0x5000, 0x9000, 0),
        (0x9000, 0xA000, RW),
        (0xA000, TOP, 0),
    ]
    assert listed(session) == [(0x1000, 0x5000, "-rw"), (0x9000, 0xA000, "-rw")]


@pytest.mark.parametrize("name", ["mps2-an385", "microbit", "virt", "raw"])
def test_memory_can_be_read_where_it_is_said_to_be(make: Make, name: str) -> None:
    session = make(name)
    for span in everything(session):
        if span.name != "bit-band":  # of what is not there there are no bits
            for address in (span.start, span.end - 1):
                data = session.machine.read_memory(address, 1)
                assert bool(data) == bool(span.rights), hex(address)


# -- page tables: "Sv32" and "Sv39" of the privileged architecture ------------------------------


def enter(session: RecordedMachine, tables: dict[int, dict[int, int]]) -> None:
    """Supervisor mode with these tables: number of the table -> index -> entry; the root is 0."""
    machine = session.machine
    wide = machine.board.cpu == "rv64"
    size = 8 if wide else 4
    for number, entries in tables.items():
        for index, entry in entries.items():
            machine.bus.poke(ROOT + number * PAGE + index * size, entry.to_bytes(size, "little"))
    mode = 8 << 60 if wide else 1 << 31
    machine.cpu.write_register("pmpaddr0", (1 << 54) - 1 if wide else (1 << 32) - 1)
    machine.cpu.write_register("pmpcfg0", 0x1F)
    machine.engine.reg_write(rv.UC_RISCV_REG_SATP, mode | ROOT >> 12)
    machine.engine.reg_write(rv.UC_RISCV_REG_PRIV, 1)


def entry(target: int, flags: int) -> int:
    return target >> 12 << 10 | flags | V


def table(number: int) -> int:
    """The entry that points to a table."""
    return entry(ROOT + number * PAGE, 0)


def test_sv39(make: Make) -> None:
    session = make("virt")
    enter(
        session,
        {
            0: {
                0: table(1),
                2: entry(0x80000000, R | W | X),  # a gigabyte, of which 128 MB are memory
                3: entry(0x80001000, R | W | X),  # misaligned
                256: entry(0x80000000, R | X | U),
                511: table(3),
            },
            1: {
                0: table(2),
                1: entry(RAM, R | X),
                2: entry(RAM + MEGA, R | X),
                3: entry(RAM, W),
                4: entry(RAM, R),
            },
            2: {
                0: entry(RAM + PAGE, R | W),
                1: entry(RAM, R | W),
                2: entry(RAM, X),
                4: entry(layout.UART_BASE, R | W | X),
                5: entry(0x50000000, R | W),  # nothing is there
                6: entry(RAM, R | W) & ~V,
            },
            3: {511: entry(RAM, R | U)},
        },
    )
    top, high = TOP, TOP - (1 << 38)
    uart = 4 * PAGE
    spans = everything(session)
    assert [(s.start, s.end, s.rights, s.user) for s in spans if s.rights] == [
        (0, 2 * PAGE, RW, False),
        (2 * PAGE, 3 * PAGE, EXECUTE, False),
        (uart, uart + PAGE, RW, False),
        (MEGA, 3 * MEGA, RX, False),
        (4 * MEGA, 5 * MEGA, READ, False),
        (2 * GIGA, 2 * GIGA + SIZE, RWX, False),
        (high, high + SIZE, RX, True),
        (top - MEGA, top, READ, True),
    ]
    # Page tables map more than there is, and some of it twice.
    assert listed(session) == [
        (0, 2 * PAGE, "-rw"),
        (2 * PAGE, 3 * PAGE, "---"),
        (4 * PAGE, 6 * PAGE, "-rw"),
        (MEGA, 3 * MEGA, "-r-"),
        (4 * MEGA, 5 * MEGA, "-r-"),
        (2 * GIGA, 3 * GIGA, "-rw"),
        (high, high + GIGA, "ur-"),
        (top - MEGA, top, "ur-"),
    ]
    # Holes of all sizes are one, with what is not an address at all.
    assert Span(2 * GIGA + SIZE, high) in spans
    compare(session, 64)


def test_sv32(make: Make) -> None:
    session = make("virt32")
    big = 1 << 22
    enter(
        session,
        {
            0: {0: table(1), 1: entry(RAM, R | X), 3: entry(RAM + PAGE, R), 1023: entry(RAM, R)},
            1: {0: entry(RAM, R | W), 1023: entry(RAM, R | X)},
        },
    )
    assert [(s.start, s.end, s.rights) for s in everything(session)] == [
        (0, PAGE, RW),
        (PAGE, big - PAGE, 0),
        (big - PAGE, 2 * big, RX),
        (2 * big, (1 << 32) - big, 0),
        ((1 << 32) - big, 1 << 32, READ),
        (1 << 32, TOP, 0),
    ]
    assert listed(session) == [
        (0, PAGE, "-rw"),
        (big - PAGE, 2 * big, "-r-"),
        ((1 << 32) - big, 1 << 32, "-r-"),
    ]
    compare(session, 32)


def compare(session: RecordedMachine, bits: int) -> None:
    """Addresses near borders, and others: something is there if the CPU finds it."""
    borders = {span.start for span in everything(session)}
    numbers = random.Random(5)
    near = [(b + d) % TOP for b in borders for d in (-PAGE, -1, 0, 1, PAGE)]
    for address in [*near, *(numbers.randrange(1 << bits) for _ in range(60))]:
        if address >> bits:
            continue
        there = bool(session.machine.read_memory(address, 1))
        assert there == bool(session.timeline.probe.span_at(address).rights), hex(address)


def test_machine_mode_has_physical_addresses(make: Make) -> None:
    session = make("virt")
    before = everything(session)
    enter(session, {0: {0: entry(RAM, R)}})
    assert everything(session) != before
    session.machine.engine.reg_write(rv.UC_RISCV_REG_PRIV, 3)
    assert everything(session) == before


def test_tables_outside_of_memory_map_nothing(make: Make) -> None:
    session = make("virt")
    enter(session, {0: {0: entry(0x50000000, 0), 1: entry(layout.UART_BASE, 0)}})
    assert everything(session) == [Span(0, TOP)]
    assert Monitor(Session(session.timeline)).execute("info mem") == "Nothing is mapped.\n"


def test_tables_without_end_are_answered_in_parts(make: Make) -> None:
    """A table that is its own: every page of it, again and again."""
    session = make("virt")
    flags = (R | W, R | W | U)
    entries = {index: entry(ROOT, flags[index % 2]) for index in range(2)}
    enter(session, {0: {index: table(0) for index in range(2, 512)} | entries})
    spans = [session.timeline.probe.span_at(at) for at in (0, 5 * GIGA, (1 << 38) - 1)]
    assert all(s.start < s.end for s in spans)
    said = Monitor(Session(session.timeline)).execute("info mem")
    assert said.count("\n") < 10_000 and "There may be more from 0x" in said
    session.machine.bus.poke(
        ROOT, b"".join(entry(RAM, R).to_bytes(8, "little") for _ in range(512))
    )
    enter(session, {0: {0: table(1)}, 1: dict.fromkeys(range(512), table(2))})
    enter(session, {2: dict.fromkeys(range(512), entry(RAM, R | W))})
    span = session.timeline.probe.span_at(GIGA // 2)
    assert span.end - span.start == (2 * MOST_JOINED + 1) * PAGE
    ahead = session.timeline.probe.span_at(span.end)
    assert ahead.rights == span.rights and ahead.end > span.end


def test_neighbours_differ(make: Make) -> None:
    session = make("virt")
    enter(session, {0: {0: table(1)}, 1: {0: entry(RAM, R), 1: entry(RAM, R | U)}})
    spans = everything(session)
    assert all(one.kind != other.kind for one, other in pairwise(spans))
    assert [s.end for s in spans[:2]] == [MEGA, 2 * MEGA]
