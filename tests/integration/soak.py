"""Random interrupts in random programs, run in every way: one step, one state.

A target is a firmware of tests/firmware/soak, which throws dice for ever: timers, priorities,
masks, nesting, waits, switches of tasks and modes. `check` puts a seed into it and compares a
recording with its replay, stopped anywhere, in single steps, from snapshots, at breakpoints and
backwards, and with other recordings of the same that were made in slices.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgpack
import pytest

from tests.integration.border import Clocks, Line
from tests.integration.cli_tools import FIRMWARE
from tests.integration.state_difference import difference
from tests.integration.walks import Guest, seen, walk
from tests.snapshots import snapshots_every
from ttd.history.kept import Snapshot
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine, RecordOptions
from ttd.recording.events import Kind
from ttd.stops import Breakpoint, Stops, Why

MARK = b"soaklan!"
"""At the beginning of `struct plan` (soak.h)."""
KINDS = 32
_PLAN = struct.Struct(f"<8sIIII{KINDS}B")


@dataclass(frozen=True)
class Target:
    """A firmware, and the words of the command line for what it runs on."""

    board: str
    cpu: str | None = None
    ram: Sequence[str] = ()
    uart: Sequence[str] = ()
    devices: bool = False
    """It is about devices (soak-io.c): bytes wait for its UART."""

    def options(self, image: Path) -> RecordOptions:
        board, loads = MachineChoice(
            self.board,
            None if self.cpu else str(image),
            cpu=self.cpu,
            ram=self.ram,
            uart=self.uart,
            load=(str(image),) if self.cpu else (),
        ).make()
        return RecordOptions(board, loads, board.ns_per_step)


# fmt: off
TARGETS = {
    "m3": Target("mps2-an385"),
    "m0": Target("raw", "cortex-m0", ("0:64K", "0x20000000:64K"), ("cmsdk@0x40004000,irq=0",)),
    "io-m3": Target("mps2-an385", devices=True),
    "io-m0": Target("microbit", devices=True),
    "io-pl011": Target("raw", "cortex-m3", ("0:64K", "0x20000000:64K"),
                       ("pl011@0x40004000,irq=5",), devices=True),
    "rv64": Target("virt"),
    "rv32": Target("virt32"),
    "pages-rv64": Target("virt", devices=True),
    "pages-rv32": Target("virt32", devices=True),
}
# fmt: on


def program(name: str, dice: random.Random) -> bytes:
    """The firmware of a target with a plan of its own."""
    data = (FIRMWARE / "soak" / f"soak-{name}.elf").read_bytes()
    shortest = dice.choice((250, 260, 400, 1000))
    weights = [dice.choice((0, 0, 1, 1, 2, 3, 8)) for _ in range(KINDS)]
    weights[dice.randrange(3)] += 1
    plan = _PLAN.pack(
        MARK,
        dice.getrandbits(32),
        shortest,
        shortest * dice.choice((1, 2, 10, 100)),
        dice.choice((0, 5, 40, 300)),
        *weights,
    )
    assert data.count(MARK) == 1
    at = data.index(MARK)
    return data[:at] + plan + data[at + len(plan) :]


Say = Callable[[str], None]


def check(name: str, seed: int, folder: Path, steps: int, say: Say = print) -> None:
    """One program of a target for so many steps, in all ways."""
    say(f"{name}: seed {seed}, {steps} steps")
    dice = random.Random(seed)
    image = folder / f"{name}-{seed}.elf"
    image.write_bytes(program(name, dice))
    path = folder / f"{name}-{seed}.ttd"
    target, typed = TARGETS[name], b""
    if target.devices:
        typed = dice.randbytes(dice.choice((0, 10, 300, 3000)))
    exact = target.devices and dice.random() < 0.2
    with every(dice.choice((700, 5_000, 1 << 40))):
        session, line = recorder(target, image, path, exact)
        if typed:
            line.type(typed)
        while session.machine.engine.step < steps:
            session.machine.run(steps, exact=dice.random() < 0.5)  # a recorder's ticks need not be
        assert session.machine.ended is None, session.machine.ended
        final, printed = portable(seen(session)), bytes(line.output)
        session.finish("enough", None)
        session.close()
    places, known = forwards(path, dice)
    assert portable(known[max(known)]) == final
    going_to(path, dice, places, known)
    stepping(path, dice, places, known)
    restoring(path, dice, places, known)
    searching(path, dice)
    for number in range(2):
        with every(dice.choice((900, 4_000, 1 << 40))):
            again = folder / f"{name}-{seed}-{number}.ttd"
            session, line = recorder(target, image, again, exact)
            if typed:
                line.type(typed)
            in_slices(session, dice, known)
            assert portable(seen(session)) == final
            assert bytes(line.output) == printed
            session.leave("enough")
            session.close()
            forwards(again, dice)
    for left in folder.glob(f"{name}-{seed}*"):
        left.unlink()


def wander(name: str, seed: int, folder: Path) -> None:
    """A walk over a recording that grows, as people do it, writes and resets among its moves."""
    target = TARGETS[name]
    if target.cpu is None:
        image = folder / f"{name}-{seed}.elf"
        image.write_bytes(program(name, random.Random(seed)))
        path = folder / f"{name}-{seed}.ttd"
        walk(Guest(f"{name}, a walk", target.board, str(image)), path, seed, 30)


@contextmanager
def every(steps: int) -> Iterator[None]:
    """Snapshots are stored at that distance."""
    with pytest.MonkeyPatch.context() as patch:
        snapshots_every(patch, steps)
        yield


def recorder(
    target: Target, image: Path, path: Path, exact: bool = False
) -> tuple[RecordedMachine, Line]:
    options = replace(target.options(image), exact_interrupts=exact)
    line = Line()
    backends = {name: line if number == 0 else Line() for number, name in
                enumerate(options.board.serials)}  # fmt: skip
    session = RecordedMachine.record(
        options,
        str(path),
        backends,
        SemihostFiles(None),
        random.Random(1).randbytes,  # recordings of the same have the same
        HostSides(time=Clocks()),
    )
    return session, line


def player(path: Path) -> RecordedMachine:
    return RecordedMachine.open(str(path), SemihostFiles(None))


def portable(snapshot: Snapshot) -> bytes:
    """All of a state but where it stands in its log: how many events that has is a recorder's."""
    state = {name: part for name, part in snapshot.state.items() if name != "replay"}
    total = snapshot.table.total.to_bytes(16, "little")
    packed: bytes = msgpack.packb([snapshot.step, total, snapshot.registers, state])
    return packed


