"""Finding where a stop's condition holds: the same places forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

import pytest

from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from ttd.conditions import ConditionError, changed, resolve
from ttd.debugger.condition_text import parse
from ttd.debugger.hunt import Hit, Interrupted, Quarry, find
from ttd.debugger.names import MachineNames
from ttd.engine import Access
from ttd.recorded import RecordedMachine
from ttd.stops import Breakpoint, Watchpoint
from ttd.symbols import Symbols

pytestmark = pytest.mark.slow
"""`make check` does without."""


class Case:
    def __init__(self, session: RecordedMachine) -> None:
        self.session = session
        self.timeline = session.timeline
        self.symbols = Symbols(load.image for load in session.machine.loads)
        self.names = MachineNames(session.machine.cpu, self.symbols)

    def at(self, name: str, condition: str | None = None, every: int = 1) -> Quarry:
        stop = Breakpoint(self.symbols.by_name[name].address)
        return Quarry(stop, condition and resolve(parse(condition), self.names), every)

    def writes(self, name: str, condition: str | None = None, every: int = 1) -> Quarry:
        found = self.symbols.by_name[name]
        stop = Watchpoint(found.address, found.size, Access.WRITE)
        return Quarry(stop, condition and resolve(parse(condition), self.names), every)

    def all(self, quarry: Quarry) -> list[Hit]:
        """All hits, looked for in both directions."""
        timeline = self.timeline
        timeline.reset()
        forward = list(self.hits(quarry, backward=False))
        if quarry.every == 1 and "hits" not in repr(quarry.condition):
            timeline.seek(timeline.end)
            assert list(self.hits(quarry, backward=True)) == forward[::-1]
        return forward

    def hits(self, quarry: Quarry, *, backward: bool) -> Iterator[Hit]:
        while (hit := find(self.timeline, quarry, backward=backward)) is not None:
            assert self.timeline.position == hit.step
            assert self.session.machine.engine.pc == hit.pc
            yield hit


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    path = tmp_path_factory.mktemp("hunt") / "calls.ttd"
    record_to_end(FIRMWARE / "calls" / "calls.elf", path)
    session = playing_session(path)
    yield Case(session)
    session.close()


def test_writes(case: Case) -> None:
    values = [0, 0x11111111, 0x22222222, 0x33333333]
    found = case.all(case.writes("rare"))
    # Start-up code may clear it once more.
    told = [(hit.old, hit.new) for hit in found if hit.new]
    assert told == list(pairwise(values))
    assert [hit.new for hit in case.all(case.writes("rare", "new > 0x11111111"))] == values[2:]
    assert [hit.new for hit in case.all(case.writes("rare", "old == 0x11111111"))] == values[2:3]


def test_breakpoints(case: Case) -> None:
    calls = case.all(case.at("inner"))
    assert len(calls) > 100
    some = case.all(case.at("inner", "r0 % 3 == 1 and counter > 100"))
    assert 0 < len(some) < len(calls)
    assert {hit.step for hit in some} < {hit.step for hit in calls}


def test_one_after_the_other(case: Case) -> None:
    """Strictly after the present, strictly before it; nothing found leaves the machine alone."""
    timeline, quarry = case.timeline, case.writes("rare", "changed")
    steps = [hit.step for hit in case.all(quarry)]
    timeline.seek(steps[1])
    found = [find(timeline, quarry), find(timeline, quarry)]
    assert [hit and hit.step for hit in found] == [steps[2], None]
    assert timeline.position == steps[2]
    back = [find(timeline, quarry, backward=True) for _ in range(3)]
    assert [hit and hit.step for hit in back] == [steps[1], steps[0], None]
    assert timeline.position == steps[0]
    assert find(timeline, quarry, until=steps[1]) is None and timeline.position == steps[0]
    assert find(timeline, quarry, until=steps[1] + 1) is not None


def test_only_if_changed(case: Case) -> None:
    """The engine sees to that alone, if nothing else is wanted."""
    stop = case.writes("bytes").stop
    case.timeline.reset()
    every = list(islice(case.hits(Quarry(stop), backward=False), 400))
    wanted = [hit for hit in every if hit.old != hit.new]
    for quarry in (Quarry(stop, changed), case.writes("bytes", "changed and 1 == 1")):
        case.timeline.reset()
        assert list(islice(case.hits(quarry, backward=False), len(wanted))) == wanted
    assert any(hit.old == hit.new for hit in every)


def test_a_part_of_what_is_watched(case: Case) -> None:
    found = case.symbols.by_name["bytes"]
    stop = Watchpoint(found.address, found.size, Access.WRITE)
    case.timeline.reset()
    condition = resolve(parse("address == &bytes + 3 and new >> 24 & 0xff > 0x80"), case.names)
    hit = find(case.timeline, Quarry(stop, condition))
    assert hit is not None and hit.access is not None and hit.access.size == 1
    assert hit.new is not None and 0x80 < hit.new >> 24 & 0xFF == hit.access.value & 0xFF
    assert case.timeline.probe.read_memory(found.address, 8) == (hit.old or 0).to_bytes(8, "little")


def test_a_step_that_stores_several_words(case: Case) -> None:
    """PUSH: one hit, with all that it has written, both ways."""
    timeline = case.timeline
    timeline.reset()
    called = find(timeline, case.at("outer"))
    assert called is not None
    top = timeline.cpu.read_register("sp")
    names = ("r4", "r5", "r6", "lr")
    stop = Watchpoint(top - 16, 16, Access.WRITE)
    pushed = 0
    for name in reversed(names):
        pushed = pushed << 32 | timeline.cpu.read_register(name)
    for condition in (None, f"new == {pushed}", f"new >> 96 == lr and pc == {called.pc}", "hits"):
        tree = condition and resolve(parse(condition), case.names)
        found = []
        for start, backward in ((called.step - 1, False), (called.step + 1, True)):
            timeline.seek(start)
            found.append(find(timeline, Quarry(stop, tree), backward=backward))
            assert timeline.position == called.step
        assert found[0] == found[1] is not None and found[0].new == pushed


def test_counted(case: Case) -> None:
    steps = [hit.step for hit in case.all(case.at("inner"))]
    assert [hit.step for hit in case.all(case.at("inner", every=40))] == steps[39::40]
    case.timeline.reset()
    third = find(case.timeline, case.at("inner", "hits == 3"))
    assert third is not None and third.step == steps[2]
    case.timeline.seek(steps[10])
    back = find(case.timeline, case.at("inner", "hits == 3"), backward=True)
    assert back is not None and back.step == steps[7]


@pytest.mark.parametrize("backward", [False, True])
def test_a_condition_that_fails(case: Case, backward: bool) -> None:
    """The machine is where it was, and goes on."""
    timeline = case.timeline
    middle = case.all(case.at("inner"))[20].step + 1
    timeline.seek(middle)
    for condition in ("u32[0xfffffff0] == 1", "r0 / 0", "old == 1"):
        with pytest.raises(ConditionError):
            find(timeline, case.at("inner", condition), backward=backward)
        assert timeline.position == middle
    assert find(timeline, case.at("inner"), backward=backward) is not None


def test_interrupted(case: Case) -> None:
    timeline = case.timeline
    timeline.seek(timeline.end // 2)
    timeline.interrupt()
    with pytest.raises(Interrupted):
        find(timeline, case.at("inner", "0"), backward=True)
