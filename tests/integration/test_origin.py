"""`origin`: from a value back to what was typed, to a packet, a disk, a constant, an image."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from tests.integration.conftest import FIRMWARE, Server, symbols, ttd
from tests.integration.ethernet import udp
from tests.integration.gdb_mi import ROOT, Gdb
from tests.integration.inside import playing_session
from ttd.origin.flow import Flow
from ttd.origin.instructions import decode
from ttd.origin.rounds import Rounds
from ttd.origin.scene import Happened, Scene
from ttd.questions.origin import Origin, origin, scene_of
from ttd.questions.past import Past
from ttd.search import Range

pytestmark = pytest.mark.slow
"""`make check` does without."""

BOARDS = {"mps2": "mps2-an385", "microbit": "microbit", "virt": "virt", "virt32": "virt32"}
TYPED = b"4711\n"
Recorded = Callable[..., Past]


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Records a program; at the end of its recording."""
    sessions = []

    def make(elf: Path, board: str, *more: str | Path, stdin: bytes = b"") -> Past:
        path = tmp_path / f"run{len(sessions)}.ttd"
        done = ttd("record", "--board", board, "-o", path, *more, elf, stdin=stdin)
        assert path.exists(), done.stderr.decode()
        session = playing_session(path)
        sessions.append(session)
        session.timeline.seek(session.timeline.end)
        return Past(session)

    yield make
    for session in sessions:
        session.close()


def _origin(past: Past, what: str, step: int | None = None) -> Sequence[Origin]:
    """Its rows; the machine stays."""
    here = past.timeline.place
    rows = origin(past, what, past.timeline.position if step is None else step)
    assert past.timeline.place == here
    # Each is a source of one before it, which happened later or was so.
    for number, row in enumerate(rows):
        assert (row.of is None) == (number == 0)
        # (What enters at a position has been put there by the time the step before it is over.)
        assert row.of is None or row.of < number
        assert row.of is None or rows[row.of].place.step + 1 >= row.place.step
    return rows


def _ends(rows: Sequence[Origin]) -> list[Origin]:
    made_of = {row.of for row in rows}
    return [row for number, row in enumerate(rows) if number not in made_of]


def _number(recorded: Recorded, name: str) -> Past:
    elf = FIRMWARE / "number" / f"number-{name}.elf"
    return recorded(elf, BOARDS[name], "--steps", "12000", stdin=TYPED)


@pytest.mark.parametrize("name", BOARDS)
def test_a_number_that_was_typed(recorded: Recorded, name: str) -> None:
    """Through a buffer, arithmetic in a loop, calls, and registers that interrupts have saved."""
    past = _number(recorded, name)
    rows = _origin(past, "number")
    assert rows[0].value == int(TYPED)
    assert {"parsed", "run"} <= {row.function for row in rows} | {"run"}
    inputs = [row for row in _ends(rows) if row.kind == "input"]
    assert sorted(row.told.lstrip().partition(",")[0] for row in inputs) == [
        '"1"',
        '"1"',
        '"4"',
        '"7"',
    ]
    assert {row.told.rpartition("byte ")[2] for row in inputs} == {
        f"{n} of all its input" for n in range(4)
    }
    for row in inputs:
        assert row.event is not None
        (event,) = (event for n, event in past.log.select() if n == row.event)
        assert event.payload[1:] == bytes([row.value or 0])
    # One digit more: the data that the image has brought, which the program has copied.
    rows = _origin(past, "product")
    (image,) = (row for row in rows if row.kind == "image")
    elf = FIRMWARE / "number" / f"number-{name}.elf"
    at = int(image.told.partition("from byte ")[2].split()[0])
    assert elf.read_bytes()[at : at + 4] == struct.pack("<I", 3)
    assert sum(row.kind == "input" for row in rows) == 4
    # A part of a number, which is a byte of the line.
    (end,) = (row for row in _ends(_origin(past, "mixed")) if row.kind == "input")
    assert '"7"' in end.told
    (end,) = _ends(_origin(past, "constant"))
    assert end.kind == ("constant" if "virt" in name else "image")  # of the pool of constants
    # A variable that counts is followed round and round.
    ticks = _origin(past, "ticks")
    *_, again, first = ticks
    assert again.told == f"... again, {(ticks[0].value or 0) - 1} times more"
    assert first.kind == "first" and first.value == 0
    # A register, at a moment.
    step = next(row.place.step for row in rows if row.function == "times")
    assert _origin(past, "pc" if name == "none" else "sp", step)


