"""Rows of steps backward: each of them leads to just the state that going forward to that position
gives, whatever the step has done; nothing is gone through twice for it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.border import Clocks, Image, Line, drive
from tests.integration.cli_tools import FIRMWARE
from tests.integration.fat import make_image
from tests.integration.inside import playing_session, recording_session
from tests.integration.state_difference import difference
from tests.integration.walks import BLOCK
from tests.snapshots import snapshots_every
from ttd.boards.extras import Extra
from ttd.boards.networks import Networks
from ttd.engine import Access
from ttd.history.unattended import Unattended
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine, RecordOptions
from ttd.recording.events import Kind
from ttd.replay.chars import CharBackend
from ttd.stops import Stops, Watchpoint, Why

pytestmark = pytest.mark.slow
"""`make check` does without."""

NS16550 = {"ram": ("0x100000:4M",), "uart": ("ns16550@0x40000000",)}
PL011 = {"ram": ("0x40000000:16M",), "uart": ("pl011@0x9000000",)}
RTC = Extra("pl031", "rtc0", {"clock": "vm"})


@dataclass(frozen=True)
class Machine:
    """A board, an image, and what else there is."""

    board: str
    image: str
    cpu: str | None = None
    raw: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: Extra | None = None
    typed: bytes = b""

    def record(self, path: Path) -> None:
        """What it does in some time."""
        raw, image = dict(self.raw), str(FIRMWARE / self.image)
        if raw:
            raw["load"] = (image,)
        choice = MachineChoice(self.board, None if raw else image, cpu=self.cpu, **raw)  # type: ignore[arg-type]
        board, loads = choice.make()
        disk = bytes(make_image(b"hello\n"))
        options = RecordOptions(
            board,
            loads,
            board.ns_per_step,
            semihosting=True,
            extras=() if self.extra is None else (self.extra,),
            drives=[drive("disk0", disk)] if self.extra is BLOCK else (),
            networks=Networks(),
        )
        line = Line()
        backends: dict[str, CharBackend] = {SEMIHOSTING: Line()}
        backends |= {name: line for name in board.serials[:1]}
        backends |= {name: Line() for name in board.serials[1:]}
        session = RecordedMachine.record(
            options,
            str(path),
            backends,
            SemihostFiles(None),
            bytes,
            HostSides(disks={"disk0": Image(disk)}, time=Clocks()),
        )
        if self.typed:
            session.machine.run(TYPED_AT)
            line.type(self.typed)
        session.machine.onlooker = Unattended(session.machine)
        session.machine.run(SOME)
        session.leave("enough")
        session.close()


SOME = 400_000
"""Steps that are recorded, at most."""
TYPED_AT = 40_000
TYPED = (FIRMWARE / "rtos/input.txt").read_bytes()
QUICK = (
    Machine("mps2-an385", "irqs/irqs.elf"),
    Machine("mps2-an385", "selfmod/selfmod.elf"),
    Machine("mps2-an385", "mpu/mpu.elf"),
    Machine("mps2-an385", "virtio-blk/virtio-blk.elf", extra=BLOCK),
    Machine("virt", "rtos/rtos-rv64.elf", typed=TYPED),
    Machine("raw", "blob/blob-x86-64.elf", "x86-64", NS16550),
    Machine("raw", "blob/blob-aarch64.elf", "aarch64", NS16550),
)
LONG = (
    Machine("mps2-an385", "faults/faults.elf"),
    Machine("mps2-an385", "sleeps/sleeps.elf", extra=RTC),
    Machine("mps2-an385", "tasks/tasks.elf"),
    Machine("mps2-an385", "cortexm-isa/cortexm-isa-m3.elf"),
    Machine("microbit", "microbit/microbit.elf"),
    Machine("virt32", "rtos/rtos-rv32.elf", typed=TYPED),
    Machine("virt", "riscv-isa/riscv-isa-rv64.elf"),
    Machine("virt", "soak/soak-pages-rv64.elf"),
    Machine("virt", "threads/zephyr-rv64.elf"),
    Machine("raw", "x86-isa/x86-isa.elf", "x86-64", NS16550),
    Machine("raw", "a64-isa/a64-isa.elf", "aarch64", PL011),
)


def _name(machine: Machine) -> str:
    return Path(machine.image).stem


def _hash(session: RecordedMachine) -> bytes:
    return session.snapshots.state_hash(session.snapshots.capture())


def _as_forward(path: Path, windows: int, length: int) -> None:
    """Back through some windows of a recording, and on from there."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    back, forward = playing_session(path), playing_session(path)
    mine, theirs = back.timeline, forward.timeline
    last = theirs.end
    ends = [
        last,
        min(TYPED_AT + length // 2, last),
        *(dice.randint(min(length, last), last) for _ in range(windows - 1)),
    ]
    for end in ends:
        begin = max(0, end - length)
        theirs.seek(begin)
        expected = {}
        for step in range(begin, end):
            expected[step] = _hash(forward)
            assert theirs.step_forward().step == step + 1
        mine.seek(end)
        for step in reversed(range(begin, end)):
            stop = mine.step_backward()
            assert (stop.why, stop.step) == (Why.STEPS, step)
            if _hash(back) != expected[step]:
                theirs.seek(step)
                mismatch = difference(back.snapshots.capture(), forward.snapshots.capture())
                raise AssertionError(f"step {step}, back from {end}: {mismatch}")
        # What no state says, shows in what comes.
        goal = min(begin + dice.randrange(2 * length), last)
        mine.step_backward(dice.randrange(1, 10))
        mine.seek(goal)
        theirs.seek(goal)
        assert _hash(back) == _hash(forward)
    back.close()
    forward.close()


@pytest.mark.parametrize("machine", QUICK, ids=_name)
def test_as_forward(machine: Machine, tmp_path: Path) -> None:
    machine.record(tmp_path / "run.ttd")
    _as_forward(tmp_path / "run.ttd", 1, 300)


@pytest.mark.parametrize("machine", LONG, ids=_name)
def test_as_forward_at_more_places(machine: Machine, tmp_path: Path) -> None:
    machine.record(tmp_path / "run.ttd")
    _as_forward(tmp_path / "run.ttd", 2, 700)


@pytest.fixture
def bench(tmp_path: Path) -> RecordedMachine:
    """300 000 steps with an interrupt each millisecond, at their end."""
    return _bench("systick", tmp_path)


def _bench(name: str, folder: Path) -> RecordedMachine:
    path = folder / "bench.ttd"
    session = recording_session(FIRMWARE / f"bench/bench-{name}.elf", path)
    session.machine.run(300_000)
    session.leave("enough")
    session.close()
    played = playing_session(path)
    played.timeline.seek(played.timeline.end)
    return played


def test_nothing_is_gone_through_twice(bench: RecordedMachine) -> None:
    """Steps that are run again, and snapshots restored, are counted."""
    timeline, machine, snapshots = bench.timeline, bench.machine, bench.snapshots
    run, restore = machine.run, snapshots.restore
    steps, restored, longest = 0, 0, 0

    def counted(limit: int | None = None, **how: bool) -> object:
        nonlocal steps, longest
        before = machine.engine.step
        ended = run(limit, **how)
        steps += machine.engine.step - before
        longest = max(longest, machine.engine.step - before)
        return ended

    def also_counted(snapshot: object) -> None:
        nonlocal restored
        restored += 1
        restore(snapshot)  # type: ignore[arg-type]

    machine.run = counted  # type: ignore[method-assign, assignment]
    snapshots.restore = also_counted  # type: ignore[method-assign]
    timeline.step_backward()
    steps = restored = 0
    for _ in range(20_000):
        timeline.step_backward()
    assert timeline.position == timeline.end - 20_001
    # Each once on stairs; and to where they begin, from places closer and closer to that.
    assert 20_000 <= steps <= 20_000 + 4 * 40_000
    assert restored <= 4 + 20_000 / 1024 + 1
    bench.close()


def test_only_where_nothing_else_has_happened(bench: RecordedMachine) -> None:
    timeline, engine = bench.timeline, bench.machine.engine
    for _ in range(5):
        timeline.step_backward()
    here = timeline.position
    before = _hash(bench)
    assert engine.down_to(here - 1)
    timeline.seek(here)
    assert _hash(bench) == before
    assert not engine.down_to(here - 1), "it has run"
    for spoil in (
        lambda: engine.reg_write(engine.isa.pc, engine.pc),
        lambda: engine.write(0x20000000, engine.read(0x20000000, 4)),
        lambda: engine.load_state(engine.save_state()),
        lambda: bench.snapshots.restore(bench.snapshots.remember()),
        timeline.changed,
    ):
        for _ in range(4):
            timeline.step_backward()
        spoil()
        assert not engine.down_to(timeline.position - 1)
    bench.close()


def test_to_the_beginning(bench: RecordedMachine) -> None:
    timeline = bench.timeline
    timeline.seek(40)
    while timeline.position:
        assert timeline.step_backward().why is Why.STEPS
    stop = timeline.step_backward()
    assert (stop.why, stop.step) == (Why.HISTORY_BEGIN, 0)
    timeline.seek(40)
    for _ in range(3):
        timeline.step_backward(2)
    stop = timeline.step_backward(100)
    assert (stop.why, stop.step) == (Why.HISTORY_BEGIN, 0)
    bench.close()


def test_interrupted_on_the_way(bench: RecordedMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays where it was, and can go on from there."""
    timeline, engine = bench.timeline, bench.machine.engine
    timeline.seek(200_000)
    timeline.step_backward()
    before = _hash(bench)
    begin = engine.begin_stairs

    def interrupted() -> None:
        begin()
        timeline.interrupt()

    monkeypatch.setattr(engine, "begin_stairs", interrupted)
    stop = timeline.step_backward()
    assert (stop.why, stop.step) == (Why.INTERRUPTED, 199_999)
    assert _hash(bench) == before
    monkeypatch.undo()
    for step in range(199_998, 199_900, -1):
        stop = timeline.step_backward()
        assert (stop.why, stop.step) == (Why.STEPS, step)
    bench.close()


def test_while_it_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the end of what there is, and on: the recording is none the worse."""
    path = tmp_path / "live.ttd"
    snapshots_every(monkeypatch, 900)
    session = recording_session(FIRMWARE / "irqs/irqs.elf", path)
    timeline = session.timeline
    known = {}
    for goal in (3000, 6000):
        timeline.seek(goal - 400)
        while timeline.position < goal:
            known[timeline.position] = _hash(session)
            timeline.step_forward()
        for step in reversed(range(goal - 400, goal)):
            assert timeline.step_backward().step == step
            assert _hash(session) == known[step]
        timeline.seek(goal)
    session.leave("enough")
    session.close()
    played = playing_session(path)
    for step, expected in known.items():
        assert played.timeline.seek(step).why is Why.STEPS
        assert _hash(played) == expected
    assert played.timeline.seek(6000).why is Why.STEPS
    played.close()


@pytest.mark.parametrize("machine", [QUICK[0], QUICK[4], QUICK[5]], ids=_name)
def test_back_within_code(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To where a plain run came into it, from any place in it, with stairs there or not."""
    monkeypatch.setattr("ttd.moving.within.FIRST", 50)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    path = tmp_path / "run.ttd"
    machine.record(path)
    session = playing_session(path)
    timeline, engine = session.timeline, session.machine.engine
    begin = timeline.end // 2
    kinds = (Kind.INTERRUPT, Kind.EXCEPTION)
    entries = {event.step for _, event in session.replay.log.select(kinds)}
    pcs = []
    timeline.seek(begin)
    while timeline.position < min(begin + 3000, timeline.end):
        pcs.append(engine.pc)
        timeline.step_forward()
    for _ in range(40):
        at = dice.randrange(len(pcs) // 2, len(pcs))
        low = max(0, pcs[at] - dice.choice((0, 8, 400)))
        code = range(low, pcs[at] + dice.choice((4, 20, 400)))
        expected = at - 1
        while expected > 0 and pcs[expected] in code and pcs[expected - 1] in code:
            expected -= 1
        timeline.seek(begin + at)
        for _ in range(dice.choice((0, 0, 1, 4))):
            timeline.step_backward()
            timeline.step_forward()
        if expected == 0:
            continue
        stop = timeline.step_backward_within(code, Stops())
        found = stop.step - begin
        assert stop.why is Why.STEPS
        assert expected <= found < at
        # An entry to an exception is passed over only where it is known where it has come from.
        assert found == expected or stop.step - 1 in entries, at
    session.close()


def test_back_within_code_is_one_search(tmp_path: Path) -> None:
    """What is run again is counted: once to find, and once to get there."""
    bench = _bench("notimer", tmp_path)
    timeline, machine = bench.timeline, bench.machine
    begin, code = timeline.end, range(1 << 20)  # all of the program
    run, steps = machine.run, 0

    def counted(limit: int | None = None, **how: bool) -> object:
        nonlocal steps
        before = machine.engine.step
        ended = run(limit, **how)
        steps += machine.engine.step - before
        return ended

    machine.run = counted  # type: ignore[method-assign, assignment]
    stop = timeline.step_backward_within(code, Stops())
    assert (stop.why, stop.step) == (Why.STEPS, 0)
    assert steps <= 2.1 * begin
    bench.close()


@pytest.mark.parametrize("machine", [QUICK[0], QUICK[3], QUICK[4], QUICK[5]], ids=_name)
def test_watchpoints_on_the_way(machine: Machine, tmp_path: Path) -> None:
    """Each step of a row says what it would say alone, whatever is accessed."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    path = tmp_path / "run.ttd"
    machine.record(path)
    row, alone = playing_session(path), playing_session(path)
    mine, theirs = row.timeline, alone.timeline
    end = dice.choice((mine.end, min(TYPED_AT + 200, mine.end), dice.randint(400, mine.end)))
    mine.seek(end)
    hits = 0
    for _ in range(4):
        kind = dice.choice((Access.READ, Access.WRITE, Access.READ | Access.WRITE))
        stack = row.machine.cpu.read_register("rsp" if machine.cpu == "x86-64" else "sp")
        near = stack - dice.randrange(0, 64) & ~3
        changes = kind is Access.WRITE and dice.random() < 0.5
        watch = Watchpoint(near, dice.choice((1, 4, 32)), kind, changes_only=changes)  # type: ignore[arg-type]
        stops = Stops((), (watch,))
        for _ in range(120):
            here = mine.position
            stop = mine.run_backward(stops, here - 1)
            theirs.seek(here)
            expected = theirs.run_backward(stops, here - 1)
            assert (stop.why, stop.step, stop.pc, stop.watch) == (
                expected.why,
                expected.step,
                expected.pc,
                expected.watch,
            ), here
            hits += stop.why is Why.WATCHPOINT
        assert _hash(row) == _hash(alone)
    print(hits)
    row.close()
    alone.close()
