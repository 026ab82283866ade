"""Going back to many positions of a recording, each compared with what running forward showed."""

from __future__ import annotations

import random
from pathlib import Path

from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.stops import Stops
from ttd.timeline import Timeline

Seen = tuple[int, int, list[int]]
"""Step, PC, all registers."""


def _look(timeline: Timeline) -> Seen:
    engine = timeline.machine.engine
    return engine.step, engine.pc, engine.save_state()


def step_back_everywhere(path: Path, count: int) -> None:
    """At `count` random positions: one step back is where one step before was, going forward.

    Prints its seed.
    """
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rnd = random.Random(seed)
    session = RecordedMachine.open(str(path), SemihostFiles(None))
    try:
        timeline = session.timeline
        positions = sorted({rnd.randint(1, timeline.end) for _ in range(count)})
        expected = {}
        for position in positions:
            timeline.run_forward(Stops(), position - 1)
            before = _look(timeline)
            timeline.step_forward()
            expected[position] = (before, _look(timeline))
        rnd.shuffle(positions)
        for position in positions:
            timeline.seek(position)
            assert _look(timeline) == expected[position][1], position
            timeline.step_backward()
            assert _look(timeline) == expected[position][0], position
    finally:
        session.close()
