"""Memory that no instruction stores to: every position has one state, and watchpoints see all.

What they see is compared with the contents of memory at every position.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.unseen_runs import ALIAS, BOARD, play, record, variables
from ttd.conditions import Constant, When
from ttd.engine.types import Access
from ttd.recorded import RecordedMachine
from ttd.stops import Stop, Stops, Watchpoint, Why
from ttd.timeline import Timeline


@dataclass
class Run:
    """A recording, and what it shows from its first position to its last."""

    name: str
    path: Path
    contents: dict[str, list[bytes]]
    """Of each variable, by position."""
    hashes: list[bytes]
    spans: dict[str, tuple[int, int]]

    def changes(self, name: str) -> set[int]:
        """Where a step changes the variable; there are some."""
        found = {at for at, (old, new) in enumerate(pairwise(self.contents[name])) if old != new}
        assert found, name
        return found


def _hash(session: RecordedMachine) -> bytes:
    return session.snapshots.state_hash(session.snapshots.capture())


KINDS = (Access.READ, Access.WRITE)
BOARDS = [
    name if name in ("mps2", "virt") else pytest.param(name, marks=pytest.mark.slow)
    for name in sorted(BOARD)
]


@pytest.fixture(scope="module", params=BOARDS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    name = request.param
    path = record(name, tmp_path_factory.mktemp("unseen") / f"{name}.ttd")
    spans = {n: span for n, span in variables(name).items() if n.startswith("by_")}
    if name == "microbit":
        spans["flash"] = (0x20000, 8)
        del spans["by_bitband"]
    if name.startswith("virt"):
        spans["flash"], spans["flash beside"] = (0x20000000, 4), (0x20000100, 4)
    contents: dict[str, list[bytes]] = {n: [] for n in spans}
    hashes = []
    session = play(path)
    timeline = session.timeline
    timeline.seek(0)
    while True:
        for n, span in spans.items():
            contents[n].append(timeline.probe.read_physical(*span))
        hashes.append(_hash(session))
        if timeline.position == timeline.end:
            break
        timeline.step_forward()
    session.close()
    return Run(name, path, contents, hashes, spans)


def test_one_position_has_one_state(run: Run) -> None:
    """Stepped, in slices, from snapshots, and in random order."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rnd = random.Random(seed)
    end = len(run.hashes) - 1
    session = play(run.path)
    timeline = session.timeline
    timeline.seek(end)
    assert _hash(session) == run.hashes[end]
    for position in rnd.sample(range(end + 1), min(150, end)):
        timeline.seek(position)
        assert _hash(session) == run.hashes[position], position
    timeline.reset()
    while timeline.position < end:
        timeline.step_forward(rnd.randint(1, 97))
        assert _hash(session) == run.hashes[timeline.position], timeline.position
    session.close()


def _watch(
    session: RecordedMachine, address: int, size: int, kind: Access, *, changes: bool = True
) -> list[Stop]:
    """All stops at a watchpoint."""
    return _both_ways(session, Watchpoint(address, size, kind, changes_only=changes))


def _both_ways(session: RecordedMachine, *watchpoints: Watchpoint) -> list[Stop]:
    """All stops at them, forward and then backward, which are at the same places."""
    timeline: Timeline = session.timeline
    stops = Stops(watchpoints=watchpoints)
    forward = []
    timeline.reset()
    while (stop := timeline.run_forward(stops)).why is Why.WATCHPOINT:
        forward.append(stop)
        assert (stop.step, stop.pc) == (timeline.position, timeline.machine.engine.pc)
    assert stop.why is Why.HISTORY_END
    timeline.seek(timeline.end)
    backward = []
    while (stop := timeline.run_backward(stops)).why is Why.WATCHPOINT:
        backward.append(stop)
    assert stop.why is Why.HISTORY_BEGIN
    assert [stop.step for stop in backward] == [stop.step for stop in reversed(forward)]
    assert [stop.note for stop in backward] == [stop.note for stop in reversed(forward)]
    return forward


def test_watchpoints_stop_wherever_the_value_changes(run: Run) -> None:
    session = play(run.path)
    notes = {}
    for name, span in run.spans.items():
        stops = _watch(session, *span, Access.WRITE)
        found, changes = {stop.step for stop in stops}, run.changes(name)
        # What a store to a device changes is the device's: GDB looks, and goes on if it is nothing.
        device = name.startswith("flash") and run.name != "microbit"
        assert found >= changes if device else found == changes, name
        notes[name] = {stop.note for stop in stops}
    session.close()
    expected = {
        "by_cmdline": "Written by semihosting SYS_GET_CMDLINE.",
        "by_tmpnam": "Written by semihosting SYS_TMPNAM.",
        "by_read": "Written by semihosting SYS_READ.",
        "by_heapinfo": "Written by semihosting SYS_HEAPINFO.",
        "by_elapsed": "Written by semihosting SYS_ELAPSED.",
        "by_dma": "Written by virtio-rng DMA (rng0).",
        "by_used": "Written by virtio-rng DMA (rng0).",
        "by_walk": "Written by page walk.",
        "by_stacking": "Written by exception entry 11.",
        "flash": "Written by nvmc." if run.name == "microbit" else "",
        "flash beside": "Written by flash0.",
    }
    for name, note in expected.items():
        assert name not in notes or note in notes[name], (name, notes[name])


@pytest.mark.slow
def test_watchpoints_that_do_not_hold_hide_nothing(run: Run) -> None:
    """Each that sees an access is asked, whoever makes it and whatever comes before it."""
    session = play(run.path)
    for name, (address, size) in run.spans.items():
        never, always = When(Constant(0)), When(Constant(1))
        around = [Watchpoint(address - 48, 96 + size, kind, never) for kind in KINDS]
        beside = [Watchpoint(address + 4, 4, kind, never) for kind in KINDS]
        wanted = Watchpoint(address, size, Access.WRITE, always, changes_only=True)
        alone = _both_ways(session, replace(wanted, condition=None))
        found = _both_ways(session, *around, *beside, wanted)
        assert [stop.step for stop in found] == [stop.step for stop in alone], name
        assert {stop.watchpoint for stop in found} == {wanted}
    session.close()


def test_addresses_of_the_guest(run: Run) -> None:
    """Where page tables show memory elsewhere, watchpoints are by those addresses."""
    if not run.name.startswith("virt"):
        return
    session = play(run.path)
    names = [name for name in run.spans if name.startswith("by_paged")]
    assert len(names) == 6
    for name in names:
        address, size = run.spans[name]
        stops = _watch(session, address - ALIAS, size, Access.WRITE)
        assert {stop.step for stop in stops} == run.changes(name), name
    session.close()


def test_who_reads(run: Run) -> None:
    session = play(run.path)
    if run.name in ("mps2", "microbit"):
        stops = _watch(session, *run.spans["by_stacking"], Access.READ)
        assert {stop.note for stop in stops} >= {"Read by exception return."}
        # One handler follows the other: their frames are the same.
        stops = _watch(session, *run.spans["by_stacking"], Access.WRITE, changes=False)
        entries = [stop.note for stop in stops if "entry" in stop.note]
        assert entries == ["Written by exception entry 11.", "Written by exception entry 14."] * 2
        vectors = _watch(session, 4 * 11, 4, Access.READ)
        assert {stop.note for stop in vectors} == {"Read by exception entry 11."}
    if run.name != "microbit":
        table = variables(run.name)["table"]
        stops = _watch(session, *table, Access.READ)
        assert "Read by virtio-rng DMA (rng0)." in {stop.note for stop in stops}
    session.close()
