"""Random programs behave the same however they are run: the engine's exactness, tested at large.

TTD_ENGINE_EXAMPLES sets how many programs each test tries.
"""

from __future__ import annotations

import os
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unicorn import arm_const as arm

from tests.unit import single_steps
from tests.unit.collecting import accessed, collect, executed
from tests.unit.engine_bench import LIMIT, REGS, UNALIGNED, XPSR, Bench, Reference, holds, in_it
from tests.unit.engine_programs import BASELINE, DEVICE, RAM, THUMB2, Program, programs
from tests.unit.single_steps import Stepped, check_end, check_slices
from ttd.cpu.armv7m.data_faults import data_access
from ttd.engine import Access, StopReason
from ttd.engine.types import UNALIGNED as UNALIGNED_FAULT

EXAMPLES = int(os.environ.get("TTD_ENGINE_EXAMPLES", "30"))
COMMON = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SLICES = st.lists(st.integers(1, 30), min_size=1, max_size=8)

States = dict[int, tuple[int, ...]]
Watches = list[tuple[int, int, int, bool]]


@pytest.fixture(scope="module", params=[THUMB2, BASELINE], ids=lambda dialect: dialect.model)
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


@pytest.fixture(scope="module")
def trapping() -> Bench:
    return Bench(THUMB2)


def stepped(bench: Bench, program: Program) -> Stepped:
    """By single steps, at which stack pointers are aligned."""

    def look() -> None:
        assert not bench.engine.reg_read(arm.UC_ARM_REG_SP) & 3
        assert not bench.engine.reg_read(arm.UC_ARM_REG_PSP) & 3

    return single_steps.stepped(bench, program, look)


@COMMON
@given(data=st.data())
def test_free_run_equals_single_steps(bench: Bench, data: st.DataObject) -> None:
    program = data.draw(programs(bench.dialect))
    check_slices(bench, program, stepped(bench, program), [LIMIT])


@COMMON
@given(data=st.data(), slices=SLICES)
def test_slices_equal_single_steps(bench: Bench, data: st.DataObject, slices: list[int]) -> None:
    program = data.draw(programs(bench.dialect))
    check_slices(bench, program, stepped(bench, program), slices)


@COMMON
@given(data=st.data(), slices=SLICES)
def test_slices_to_the_end_of_a_block_equal_single_steps(
    bench: Bench, data: st.DataObject, slices: list[int]
) -> None:
    program = data.draw(programs(bench.dialect))
    expected = stepped(bench, program)
    bench.exact = False
    try:
        check_slices(bench, program, expected, slices)
    finally:
        bench.exact = True


@COMMON
@given(data=st.data(), slices=SLICES, traps=st.booleans())
def test_slices_equal_single_steps_with_traps(
    trapping: Bench, data: st.DataObject, slices: list[int], traps: bool
) -> None:
    """Divisions by zero and unaligned accesses trap, or do not any more."""
    bench = trapping
    bench.traps = traps
    program = data.draw(programs(bench.dialect))
    expected = stepped(bench, program)
    for counts in (slices, [LIMIT]):
        check_slices(bench, program, expected, counts)


@COMMON
@given(data=st.data(), slices=SLICES, kinds=st.lists(st.booleans(), min_size=1, max_size=4))
def test_snapshots_equal_single_steps(
    bench: Bench, data: st.DataObject, slices: list[int], kinds: list[bool]
) -> None:
    """Run ahead, go back, run on: by contexts, and by architectural state."""
    program = data.draw(programs(bench.dialect))
    expected = stepped(bench, program)
    bench.load(program)
    for count, architectural in zip(cycle(slices), cycle(kinds)):
        if bench.done:
            break
        mark = bench.mark()
        for _ in range(2):
            if not bench.done:
                bench.run(count)
        bench.back_to(mark, architectural)
        assert bench.state() == expected[0][mark.step]
        bench.run(count)
        assert bench.state() == expected[0][bench.engine.step]
    check_end(bench, expected)


@COMMON
@given(data=st.data())
def test_equals_plain_unicorn(bench: Bench, data: st.DataObject) -> None:
    """Against Unicorn's own single steps, up to the first fault (which it does not do exactly)."""
    program = data.draw(programs(bench.dialect))
    reference = Reference(program)
    reference.run()
    states, accesses, *_ = stepped(bench, program)
    end = max(reference.states)
    for step, state in reference.states.items():
        assert states[step] == state
    assert [a for a in accesses if a[0] < end] == reference.accesses


@COMMON
@given(data=st.data())
def test_breakpoints(bench: Bench, data: st.DataObject) -> None:
    program = data.draw(programs(bench.dialect))
    expected = stepped(bench, program)
    states = expected[0]
    pcs = sorted({s[15] for s in states.values()})
    chosen = data.draw(st.lists(st.sampled_from([*pcs, *(pc + 2 for pc in pcs)]), max_size=5))
    hits = [(n, s[15]) for n, s in states.items() if s[15] in chosen and n < LIMIT]
    engine = bench.engine

    bench.load(program)
    engine.set_breakpoints(chosen)
    found = []
    while not bench.done:
        if bench.run(LIMIT).reason is StopReason.BREAKPOINT:
            found.append((engine.step, engine.pc))
            assert bench.state() == states[engine.step]
            engine.skip_stops_at(engine.step)
    assert found == hits
    check_end(bench, expected)

    bench.load(program)
    collect(engine, chosen)
    slice_ = data.draw(st.integers(1, LIMIT))
    while not bench.done:
        bench.run(slice_)
        seen = [h for h in hits if h[0] < engine.step or (bench.done and h[0] <= engine.step)]
        assert executed(engine) == seen
    check_end(bench, expected)


