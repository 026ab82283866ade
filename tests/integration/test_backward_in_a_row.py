"""Searches backward in any order, each compared with the list of all hits that a run forward gives:
what one search has found is known to the next ones, and must not differ from finding it again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from unicorn.arm_const import UC_ARM_REG_SP

from tests.integration.conftest import FIRMWARE, Record, symbols, ttd
from tests.integration.inside import playing_session, recording_session
from tests.integration.walks import Guest, recorder
from tests.snapshots import snapshots_every
from ttd.conditions import Constant, When
from ttd.engine import Access
from ttd.probe_api import SystemRequest
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind
from ttd.stops import Breakpoint, Condition, Stop, Stops, Watchpoint, Why
from ttd.timeline import Timeline

RAW = (
    *("--board", "raw", "--cpu", "x86-64", "--ram", "0x100000:1M"),
    *("--uart", "ns16550@0x40000000"),
)
Hit = tuple[int, Why, int]
"""Step, what hits in it, the breakpoint's address."""
MOST = 400
"""Hits that are listed, from the beginning of the recording."""
FAR = 120_000
"""To which step, at most."""


@dataclass(frozen=True)
class Case:
    """Two sessions of one recording, and what to stop at in it."""

    session: RecordedMachine
    other: RecordedMachine
    stops: list[Stops]


ALWAYS, NEVER = When(Constant(1)), When(Constant(0))


def _hit(stop: Stop) -> Hit:
    if stop.watch is not None:
        return stop.watch.step, stop.why, 0
    return stop.step, stop.why, stop.pc


def _all_hits(timeline: Timeline, stops: Stops) -> tuple[list[Hit], int]:
    """Going forward from one to the next; and to which step that has gone."""
    timeline.reset()
    found: list[Hit] = []
    while len(found) < MOST:
        stop = timeline.run_forward(stops, FAR, here=True)
        if stop.why in (Why.STEPS, Why.HISTORY_END):
            break
        found.append(_hit(stop))
        if stop.why is Why.BREAKPOINT and stops.watchpoints:
            # The instruction there may access what is watched.
            watched = timeline.run_forward(Stops((), stops.watchpoints), stop.step + 1, here=True)
            if watched.why is Why.WATCHPOINT:
                found.append(_hit(watched))
        timeline.seek(found[-1][0] + 1)
    return found, timeline.position


def _latest(hits: list[Hit], start: int, low: int) -> Hit | None:
    """Of two in one step the access is met, which comes later."""
    return max(
        (hit for hit in hits if low <= hit[0] < start),
        key=lambda hit: (hit[0], hit[1] is Why.WATCHPOINT),
        default=None,
    )


def _hash(session: RecordedMachine) -> bytes:
    return session.snapshots.state_hash(session.snapshots.capture())


def _break(address: int) -> Stops:
    return Stops((Breakpoint(address),))


def _watch(address: int, kind: Access = Access.WRITE, *, changes: bool = False) -> Stops:
    return Stops((), (Watchpoint(address, 4, kind, changes_only=changes),))


def _both(first: Stops, second: Stops) -> Stops:
    return Stops(first.breakpoints + second.breakpoints, first.watchpoints + second.watchpoints)


def _record(elf: Path, path: Path, *options: str, stdin: bytes = b"") -> dict[str, int]:
    result = ttd("record", *options, "-o", path, stdin=stdin)
    assert result.returncode == 0, result.stderr.decode()
    return symbols(elf)


