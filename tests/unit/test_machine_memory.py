"""Memory as a debugger sees it: by the addresses that the CPU uses now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ttd.boards import BOARDS
from ttd.boards.virt import layout
from ttd.bus.bus import MachineError
from ttd.bus.virtual import PAGE
from ttd.host.semihost_files import SemihostFiles
from ttd.images import parse_image
from ttd.probe_api import TimelineError
from ttd.recorded import RecordedMachine, RecordOptions

RAM = layout.RAM_BASE
LOOP = bytes.fromhex("6f000000")
"""jal x0, 0: for ever."""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[RecordedMachine]:
    """A live machine with pages of `a`, `b` and `c`."""
    board = BOARDS["virt"]
    data = LOOP.ljust(PAGE, b"\0") + b"a" * PAGE + b"b" * PAGE + b"c" * PAGE
    image = parse_image("loop", data, RAM)
    options = RecordOptions(board, image, board.ns_per_step)
    found = RecordedMachine.record(
        options, str(tmp_path / "run.ttd"), {}, SemihostFiles(None), bytes
    )
    yield found
    found.close()


@pytest.fixture
def paged(session: RecordedMachine, monkeypatch: pytest.MonkeyPatch) -> RecordedMachine:
    """Virtual memory: three pages in another order, then a hole, then the UART."""
    pages = {0: RAM + 2 * PAGE, 1: RAM + PAGE, 2: RAM + 3 * PAGE, 4: layout.UART_BASE, 5: 1 << 40}

    def translate(address: int) -> int | None:
        page = pages.get(address // PAGE)
        return None if page is None else page + address % PAGE

    monkeypatch.setattr(session.machine.cpu, "translate", translate)
    return session


def test_reads_go_through_the_page_tables(paged: RecordedMachine) -> None:
    read = paged.timeline.probe.read_memory
    assert read(PAGE - 2, PAGE + 4) == b"bb" + b"a" * PAGE + b"cc"
    assert read(3 * PAGE - 2, 9) == b"cc"
    assert paged.timeline.probe.read_physical(RAM + 2 * PAGE - 2, 4) == b"aabb"
    for address in (3 * PAGE, 5 * PAGE, 1 << 63):
        with pytest.raises(TimelineError, match=f"nothing at {address:#x}"):
            read(address, 4)


def test_writes_go_through_the_page_tables_too(paged: RecordedMachine) -> None:
    paged.timeline.probe.write_memory(2 * PAGE - 2, b"1234")
    machine = paged.machine
    assert machine.bus.peek(RAM + 2 * PAGE - 3, 4) == b"a12b"
    assert machine.bus.peek(RAM + 3 * PAGE, 3) == b"34c"


@pytest.mark.parametrize("address", [3 * PAGE - 2, 3 * PAGE, 6 * PAGE - 2, 5 * PAGE])
def test_a_write_that_cannot_be_leaves_nothing_behind(paged: RecordedMachine, address: int) -> None:
    """Neither in memory nor in the recording, which must replay."""
    before = paged.machine.bus.peek(RAM + PAGE, 3 * PAGE)
    with pytest.raises(MachineError, match="no memory"):
        paged.timeline.probe.write_memory(address, b"1234")
    assert paged.machine.bus.peek(RAM + PAGE, 3 * PAGE) == before
    paged.run(1000, lambda step: None)
    paged.finish("enough", None)
    played = RecordedMachine.open(paged.recording.path, SemihostFiles(None))
    played.run(None, lambda step: None)
    played.compare_end()
    played.close()


def test_byte_registers_are_read_one_by_one(session: RecordedMachine) -> None:
    """The UART is idle: its line status register says so, at offset 5 of its eight bytes."""
    whole = session.timeline.probe.read_memory(layout.UART_BASE, 8)
    assert whole[5] == 0x60
    single = [session.timeline.probe.read_memory(layout.UART_BASE + at, 1)[0] for at in range(8)]
    assert bytes(single) == whole


def test_virtual_addresses_have_no_memory_map(session: RecordedMachine) -> None:
    assert session.timeline.probe.memory_map() == []