@COMMON
@given(data=st.data())
def test_unaligned_accesses_that_must_be_aligned(bench: Bench, data: st.DataObject) -> None:
    """Exactly those fault, before they have done anything."""
    program = data.draw(programs(bench.dialect))
    bench.load(program)
    while not bench.done:
        state, seen = bench.state(), len(bench.events)
        memory, pc, xpsr = bench.memory(), state[15], state[XPSR]
        access = data_access(bench.engine.read(pc, 4), pc, state.__getitem__)
        fault = access is not None and access.unaligned and holds(xpsr)
        bench.run(1)
        events = [event for event in bench.events[seen:] if is_unaligned(event)]
        if not fault:
            # Those to a device must be aligned, too, and on a small core all.
            assert not events or access is not None
            continue
        assert events
        now = bench.state()
        assert (now[:13], now[13:15], bench.memory()) == (state[:13], state[13:15], memory)


def is_unaligned(event: tuple[Any, ...]) -> bool:
    return (event[0] == "fault" and bool(event[3] & UNALIGNED_FAULT)) or (
        event[0] == "exception" and event[3] == UNALIGNED
    )


def expected_hits(reference: Reference, watches: Watches) -> list[tuple[int, int]]:
    """(step, pc) of every instruction that does a watched access."""
    memory = dict(enumerate(reference.program.code, reference.program.start))
    hits: dict[int, int] = {}
    by_step: dict[int, list[Any]] = {}
    for touch in reference.touches:
        by_step.setdefault(touch.step, []).append(touch)
    for step, touches in by_step.items():
        before = dict(memory)
        exclusive = len({t.kind for t in touches}) == 2
        for t in touches:
            if exclusive and t.kind is Access.READ:
                continue
            new = dict(enumerate(t.value.to_bytes(t.size, "little"), t.address))
            for address, length, kinds, changes_only in watches:
                common = new.keys() & range(address, address + length)
                if not common or not kinds & t.kind:
                    continue
                if t.kind is Access.WRITE and changes_only and t.address < DEVICE:
                    common = {at for at in common if new[at] != before.get(at, 0)}
                if common:
                    hits[step] = t.pc
            if t.kind is Access.WRITE and t.address < DEVICE:
                memory |= new
    return sorted(hits.items())


@COMMON
@given(data=st.data())
def test_watchpoints(bench: Bench, data: st.DataObject) -> None:
    program = data.draw(programs(bench.dialect))
    reference = Reference(program)
    reference.run()
    end = max(reference.states)
    states, *_ = stepped(bench, program)
    touched = sorted({t.address for t in reference.touches}) or [RAM]
    watch = st.tuples(
        st.sampled_from(touched).flatmap(lambda a: st.integers(max(0, a - 3), a + 5)),
        st.integers(1, 9),
        st.sampled_from([Access.READ, Access.WRITE, Access.READ | Access.WRITE]),
        st.booleans(),
    )
    watches = data.draw(st.lists(watch, min_size=1, max_size=3))
    hits = expected_hits(reference, watches)
    engine = bench.engine

    bench.load(program)
    engine.set_watchpoints(watches)
    found = []
    while not bench.done and engine.step < end:
        stop = bench.run(end - engine.step)
        if stop.reason is StopReason.WATCH:
            assert stop.watch is not None and stop.watch.step == engine.step
            found.append((engine.step, engine.pc))
            assert bench.state() == states[engine.step]
            engine.skip_stops_at(engine.step)
    assert found == hits

    bench.load(program)
    collect(engine, accessed=watches)
    slice_ = data.draw(st.integers(1, LIMIT))
    while not bench.done and engine.step < end:
        bench.run(min(slice_, end - engine.step))
        noted = list(dict.fromkeys((step, pc) for step, pc, _ in accessed(engine)))
        assert noted == [h for h in hits if h[0] < engine.step]


def test_states_inside_it_blocks_are_reached() -> None:
    """The random programs would be of little use if they had none."""
    bench, inside = Bench(THUMB2), 0

    @settings(max_examples=20, deadline=None, database=None)
    @given(program=programs(THUMB2))
    def count(program: Program) -> None:
        nonlocal inside
        inside += sum(in_it(s[XPSR]) for s in stepped(bench, program)[0].values())

    count()
    assert inside > 20
    assert len(REGS) == XPSR + 2


def test_programs_of_the_small_core_go_a_long_way() -> None:
    """Most do not end at their first fault, and are compared with plain Unicorn beyond it."""
    bench, steps, unaligned = Bench(BASELINE), 0, 0

    @settings(max_examples=60, deadline=None, database=None)
    @given(program=programs(BASELINE))
    def count(program: Program) -> None:
        nonlocal steps, unaligned
        events = stepped(bench, program).events
        steps += bench.engine.step
        unaligned += sum(event[0] == "exception" and event[3] == UNALIGNED for event in events)

    count()
    assert steps > 500
    assert unaligned > 5
