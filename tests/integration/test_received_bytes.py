"""Bytes that come by a UART's wire: in one run, in slices and in single steps they enter at the
same steps, and a replay is the same, natively and by Python.

The guest (tests/firmware/swallow) waits for them asleep, busy, asleep with interrupts masked, or
asks, and prints a sum over them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.integration import soak
from tests.integration.border import Clocks, Line
from tests.integration.cli_tools import FIRMWARE
from tests.integration.raw_guests import CODE, halves
from tests.integration.test_declared_registers import switch_off
from ttd.engine.receiver import Receiver
from ttd.engine.types import Access
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine, RecordOptions
from ttd.recording.events import Kind
from ttd.replay.chars import CharDriver
from ttd.replay.errors import Divergence
from ttd.replay.terms import Cause
from ttd.stops import Stops, Watchpoint, Why

pytestmark = pytest.mark.slow
"""`make check` does without."""

WAYS = "sbmpx"
END = bytes((4,)) * 3
HOME = FIRMWARE / "swallow"
RAW = MachineChoice(
    "raw",
    cpu="cortex-m3",
    ram=["0:64K", "0x20000000:64K"],
    load=[str(HOME / "swallow-pl011.elf")],
    uart=["pl011@0x40004000,irq=5"],
)
MACHINES = {"pl011": RAW} | {
    name: MachineChoice(board, str(HOME / f"swallow-{name}.elf"))
    for name, board in (
        ("mps2", "mps2-an385"),
        ("microbit", "microbit"),
        ("virt", "virt"),
        ("virt32", "virt32"),
    )
}
DATA = {
    "pl011": 0x40004000,
    "mps2": 0x40004000,
    "microbit": 0x40002518,
    "virt": 0x10000000,
    "virt32": 0x10000000,
}
"""Where received bytes are read."""


def record(name: str, path: Path | None, **more: bool) -> tuple[RecordedMachine, Line]:
    board, loads = MACHINES[name].make()
    options = RecordOptions(board, loads, board.ns_per_step, semihosting=True)
    line = Line()
    session = RecordedMachine.record(
        replace(options, **more),  # type: ignore[arg-type]
        None if path is None else str(path),
        {serial: line if number == 0 else Line() for number, serial in enumerate(board.serials)},
        SemihostFiles(None),
        os.urandom,
        HostSides(time=Clocks()),
    )
    return session, line


def checksum(data: bytes) -> bytes:
    """What the guest prints."""
    total = 0
    for byte in data[: data.index(4) + 1]:
        total = ((total << 5 | total >> 27) & 0xFFFFFFFF) ^ byte
    return b"%08x\n" % total


def text(dice: random.Random, way: str, count: int) -> bytes:
    """The way is said twice: what has come before the ns16550's FIFO is switched on is lost."""
    return way.encode() * 2 + bytes(dice.choices(range(32, 127), k=count)) + END