@pytest.fixture(
    scope="module", params=["cortex-m3", pytest.param("rv64", marks=pytest.mark.slow), "x86-64"]
)
def case(
    request: pytest.FixtureRequest, record: Record, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    path = tmp_path_factory.mktemp("row") / "row.ttd"
    if request.param == "cortex-m3":
        recorded = record("irqs")
        path, names = recorded.path, recorded.symbols
        often, seldom, data = "mark", "PendSV_Handler", "trace"
    elif request.param == "rv64":
        names = _record(
            FIRMWARE / "rtos/rtos-rv64.elf",
            path,
            *("--board", "virt", str(FIRMWARE / "rtos/rtos-rv64.elf")),
            stdin=(FIRMWARE / "rtos/input.txt").read_bytes(),
        )
        often, seldom, data = "put", "tick", "current"
    else:
        blob = FIRMWARE / "blob/blob-x86-64.elf"
        names = _record(blob, path, *RAW, "--load", str(blob))
        often, seldom, data = "say", "phase", "numbers"
    hot, cold = (_break(names[name]) for name in (often, seldom))
    watch = _watch(names[data], Access.READ | Access.WRITE)
    changes = _watch(names[data], changes=True)
    sessions = playing_session(path), playing_session(path)
    yield Case(*sessions, [hot, cold, watch, changes, _both(hot, watch), _both(cold, changes)])
    for session in sessions:
        session.close()


def test_as_the_list_says(case: Case) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    timeline = case.session.timeline
    lists = [_all_hits(case.other.timeline, stops) for stops in case.stops]
    assert all(hits for hits, _ in lists)
    last = min(end for _, end in lists)
    timeline.seek(dice.randint(last // 2, last))
    for _ in range(40):
        which = dice.randrange(len(lists))
        for _ in range(dice.choice((1, 3, 20))):
            start = timeline.position
            low = max(start - dice.randrange(2000), 0) if dice.random() < 0.1 else 0
            stop = timeline.run_backward(case.stops[which], low)
            expected = _latest(lists[which][0], start, low)
            if expected is None or start <= low:
                assert stop.why is (Why.STEPS if low or start else Why.HISTORY_BEGIN)
                assert timeline.position == min(low, start)
                timeline.seek(dice.randint(0, last))
                continue
            assert (_hit(stop), timeline.position) == (expected, expected[0]), start
            if dice.random() < 0.1:
                case.other.timeline.seek(timeline.position)
                assert _hash(case.session) == _hash(case.other)
            timeline.step_backward()
        match dice.randrange(4):
            case 0:
                timeline.seek(dice.randint(0, last))
            case 1:
                timeline.seek(min(timeline.position + dice.randrange(5000), last))
            case 2:
                timeline.step_backward(dice.randrange(1, 30))


def test_conditions_are_not_forgotten(case: Case) -> None:
    """Stops that differ in nothing else."""
    timeline = case.session.timeline
    always = case.stops[1]
    timeline.seek(FAR)
    assert timeline.run_backward(always).why is Why.BREAKPOINT
    last = timeline.position
    timeline.seek(FAR)
    conditional = Stops((replace(always.breakpoints[0], condition=NEVER),))
    assert timeline.run_backward(conditional).why is Why.HISTORY_BEGIN
    timeline.seek(FAR)
    assert timeline.run_backward(always).step == last


@pytest.mark.parametrize("holds", [True, False])
def test_a_condition_hides_no_access(case: Case, holds: bool) -> None:
    """Of the instruction at its breakpoint, in either direction."""
    timeline, changes = case.session.timeline, case.stops[3]
    timeline.reset()
    stop = timeline.run_forward(changes)
    while stop.watch is not None and stop.watch.late:  # no instruction makes it
        stop = timeline.run_forward(changes)
    assert stop.why is Why.WATCHPOINT
    step, store = stop.step, Breakpoint(stop.pc, ALWAYS if holds else NEVER)
    both = replace(changes, breakpoints=(store,))
    timeline.seek(step)
    assert timeline.run_forward(both, here=True).why is (
        Why.BREAKPOINT if holds else Why.WATCHPOINT
    )
    assert timeline.position == step
    timeline.seek(step + 2)
    stop = timeline.run_backward(both)
    assert (stop.why, stop.step) == (Why.WATCHPOINT, step)
    timeline.seek(step + 1)
    stop = timeline.run_backward(Stops((store,)))
    assert (stop.why, stop.step) == ((Why.BREAKPOINT, step) if holds else (Why.HISTORY_BEGIN, 0))


def test_forward_to_a_pc(case: Case) -> None:
    """Intervals in which its page was not fetched are passed by."""
    timeline = case.session.timeline
    for stops in case.stops[:2]:
        address = stops.breakpoints[0].address
        steps = [step for step, _, _ in _all_hits(case.other.timeline, stops)[0]]
        timeline.reset()
        for step in steps[steps[0] == 0 :][:20]:
            assert (timeline.find_pc(address).why, timeline.position) == (Why.BREAKPOINT, step)
    timeline.reset()
    page = case.session.machine.engine.page_size
    start, size = case.session.machine.engine.regions()[-1]
    assert timeline.find_pc(start + size - page).why is Why.HISTORY_END
    timeline.seek(timeline.end)
    assert timeline.find_pc(address).why is Why.HISTORY_END


@pytest.mark.parametrize("condition", [None, ALWAYS])
def test_where_a_reset_leads(tmp_path: Path, condition: Condition | None) -> None:
    """The position before a reset is the last that can be shown: PC is elsewhere there."""
    path = tmp_path / "reset.ttd"
    session = recording_session(FIRMWARE / "irqs" / "irqs.elf", path)
    entry = session.timeline.cpu.read_register("pc")
    session.timeline.seek(5000)
    session.timeline.probe.request(SystemRequest.RESET)
    session.timeline.seek(6000)
    session.leave("enough")
    session.close()
    session = playing_session(path)
    timeline, stops = session.timeline, Stops((Breakpoint(entry, condition),))
    for start, place in ((6000, 5000), (5000, 0)):
        timeline.seek(start)
        stop = timeline.run_backward(stops)
        assert (stop.why, stop.step) == (Why.BREAKPOINT, place)
    assert timeline.run_forward(stops).step == 5000
    session.close()


def test_frames_in_any_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored snapshots are closer than what is searched at once, and exceptions push and pop.

    A search looked for what was touched in the interval where it began only; and what a return
    reads belonged to the last exception that had been taken, or to where the run had begun.
    """
    path = tmp_path / "near.ttd"
    snapshots_every(monkeypatch, 700)
    session = recording_session(FIRMWARE / "bench/bench-systick.elf", path)
    session.machine.run(60_000)
    session.leave("enough")
    session.close()
    session = playing_session(path)
    timeline = session.timeline
    entries = [event.step for _, event in session.replay.log.select([Kind.INTERRUPT])]
    timeline.seek(entries[len(entries) // 2] + 1)
    frame = timeline.machine.engine.reg_read(UC_ARM_REG_SP)
    for kind in (Access.READ, Access.WRITE):
        stops = _watch(frame + 24, kind)
        found, end = _all_hits(timeline, stops)
        assert len(found) > len(entries) // 2
        assert sorted(found) == found
        for hit in reversed(found):
            timeline.seek(min(hit[0] + 8, end))
            stop = timeline.run_backward(stops)
            expected = _latest(found, min(hit[0] + 8, end), 0)
            assert expected is not None
            assert (_hit(stop), stop.step) == (expected, expected[0])
            if hit[0] >= 3:  # where a run begins tells nothing about what it meets
                timeline.seek(hit[0] - 3)
                first = next(one for one in found if one[0] >= hit[0] - 3)
                assert _hit(timeline.run_forward(stops, here=True)) == first
    session.close()


def test_interrupted_before_a_reset_of_this_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the machine goes back to before a reset, which writes the image anew, where it
    stands: it was left at the snapshot that this began from."""
    path = tmp_path / "written.ttd"
    session, _ = recorder(Guest("rtos", "virt", "rtos/rtos-rv64.elf"), path)
    session.timeline.step_forward(9_000)
    session.timeline.probe.request(SystemRequest.RESET)
    session.timeline.step_forward(10)
    session.leave("enough")
    session.close()
    monkeypatch.setattr("ttd.moving.legs.SHORT", 0)
    session = playing_session(path)
    timeline, go_back = session.timeline, session.snapshots.go_back
    timeline.seek(9_000)
    before = _hash(session)

    def interrupted(step: int) -> None:
        go_back(step)
        timeline.interrupt()

    monkeypatch.setattr(session.snapshots, "go_back", interrupted)
    stop = timeline.run_forward(_watch(0x80000000), here=True)
    assert (stop.why, stop.step) == (Why.INTERRUPTED, 9_000)
    assert _hash(session) == before
    session.close()


def test_no_step_of_a_row_waits_for_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made near is counted: how often the machine is remembered on the way."""
    path = tmp_path / "row.ttd"
    session = recording_session(FIRMWARE / "bench/bench-systick.elf", path)
    session.machine.run(300_000)
    session.leave("enough")
    session.close()
    session = playing_session(path)
    timeline, remember = session.timeline, session.snapshots.remember
    remembered: list[int] = []

    def counted() -> object:
        remembered.append(timeline.position)
        return remember()

    timeline.seek(250_000)
    timeline.step_backward()
    monkeypatch.setattr(session.snapshots, "remember", counted)
    costs = []
    for _ in range(300):
        remembered.clear()
        timeline.step_backward()
        costs.append(len(remembered))
    assert timeline.position == 250_000 - 301
    assert sorted(costs)[-4] <= 12, "all but a few, which go back to a snapshot far away"
    assert costs.count(0) > len(costs) * 3 // 4, "what is near is only gone to"
    assert sum(costs) <= 1.5 * len(costs)
    session.close()


def test_each_watchpoint_that_overlaps_is_asked(case: Case) -> None:
    """With its own condition, in either direction, and only if it sees the access."""
    timeline, changes = case.session.timeline, case.stops[3].watchpoints[0]
    timeline.reset()
    first = timeline.run_forward(Stops((), (changes,)))
    assert first.why is Why.WATCHPOINT
    deaf, other = replace(changes, condition=NEVER), replace(changes, length=2)
    for heard in (other, replace(other, condition=ALWAYS)):
        stops = Stops((), (deaf, heard))
        timeline.reset()
        stop = timeline.run_forward(stops)
        assert (stop.step, stop.watchpoint) == (first.step, heard)
        timeline.seek(first.step + 1)
        stop = timeline.run_backward(stops)
        assert (stop.step, stop.watchpoint) == (first.step, heard)