def test_one_byte_of_a_packet(recorded: Recorded, tmp_path: Path) -> None:
    packets = [udp(b"helo"), udp(b"more"), udp(b"quit")]
    capture = tmp_path / "in.pcap"
    capture.write_bytes(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        + b"".join(struct.pack("<IIII", 0, 0, len(one), len(one)) + one for one in packets)
    )
    netdev = ("--semihosting", "--netdev", f"pcap,id=net0,file={capture},pace=fast")
    at = packets[0].index(b"helo")
    # From the FIFO of a LAN9118, word by word.
    past = recorded(FIRMWARE / "net-echo" / "net-echo.elf", "mps2-an385", *netdev)
    place = symbols(FIRMWARE / "net-echo" / "net-echo.elf")["ring"] + at
    rows = _origin(past, f"{place:#x}:1")
    (end,) = (row for row in _ends(rows) if row.kind == "input")
    assert rows[0].value == ord("h")
    assert f"byte {at} of the packet of event" in end.told
    assert end.event == next(n for n, event in past.log.select() if event.kind.name == "NET")
    # Put into memory by virtio-net.
    device = ("--device", "virtio-net,netdev=net0")
    elf = FIRMWARE / "virtio-net" / "virtio-net.elf"
    past = recorded(elf, "mps2-an385", *netdev, *device)
    place = symbols(elf)["in"] + 12 + at
    rows = _origin(past, f"{place:#x}:1")
    assert [row.kind for row in rows] == ["dma", "input"]
    assert f"byte {at} of the packet of event" in rows[1].told


def test_one_byte_of_a_disk(recorded: Recorded, tmp_path: Path) -> None:
    data = Random(1).randbytes(64 * 512)
    image = tmp_path / "disk.img"
    image.write_bytes(struct.pack("<II", 8, 64) + data[8:])
    drive = ("--drive", f"file={image},id=disk0", "--device", "virtio-blk,drive=disk0")
    elf = FIRMWARE / "disk-reads" / "disk-reads.elf"
    past = recorded(elf, "mps2-an385", "--semihosting", *drive)
    for offset in (17, 513, (1 << 20) + 1030):
        place = symbols(elf)["buffer"] + offset
        rows = _origin(past, f"{place:#x}:1")
        assert [row.kind for row in rows] == ["dma", "input"]
        words = rows[1].told.split()
        at = int(words[1]) + 512 * int(words[4])
        assert data[at] == past.machine.read_memory(place, 1)[0] == rows[0].value
        assert rows[1].told.endswith(f"of blk0, byte {at} of the disk")


def test_through_page_tables_and_a_control_register(recorded: Recorded) -> None:
    """One virtual address is two pages, and a page has two virtual addresses."""
    past = recorded(FIRMWARE / "spaces" / "spaces.elf", "virt", "--steps", "100000", stdin=b"abc")
    for variable, letter in (("same", "a"), ("alias", "b"), ("kept", "c")):
        rows = _origin(past, variable)
        (end,) = _ends(rows)
        assert end.kind == "input" and f'"{letter}"' in end.told, rows
    assert [row.kind for row in rows if "sscratch" in row.told] == ["arithmetic"] * 2
    rows = _origin(past, "overlaid")
    assert [row.value for row in _ends(rows)] == [0, 1, 2, 3]
    rows = _origin(past, "mepc")
    assert rows[0].function == "_start" and rows[-1].kind == "constant"


def test_registers_of_devices(recorded: Recorded) -> None:
    """What was written there, and a lasting effect of that."""
    past = _number(recorded, "mps2")
    rows = _origin(past, "UART0.CTRL")
    assert rows[0].kind == "store" and "UART0.CTRL" in rows[0].told


def test_addresses_and_no_more_than_is_asked_for(recorded: Recorded) -> None:
    past = _number(recorded, "mps2")
    end = past.timeline.end
    rows = _origin(past, "number")
    assert origin(past, "number", end, limit=4) == rows[:4]
    wide = origin(past, "number", end, addresses=True)
    assert [row.told for row in wide[:1]] == [row.told for row in rows[:1]]
    # The first one is where the variable is: a constant of the program.
    address, _, constant = wide[1:4]
    assert "address: " in address.told and address.of == 0 and address.depth == 1
    assert constant.kind == "image" and constant.value == address.value
    inputs = {row.event for row in rows if row.kind == "input"}
    assert inputs <= {row.event for row in wide}


