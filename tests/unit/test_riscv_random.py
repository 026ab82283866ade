"""Random RISC-V programs behave the same however they are run: engine and processor model.

With traps, delegation, interrupts, page faults, changing page tables, changing code, atomics and
floating point. TTD_ENGINE_EXAMPLES sets how many programs each test tries.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.riscv_bench import LIMIT, Bench
from tests.unit.riscv_programs import Program, programs
from tests.unit.single_steps import check_end, check_slices, stepped
from ttd.engine import StopReason

EXAMPLES = int(os.environ.get("TTD_ENGINE_EXAMPLES", "30"))
COMMON = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
SLICES = st.lists(st.integers(1, 30), min_size=1, max_size=8)


@pytest.fixture(scope="module", params=[64, 32])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


@COMMON
@given(data=st.data())
def test_free_run_equals_single_steps(bench: Bench, data: st.DataObject) -> None:
    program = data.draw(programs(bench.xlen))
    check_slices(bench, program, stepped(bench, program), [LIMIT])


@COMMON
@given(data=st.data(), slices=SLICES)
def test_slices_equal_single_steps(bench: Bench, data: st.DataObject, slices: list[int]) -> None:
    program = data.draw(programs(bench.xlen))
    check_slices(bench, program, stepped(bench, program), slices)


@COMMON
@given(data=st.data(), slices=SLICES, kinds=st.lists(st.booleans(), min_size=1, max_size=4))
def test_snapshots_equal_single_steps(
    bench: Bench, data: st.DataObject, slices: list[int], kinds: list[bool]
) -> None:
    """Run ahead, go back, run on: by contexts, and by architectural state."""
    program = data.draw(programs(bench.xlen))
    expected = stepped(bench, program)
    bench.load(program)
    for count, architectural in zip(cycle(slices), cycle(kinds)):
        if bench.done:
            break
        mark = bench.mark()
        bench.run(2 * count)
        step = bench.back_to(mark, architectural)
        assert bench.state() == expected[0][step]
        bench.run(count)
        assert bench.state() == expected[0][bench.engine.step]
    check_end(bench, expected)


@COMMON
@given(data=st.data())
def test_breakpoints(bench: Bench, data: st.DataObject) -> None:
    program = data.draw(programs(bench.xlen))
    expected = stepped(bench, program)
    states, events = expected.states, expected.events
    entries = {event[0] for event in events if event[1] != "wait"}
    pcs = sorted({state[0] for state in states.values()})
    chosen = data.draw(st.lists(st.sampled_from([*pcs, *(pc + 2 for pc in pcs)]), max_size=5))
    # Where an interrupt is taken, the instruction at PC is not about to run.
    hits = [
        (n, state[0])
        for n, state in states.items()
        if state[0] in chosen and n < max(states) and n not in entries
    ]
    engine = bench.engine
    bench.load(program)
    engine.set_breakpoints(chosen)
    found = []
    while not bench.done:
        stop = bench.run(LIMIT)
        if stop is not None:
            assert stop.reason is StopReason.BREAKPOINT
            if engine.step not in entries:
                found.append((engine.step, engine.pc))
            assert bench.state() == states[engine.step]
            engine.skip_stops_at(engine.step)
    assert found == hits
    check_end(bench, expected)


@pytest.mark.slow
@pytest.mark.parametrize("xlen", [64, 32])
def test_the_programs_reach_what_they_are_for(xlen: int) -> None:
    """They would be of little use if they all ended soon, or without a trap."""
    bench = Bench(xlen)
    causes: Counter[Any] = Counter()
    modes: Counter[int] = Counter()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(program=programs(xlen))
    def count(program: Program) -> None:
        bench.load(program)
        bench.run(LIMIT)
        causes.update(event[1] for event in bench.events)
        modes[program.mode] += bench.engine.step

    count()
    assert {2, 3, 5, 7, 13, 15} <= causes.keys()
    assert causes.keys() & {8, 9, 11, "wait"}
    assert {64 + n for n in (1, 3, 5, 7, 9, 11)} <= causes.keys()
    assert min(modes[mode] for mode in (0, 1, 3)) > 500
