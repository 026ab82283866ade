"""`monitor regs`: registers of devices by name, of the models and of a description."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import FIRMWARE, Recorded, Server, ttd
from tests.integration.gdb_mi import Gdb
from ttd.boards import names
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.register_names import RegisterNames

pytestmark = pytest.mark.slow
"""`make check` does without."""

Connect = Callable[..., Gdb]

SVD = """<device><peripherals><peripheral>
  <name>MINE</name><baseAddress>0x40004000</baseAddress>
  <registers><register><name>STATUS</name><addressOffset>4</addressOffset>
    <fields><field><name>BUSY</name><bitRange>[0:0]</bitRange></field></fields>
  </register></registers>
</peripheral><peripheral>
  <name>GONE</name><baseAddress>0x70000000</baseAddress>
  <registers><register><name>R</name><addressOffset>0</addressOffset></register></registers>
</peripheral></peripherals></device>"""


def _regs(gdb: Gdb, name: str = "") -> str:
    command = f"monitor regs {name}".strip()
    return gdb.say(command).removeprefix(f"{command}\n")


def test_values_are_those_that_gdb_reads(connect: Connect) -> None:
    gdb = connect("irqs")
    gdb.goto(7000)
    listed = re.findall(r"^(\w+) +0x[0-9a-f]+  \d+ register", _regs(gdb), re.MULTILINE)
    assert {"UART0", "TIMER0", "SYSTICK", "NVIC", "SCB", "ETHERNET"} <= set(listed)
    before = gdb.registers()
    for name in ("UART0", "TIMER0", "SYSTICK", "NVIC", "SCB"):
        rows = re.findall(rf"^{name}\.\w+ +(0x[0-9a-f]+)  (0x[0-9a-f]+)", _regs(gdb, name), re.M)
        assert rows
        for address, value in rows:
            assert gdb.value(f"*(unsigned *){address}") == int(value, 16), (name, address)
    assert gdb.registers() == before
    assert "ENABLE=1" in _regs(gdb, "timer0.ctrl")
    field = r"TIMER0\.CTRL\.ENABLE  0x40000000  0x1  mask 0x1 of 0x0{7}9\n"
    assert re.fullmatch(field, _regs(gdb, "TIMER0.CTRL.ENABLE"))


def test_wrong_names_get_one_sentence(connect: Connect) -> None:
    gdb = connect("irqs")
    for name, sentence in (
        ("UART9", "No device is called 'UART9'; there are TIMER0,"),
        ("UART9.STATE", "No device is called"),
        ("UART0.NONE", "UART0 has no register 'UART0.NONE'; it has DATA, STATE, CTRL,"),
        ("UART0.STATE.NONE", "UART0.STATE has no field 'NONE'; it has TXFULL,"),
        ("UART0 STATE", "regs takes the name of"),
        (".", "No device is called"),
    ):
        text = _regs(gdb, name)
        assert text.startswith(sentence) and text.count("\n") == 1, text


@pytest.mark.parametrize("board", sorted(set(names()) - {"raw"}))
def test_all_names(board: str, tmp_path: Path) -> None:
    """Each is found again, reads without a side effect, and is within its device."""
    firmware = {"mps2-an385": "mps2", "microbit": "microbit"}.get(board, board)
    path = tmp_path / "run.ttd"
    elf = FIRMWARE / "crash" / f"crash-{firmware}.elf"
    ttd("record", "--board", board, "--steps", "2000", "-o", path, elf)
    session = RecordedMachine.open(str(path), SemihostFiles(None))
    session.timeline.seek(session.timeline.end)
    state = session.snapshots.capture().state
    registers = RegisterNames(session.machine)
    assert "UART0" in {block.name for block in registers.blocks}
    for block in registers.blocks:
        assert registers.show([block.name])
        assert len({one.name for one in block.registers}) == len(block.registers)
        for one in block.registers:
            named = registers.find(f"{block.name}.{one.name}".lower())
            unit = session.machine.bus.at(named.address)
            assert unit is not None and named.address % named.size == 0, named
            assert named.address + named.size <= unit.base + unit.size, named
            for field in one.fields:
                found = registers.find(f"{named.name}.{field.name}")
                assert (found.address, found.mask) == (named.address, field.mask)
                assert 0 < field.mask < 1 << 8 * named.size, found
    assert session.snapshots.capture().state == state


def test_a_description_adds_names(
    record: Callable[[str], Recorded],
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
    tmp_path: Path,
) -> None:
    svd = tmp_path / "mine.svd"
    svd.write_text(SVD)
    calls = record("calls")
    gdb = attach(calls.elf, serve("serve", "--port", "0", "--svd", svd, calls.path).port)
    assert _regs(gdb, "MINE.STATUS") == "MINE.STATUS  0x40004004  0x00000000  BUSY=0\n"
    assert _regs(gdb, "gone") == "GONE.R  0x70000000  nothing answers\n"
    assert "UART0.STATE" in _regs(gdb, "UART0")
    live = serve("record", "--board", "mps2-an385", "--gdb", "0", "--svd", svd, calls.elf)
    assert _regs(attach(calls.elf, live.port), "MINE").startswith("MINE.STATUS")


def test_a_bad_description(record: Callable[[str], Recorded], tmp_path: Path) -> None:
    svd = tmp_path / "bad.svd"
    svd.write_text('<!DOCTYPE device [<!ENTITY a "b">]><device>&a;</device>')
    calls = record("calls")
    for command in (
        ("serve", "--svd", svd, calls.path),
        ("record", "--board", "mps2-an385", "--gdb", "0", "--svd", svd, calls.elf),
        ("gdb", calls.path, "--svd", svd),
        ("serve", "--svd", tmp_path / "none.svd", calls.path),
    ):
        done = ttd(*command)
        assert done.returncode != 0
        assert done.stderr.count(b"\n") == 1 and b".svd" in done.stderr, done.stderr.decode()
    done = ttd("record", "--board", "mps2-an385", "--svd", svd, calls.elf)
    assert done.returncode != 0 and b"Traceback" not in done.stderr