Known = dict[int, Snapshot]


def same(known: Known, session: RecordedMachine, how: str) -> None:
    """What stands at a position is what stood there before."""
    found = seen(session)
    before = known.setdefault(found.step, found)
    assert before.hash == found.hash, f"{how}, at {found.step}: {difference(before, found)}"


def forwards(path: Path, dice: random.Random) -> tuple[list[int], Known]:
    """A replay that stops at random places, many of them near interrupts, and at the end, which is
    compared with the recording's; then every stored snapshot. Returns the places near interrupts,
    and what was everywhere."""
    session = player(path)
    end = session.recording.status.steps
    rows = session.replay.log.select([Kind.INTERRUPT, Kind.EXCEPTION])
    entries = [event.step for _, event in rows]
    near = [dice.choice(entries) + dice.randrange(-40, 3) for _ in range(12)] if entries else []
    places = sorted({max(0, min(end, place)) for place in near})
    known: Known = {}
    for step in sorted({*places, *(dice.randrange(end) for _ in range(12)), end}):
        stop = session.machine.run(step)
        assert stop.step == step
        same(known, session, "forwards")
    session.run(None, lambda step: None)
    session.compare_end()
    session.verify_snapshots()
    session.close()
    return places, known


def going_to(path: Path, dice: random.Random, places: list[int], known: Known) -> None:
    """In any order, with steps back in a row, over which the timeline leaves snapshots."""
    session = player(path)
    timeline = session.timeline
    for step in dice.sample(sorted(known), len(known)):
        timeline.seek(step)
        same(known, session, "sought")
    for step in places[::4]:
        timeline.seek(step)
        for _ in range(dice.randrange(40)):
            timeline.step_backward(dice.choice((1, 1, 1, 2, 7)))
            same(known, session, "back")
    session.close()


def stepping(path: Path, dice: random.Random, places: list[int], known: Known) -> None:
    """In single steps, by the timeline and by the machine; then the same in longer ones."""
    session = player(path)
    timeline = session.timeline
    for step in dice.sample(places, min(len(places), 4)):
        timeline.seek(step)
        count = min(60, timeline.end - step)
        for _ in range(count):
            timeline.step_forward()
            same(known, session, "stepped")
        timeline.seek(step)
        while timeline.position < step + count:
            session.machine.run(min(step + count, timeline.position + dice.randint(1, 9)))
            same(known, session, "ran")
    session.close()


def restoring(path: Path, dice: random.Random, places: list[int], known: Known) -> None:
    """From snapshots taken close before, also between where something is due and noticed."""
    session = player(path)
    end = session.timeline.end
    for step in places[::2]:
        first, last = max(0, step - 45), min(end, step + 45)
        session.timeline.seek(first)
        taken = []
        for place in sorted({dice.randint(first, last) for _ in range(10)}):
            session.machine.run(place)
            taken.append(session.snapshots.remember())
        session.machine.run(last)
        same(known, session, "ran")
        for snapshot in dice.sample(taken, len(taken)):
            session.snapshots.restore(snapshot)
            session.machine.run(dice.randint(snapshot.step, last))
            same(known, session, f"restored at {snapshot.step}")
            session.machine.run(last)
            same(known, session, f"restored at {snapshot.step}")
    session.close()


def searching(path: Path, dice: random.Random) -> None:
    """Hits of a breakpoint forwards are those backwards."""
    session = player(path)
    timeline = session.timeline
    timeline.seek(dice.randrange(timeline.end + 1))
    stops = Stops((Breakpoint(timeline.machine.engine.pc),))
    timeline.seek(0)
    found: list[int] = []
    while (stop := timeline.run_forward(stops)).why is Why.BREAKPOINT and len(found) < 30:
        found.append(stop.step)
    for step in reversed(found):
        stop = timeline.run_backward(stops)
        if stop.step != step:  # it may stand at the last one, or behind it
            assert step == found[-1], (step, stop.step)
    session.close()


def in_slices(session: RecordedMachine, dice: random.Random, known: Known) -> None:
    """A recording in runs of random lengths, some of them of one step, with looks in between."""
    machine = session.machine
    for step in sorted(known):
        while machine.engine.step < step:
            left = step - machine.engine.step
            longest = 1 if left < 30 and dice.random() < 0.5 else dice.choice((3, 50, 900, 20_000))
            machine.run(machine.engine.step + min(left, dice.randint(1, longest)))
        found = seen(session)
        assert portable(found) == portable(known[step]), (
            f"in slices, at {step}: {difference(known[step], found)}"
        )
