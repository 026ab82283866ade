"""Timers of boards at 10 to 100 kHz: native, in Python's hands, in slices, recorded: all the same.

The firmware (tests/firmware/timers) makes a hash of what its interrupts read of the counters.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.snapshots import snapshots_every
from ttd.boards import BOARDS
from ttd.bus.bus import Bus
from ttd.devices.counting import Counting
from ttd.engine import Engine
from ttd.host.files import Null
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import SEMIHOSTING, RecordedMachine, RecordOptions

pytestmark = pytest.mark.slow
"""`make check` does without."""

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware/timers"
ELFS = {"mps2-an385": "timers-mps2.elf", "microbit": "timers-microbit.elf"}
END = 400_000
PLACES = range(50_000, END + 1, 50_000)


def session(
    board: str, path: Path | None, elf: str = "", exact_interrupts: bool = False
) -> RecordedMachine:
    kind = BOARDS[board]
    options = RecordOptions(
        kind,
        load_image(str(FIRMWARE / (elf or ELFS[board]))),
        kind.ns_per_step,
        True,
        exact_interrupts=exact_interrupts,
    )
    backends = {SEMIHOSTING: Null(), kind.serials[0]: Null()}
    name = None if path is None else str(path)
    return RecordedMachine.record(options, name, backends, SemihostFiles(None), os.urandom)


def state(machine: Any) -> Any:
    parts = machine.save()
    ram = machine.engine.read(0x20000000, 0x4000)
    shown = {name: parts[name] for name in ("devices", "cpu", "warp_ns", "waiting")}
    return machine.engine.step, shown, machine.engine.save_state(), ram


def states(board: str, slices: list[int]) -> list[Any]:
    """What the machine is at `PLACES`, run in pieces of `slices` steps in turn."""
    live, found, turn = session(board, None), [], 0
    machine = live.machine
    for place in PLACES:
        while machine.engine.step < place:
            machine.run(min(place, machine.engine.step + slices[turn % len(slices)]))
            turn += 1
        found.append(state(machine))
    live.close()
    return found


@pytest.mark.parametrize("board", ELFS)
def test_it_is_all_one(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = states(board, [END])
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    lengths = [dice.choice((1, 7, 160, 4_000)) for _ in range(97)]
    for one, other in zip(whole, states(board, lengths), strict=True):
        assert one == other
    monkeypatch.setattr(Bus, "native", False)
    monkeypatch.setattr(Engine, "keep_reading", lambda *values: None)
    for one, other in zip(whole, states(board, [END]), strict=True):
        assert one == other


@pytest.mark.parametrize("board", ELFS)
def test_single_steps(board: str) -> None:
    """Over a few interrupts of each timer."""
    one, two = session(board, None), session(board, None)
    one.machine.run(20_000)
    two.machine.run(20_000)
    one.machine.run(24_000)
    while two.machine.engine.step < 24_000:
        two.machine.run(two.machine.engine.step + 1)
    assert state(one.machine) == state(two.machine)
    one.close()
    two.close()


@pytest.mark.parametrize(("exact", "steps"), [(True, (5, 6)), (False, (37, 38))])
@pytest.mark.parametrize("slices", [5_000, 7, 1])
def test_one_that_is_started_where_nothing_branches(
    slices: int, exact: bool, steps: tuple[int, int]
) -> None:
    """It is due five ticks, as many steps, after the store that starts it, in the same block; and
    noticed 32 steps later if nothing branches."""
    live = session("mps2-an385", None, "straight.elf", exact)
    symbols = ELFFile((FIRMWARE / "straight.elf").open("rb")).get_section_by_name(".symtab")
    started, hits, where = (
        symbols.get_symbol_by_name(name)[0]["st_value"] for name in ("started", "hits", "where")
    )
    machine = live.machine
    while machine.engine.step < 5_000:
        machine.run(min(5_000, machine.engine.step + slices))
    count = int.from_bytes(machine.engine.read(hits, 4), "little")
    assert count > 16
    data = machine.engine.read(where, 64)
    places = {int.from_bytes(data[at : at + 4], "little") for at in range(0, 64, 4)}
    assert {(place - (started & ~1)) // 2 + 1 for place in places} <= set(steps)
    live.close()


@pytest.mark.parametrize("board", ELFS)
def test_no_interrupt_costs_a_call(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    live = session(board, None)
    live.machine.run(20_000)
    monkeypatch.setattr(Counting, "expire", lambda device: calls.append(device.name))
    live.machine.run(120_000)
    assert not calls
    live.close()


@pytest.mark.parametrize("board", ELFS)
def test_recorded_and_played_from_snapshots(
    board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots_every(monkeypatch, 30_000)
    path = tmp_path / "run.ttd"
    live = session(board, path)
    found = {}
    for place in PLACES:
        live.run(place, lambda step: None)
        found[place] = state(live.machine)[1:]
    live.finish("steps", None)
    live.close()
    played = RecordedMachine.open(str(path), SemihostFiles(None))
    for place in sorted(PLACES, key=lambda place: -place):
        played.timeline.seek(place)
        assert state(played.machine)[1:] == found[place]
    played.close()
