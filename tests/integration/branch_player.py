"""Goes about in the branches of a recording for ever, until it is killed: arguments FILE SEED."""

from __future__ import annotations

import random
import sys

from ttd.history.place import Place
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine

UNUSED = 0x20003000
"""Memory of the guest's board that nobody uses."""
MOST = 6


def play(path: str, seed: int) -> None:
    dice = random.Random(seed)
    session = RecordedMachine.open(path, SemihostFiles(None))
    timeline, branches = session.timeline, session.branches
    end = timeline.end
    print("it plays", flush=True)
    while True:
        branch = dice.choice(branches.all)
        timeline.go_to(Place(branch.id, dice.randrange(1, end)))
        if session.machine.ended is not None:
            continue
        if len(branches.all) < MOST:
            timeline.probe.write_memory(UNUSED, dice.randbytes(4))
            timeline.trials.keep()
        timeline.step_forward(dice.randrange(20_000))
        if session.machine.ended is None and dice.random() < 0.3:
            timeline.probe.write_memory(UNUSED, dice.randbytes(4))
            timeline.step_forward(50)
            timeline.trials.drop()
        if dice.random() < 0.1:
            branches.rename(branches.present.id, f"n{dice.randrange(1 << 30)}")


if __name__ == "__main__":
    play(sys.argv[1], int(sys.argv[2]))
