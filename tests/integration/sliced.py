"""Recordings made at once, or in slices: they must come to the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.border import Line, recorder
from ttd.boards import BOARDS


class Recorded(NamedTuple):
    """How a guest ended: its whole state, what it printed, after how many steps."""

    state: dict[str, Any]
    output: bytes
    steps: int


class Cuts(NamedTuple):
    """Slices of random lengths between two steps."""

    choose: random.Random
    first: int
    last: int


def record(
    name: str, program: str, board: str, ram: tuple[int, int], path: Path, cuts: Cuts | None = None
) -> Recorded:
    """Record `program` of the firmware `name` to its end; `ram`: address and size of its memory."""
    line = Line()
    live = recorder(name, path, board=BOARDS[board], uart=line, program=program)
    machine = live.machine
    if cuts is not None:
        machine.run(cuts.first)
        choose = cuts.choose
        while machine.engine.step < cuts.last:
            count = choose.randint(1, choose.choice((1, 10, 100, 5_000)))
            machine.run(machine.engine.step + count, exact=choose.random() < 0.5)
    ended = live.run(None, lambda step: None)
    # How many events there were depends on how often the host's clock made a checkpoint.
    state = {name: part for name, part in machine.save().items() if name != "replay"}
    state["memory"] = machine.engine.read(*ram)
    live.finish(ended.reason, ended.code)
    live.close()
    return Recorded(state, bytes(line.output), machine.engine.step)
