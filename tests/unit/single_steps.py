"""Benches run random programs: however they do, it is as by single steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any, NamedTuple, Protocol, TypeVar

from ttd.engine import Engine
from ttd.engine.types import Reached

WHEN = 100
"""Steps of which it is noted when they ran, so that ticks are short, and become longer."""
P_contra = TypeVar("P_contra", contravariant=True)


class Bench(Protocol[P_contra]):
    """A processor with memory and a device."""

    engine: Engine
    done: bool
    accesses: list[Any]
    events: list[Any]

    def load(self, program: P_contra) -> None: ...
    def run(self, steps: int) -> object: ...
    def state(self) -> tuple[Any, ...]: ...
    def memory(self) -> bytes: ...


class Stepped(NamedTuple):
    """What single steps lead to: the state at each position, and what happened."""

    states: dict[int, tuple[Any, ...]]
    accesses: list[Any]
    events: list[Any]
    memory: bytes
    reached: Reached | None
    """The addresses at which there was an instruction, and when."""


def stepped(
    bench: Bench[P_contra], program: P_contra, look: Callable[[], None] = lambda: None
) -> Stepped:
    """One step at a time; `look` is called after each."""
    bench.engine.note_when(WHEN)
    bench.load(program)
    bench.engine.new_interval()
    states = {0: bench.state()}
    while not bench.done:
        bench.run(1)
        states[bench.engine.step] = bench.state()
        look()
    return Stepped(
        states, bench.accesses, bench.events, bench.memory(), bench.engine.code_reached()
    )


def check_end(bench: Bench[Any], expected: Stepped) -> None:
    """The bench has come to the end of what was stepped."""
    assert bench.accesses == expected.accesses
    assert bench.events == expected.events
    assert bench.engine.step == max(expected.states)
    assert bench.state() == expected.states[bench.engine.step]
    assert bench.memory() == expected.memory


def check_slices(
    bench: Bench[P_contra], program: P_contra, expected: Stepped, slices: Iterable[int]
) -> None:
    """The states at the ends of runs of so many steps, in turn, and what happened."""
    bench.load(program)
    bench.engine.new_interval()
    for count in cycle(slices):
        if bench.done:
            break
        bench.run(count)
        assert bench.state() == expected.states[bench.engine.step]
    check_end(bench, expected)
    assert bench.engine.code_reached() == expected.reached