def run_out(session: RecordedMachine, slices: Callable[[], int] = lambda: 10_000_000) -> bytes:
    """Record until the guest ends; returns the state there."""
    machine = session.machine
    while machine.ended is None:
        machine.run(machine.engine.step + slices())
        assert machine.engine.step < 20_000_000
    state = soak.portable(session.snapshots.capture())
    session.finish(machine.ended.reason, machine.ended.code)
    session.close()
    return state


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MACHINES)
def test_the_recorder_may_run_in_any_slices(name: str, way: str, tmp_path: Path) -> None:
    """What waits enters where the device can take it, natively or when Python looks."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    typed = text(random.Random(seed), way, 60)
    states = []
    for dice, longest in ((random.Random(1), 10_000_000), (random.Random(2), 700)):
        session, line = record(name, tmp_path / f"{longest}.ttd")
        line.type(typed)
        states.append(run_out(session, partial(dice.randint, 1, longest)))
        assert line.output in (checksum(typed[1:]), checksum(typed[2:]))
    assert states[0] == states[1]


OPENS = halves(
    # r0: the PL011; r1: LCR_H.FEN; r2: longer than a character is on its way
    *(0x2001, 0x0400, 0x3001, 0x0380, 0x2110, 0x22FF, 0x0112, 0x3A01, 0xD1FD),
    *(0x62C1, 0xBF00, 0xBF00, 0xE7FE),  # str r1, [r0, #0x2c]; nop; nop; b .
)
"""With a character in it the UART is full, until its FIFO is switched on, which Python does."""


@pytest.mark.parametrize("longest", [1, 50_000])
def test_a_byte_enters_behind_the_write_that_makes_room(longest: int, tmp_path: Path) -> None:
    blob, steps = tmp_path / "opens.bin", 20_000
    blob.write_bytes(OPENS)
    choice = replace(RAW, ram=[f"{CODE:#x}:64K"], load=[f"{blob}@{CODE:#x}"], pc=f"{CODE:#x}")
    board, loads = choice.make()
    line = Line()
    session = RecordedMachine.record(
        RecordOptions(board, loads, board.ns_per_step),
        str(tmp_path / "run.ttd"),
        {"uart0": line},
        SemihostFiles(None),
        os.urandom,
        HostSides(time=Clocks()),
    )
    line.type(b"ab")
    while session.machine.engine.step < steps:
        session.machine.run(min(steps, session.machine.engine.step + longest))
    read = session.replay.log.select([Kind.CHAR_READ])
    behind = 7 + 2 * 0xFF0 + 4  # the branch behind the write
    assert [(event.step, event.payload[1:]) for _, event in read] == [(0, b"a"), (behind, b"b")]
    session.close()


@pytest.mark.parametrize("exact", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", MACHINES)
def test_all_ways_of_going_through_it(name: str, exact: bool, tmp_path: Path) -> None:
    """Bytes that come when they like, resets and looks in between; then forwards, backwards,
    stepwise and from snapshots."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice, path = random.Random(seed), tmp_path / "run.ttd"
    with soak.every(dice.choice((700, 20_000, 1 << 40))):
        session, line = record(name, path, exact_interrupts=exact)
        line.type(dice.choice(WAYS).encode() * 2)

        def more() -> None:
            line.type(dice.randbytes(dice.choice((1, 1, 1, 3, 30))).replace(b"\4", b"."))

        def wait(timeout: float) -> bool:
            more()  # instead of waiting, when the guest sleeps
            return True

        session.replay.wait = wait  # type: ignore[method-assign]
        for _ in range(40):
            more()
            session.machine.run(session.machine.engine.step + dice.choice((1, 40, 900, 9_000)))
            if dice.random() < 0.2:
                soak.seen(session)
            if dice.random() < 0.03:
                session.replay.reset_request(Cause.HOST)
        final = soak.portable(soak.seen(session))
        session.finish("enough", None)
        session.close()
    places, known = soak.forwards(path, dice)
    assert soak.portable(known[max(known)]) == final
    soak.going_to(path, dice, places, known)
    soak.stepping(path, dice, places, known)
    soak.restoring(path, dice, places, known)
    soak.searching(path, dice)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MACHINES)
def test_by_python_it_is_the_same(
    name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, typed = tmp_path / "run.ttd", text(random.Random(3), way, 100)
    session, line = record(name, path)
    line.type(typed)
    run_out(session)
    switch_off(monkeypatch)
    played = soak.player(path)
    played.run(None, lambda step: None)
    played.compare_end()
    played.verify_snapshots()
    played.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MACHINES)
def test_next_to_none_comes_by_python(
    name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those at positions that somebody has seen, and where the recorder looks at the host."""
    received, path = [], tmp_path / "run.ttd"
    receive = CharDriver.deliver

    def counted(driver: CharDriver, payload: bytes) -> None:
        received.append(payload)
        receive(driver, payload)

    monkeypatch.setattr(CharDriver, "deliver", counted)
    session, line = record(name, path)
    line.type(text(random.Random(3), way, 300))
    run_out(session)
    assert len(received) < 20
    played = soak.player(path)
    played.run(None, lambda step: None)
    played.compare_end()
    played.close()
    assert len(received) < 40


@pytest.mark.parametrize("name", MACHINES)
def test_a_wire_that_is_not_free_where_it_was_is_a_difference(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, typed = tmp_path / "run.ttd", text(random.Random(3), "s", 30)
    session, line = record(name, path)
    line.type(typed)
    run_out(session)
    paced = Receiver.is_paced

    def slower(receiver: Receiver, character_ns: int, **more: int) -> None:
        paced(receiver, 2 * character_ns, **more)

    monkeypatch.setattr(Receiver, "is_paced", slower)
    played = soak.player(path)
    with pytest.raises(Divergence):
        played.run(None, lambda step: None)
    played.close()


@pytest.mark.parametrize("name", MACHINES)
def test_a_debugger_stops_at_each_read(name: str, tmp_path: Path) -> None:
    path, typed = tmp_path / "run.ttd", text(random.Random(3), "s", 20)
    session, line = record(name, path)
    line.type(typed)
    run_out(session)
    played = soak.player(path)
    timeline = played.timeline
    stops = Stops(watchpoints=(Watchpoint(DATA[name], 1, Access.READ),))
    forwards, backwards = [], []
    while (stop := timeline.run_forward(stops)).why is Why.WATCHPOINT:
        forwards.append(stop.step)
    assert len(forwards) >= len(typed) - 4
    while (stop := timeline.run_backward(stops)).why is Why.WATCHPOINT:
        backwards.append(stop.step)
    assert backwards == forwards[::-1]
    played.close()