@pytest.mark.parametrize("variable", ["progress", "checksum"])
def test_many_rounds_at_once(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A counter that is kept on the stack in its loop, and in registers for others there: as it is
    when each round is gone through."""
    elf = FIRMWARE / "bench" / "bench-systick.elf"
    past = recorded(elf, "mps2-an385", "--semihosting", "--steps", "6000000")
    at_once = _origin(past, variable)
    monkeypatch.setattr(Rounds, "back", lambda *_: None)
    one_by_one = _origin(past, variable)
    assert _shown(at_once) == _shown(one_by_one)
    if variable == "progress":
        # Three rounds are shown.
        again = next(row for row in at_once if row.kind == "again" and row.place.step < 500_000)
        assert int(again.told.split()[2]) + 3 == at_once[0].value
        assert at_once[-1].kind == "constant"


@pytest.mark.parametrize("most", ["rounds._WINDOW", "scene._MOST_RAN", "scene._MOST_ACCESSES"])
def test_many_rounds_in_pieces(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    """Fewer steps, instructions or accesses at once."""
    elf = FIRMWARE / "bench" / "bench-systick.elf"
    past = recorded(elf, "mps2-an385", "--semihosting", "--steps", "6000000")
    whole = _origin(past, "progress")
    few = {"rounds._WINDOW": 700_000, "scene._MOST_RAN": 10_000, "scene._MOST_ACCESSES": 40}
    monkeypatch.setattr(f"ttd.origin.{most}", few[most])
    ends = list[int]()
    ran = Scene.ran

    def noted(
        scene: Scene, code: Sequence[int], data: Sequence[Range], low: int, high: int
    ) -> Happened:
        ends.append(high)
        return ran(scene, code, data, low, high)

    monkeypatch.setattr(Scene, "ran", noted)
    assert _origin(past, "progress") == whole
    assert len(ends) > 4


def test_no_rounds_are_left(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was passed over then, and nothing is told of that."""
    elf = FIRMWARE / "bench" / "bench-systick.elf"
    past = recorded(elf, "mps2-an385", "--semihosting", "--steps", "1000000")
    monkeypatch.setattr("ttd.origin.finder._MOST_ROUND", 0)
    told = [row.told.lstrip() for row in _origin(past, "checksum")]
    assert not [text for text in told if " 0 times" in text]
    assert [text for text in told if text.startswith("It is followed no further: ask for ")]


def _shown(rows: Sequence[Origin]) -> list[str]:
    return [row.told for row in rows if row.kind != "again"]


def test_what_the_processor_changes_is_said(recorded: Recorded) -> None:
    past = _number(recorded, "mps2")
    assert [row.kind for row in _origin(past, "msp")][:2] == ["move", "interrupt"]
    for name in ("psp", "control"):
        (row,) = _origin(past, name)
        assert row.kind == "cannot follow" and row.told.startswith(f"{name} = 0x0, which")
    past = _number(recorded, "virt")
    for name in ("cycle", "mip", "priv"):
        (row,) = _origin(past, name)
        assert row.kind == "cannot follow"
    # What a trap sets.
    rows = _origin(past, "mcause")
    assert rows[0].kind == "interrupt" and "was set by the entry of" in rows[0].told


def test_answers_of_the_host(recorded: Recorded) -> None:
    """A line by SYS_READ, a time, random bytes."""
    elf = FIRMWARE / "reads" / "reads.elf"
    options = ("--semihosting", "--serial", "null")
    past = recorded(elf, "mps2-an385", *options, stdin=b"2hallo\nxyz\n")
    step, read = next((n, e) for n, e in past.log.select() if e.kind.name == "CHAR_READ_ALL")
    rows = _origin(past, "r0", read.step + 1)
    assert "bkpt" in rows[0].told and rows[1].event == step
    with past.staying():
        past.go(read.step + 1)
        memory = past.machine.read_memory(past.timeline.cpu.read_register("sp"), 64)
        place = past.timeline.cpu.read_register("sp") + memory.index(b"2hallo")
    rows = _origin(past, f"{place + 3:#x}:1", read.step + 1)
    assert [row.kind for row in rows] == ["dma", "input"] and '"l", byte 3 of 11' in rows[1].told
    past = recorded(
        FIRMWARE / "rtc" / "rtc.elf", "mps2-an385", "--semihosting", "--device", "pl031"
    )
    number, now = next((n, e) for n, e in past.log.select() if e.kind.name == "CLOCK_HOST")
    rows = _origin(past, "r6", _next(past, "ldr r6, [r3]", now.step))
    assert rows[0].kind == "device" and "RTC0.DR" in rows[0].told
    assert rows[1].kind == "input" and rows[1].event is not None and rows[1].event >= number
    elf = FIRMWARE / "virtio-rng" / "virtio-rng.elf"
    past = recorded(elf, "mps2-an385", "--semihosting", "--device", "virtio-rng")
    rows = _origin(past, f"{symbols(elf)['bytes'] + 5:#x}:1")
    assert [row.kind for row in rows] == ["dma", "input"]
    assert rows[1].told.startswith("byte 5 of the random of event")


def _next(past: Past, text: str, step: int) -> int:
    """The position behind the next instruction that reads so."""
    with past.staying():
        past.go(step)
        while True:
            code = past.machine.read_memory(past.timeline.cpu.read_register("pc"), 4)
            found = decode("arm", code, 0)
            past.one_step()
            if found is not None and found.text == text:
                return past.timeline.position


def test_the_bug_of_the_tutorial(recorded: Recorded) -> None:
    """The bit is lost because what is written back was read before the interrupt set it."""
    elf = ROOT / "examples" / "lost-event" / "lost-event.elf"
    past = recorded(elf, "mps2-an385", "--semihosting")
    rows = _origin(past, "todo")
    assert rows[0].function == "main" and rows[0].kind == "store"
    # It went through the frame of the very interrupt whose event is lost ...
    saved = rows[1]
    assert saved.kind == "saved" and saved.function == "Sensor_Handler"
    assert "where an exception's entry has saved it" in saved.told
    # ... and was read before.
    read = next(row for row in rows if row.told.lstrip().startswith("main") and "ldrb" in row.told)
    entered = int(saved.told.rpartition(" ")[2])
    assert read.place.step < entered < saved.place.step < rows[0].place.step
    # Where the program counter is from: an entry, a return, what comes next.
    assert "was set by the entry of IRQ 8" in _origin(past, "pc", entered + 1)[0].told
    back, stacked = _origin(past, "pc", saved.place.step + 1)
    assert "pop" in back.told and "which stacks pc" in stacked.told
    assert "the instruction behind it" in _origin(past, "pc", saved.place.step)[0].told


def test_front_ends(
    recorded: Recorded, serve: Callable[..., Server], attach: Callable[..., Gdb], tmp_path: Path
) -> None:
    past = _number(recorded, "mps2")
    path = past.session.recording.path
    rows = _origin(past, "number")
    lines = [f"{row.place.step:>14}  {row.told}" for row in rows]
    assert ttd("origin", path, "number").stdout.decode().splitlines() == lines
    said = ttd("ask", path, "origin", "number", "--at", "end", "--json").stdout.decode()
    read = [json.loads(line) for line in said.splitlines()]
    assert [(one["step"], one["kind"], one["of"]) for one in read] == [
        (row.place.step, row.kind, row.of) for row in rows
    ]
    elf = FIRMWARE / "number" / "number-mps2.elf"
    gdb = attach(elf, serve("serve", "--port", "0", path).port)
    assert gdb.say("monitor origin number --at end").splitlines()[1:] == lines
    for wrong in ("nothing", "*nothing", "0x20000000:65", "7 +", "0x90000000", "0xffffffff:16"):
        done = ttd("origin", path, wrong)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.startswith(b"ttd: ") and done.stderr.count(b"\n") == 1, done.stderr
    assert b"64 at most are followed" in ttd("origin", path, "0x20000000:65").stderr


@pytest.mark.parametrize("name", ["mps2", "virt"])
def test_what_set_a_register_last(recorded: Recorded, name: str) -> None:
    """Between interrupts: beside its values in each of many steps."""
    past = _number(recorded, name)
    timeline, low, high = past.timeline, 8900, 9700
    names = ["r3", "r4", "r5", "lr", "sp"] if name == "mps2" else ["a5", "s1", "s2", "ra", "sp"]
    values: dict[str, list[int]] = {one: [] for one in names}
    past.go(low)
    while timeline.position <= high:
        for one in names:
            values[one].append(timeline.cpu.read_register(one))
        past.one_step()
    flow, rng = Flow(scene_of(past.session, past.registers)), Random(7)
    for one in names:
        changes = [n for n, pair in enumerate(pairwise(values[one])) if pair[0] != pair[1]]
        for _ in range(12):
            step = rng.randrange(low + 400, high)
            made = flow.made(one, step)
            assert made is not None
            # Nothing has changed it since, and what is there sets it.
            assert made.step < step
            assert all(low + n <= made.step for n in changes if low + n < step), (one, step)
            if made.instruction is not None and not made.returns:
                assert one in made.instruction.sets
                past.go(made.step)
                assert timeline.cpu.read_register("pc") == made.pc
