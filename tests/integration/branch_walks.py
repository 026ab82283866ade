"""Random walks over a live recording that change the past, too: call functions, branch, edit
inputs, discard, with Ctrl-C at any moment. `futures` does so in finished ones, without the moments.

As `walks`; in the end all futures are compared with plain runs.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.integration import walks
from tests.integration.walks import Guest, Walk, plain, recorder, seen, where
from ttd.replay.again import INPUT, Change
from ttd.stops import Stop

LIVE = (*walks.MOVES, "call", "call", "branch", "edit", "discard", "turn")
MOST = 8
"""Branches that there are at one time."""


class BranchWalk(Walk):
    """One walk over a recording that is being made."""

    def moves(self) -> tuple[str, ...]:
        return LIVE if self.session.timeline.live else (*walks.PLAIN, "call", "branch")

    def call(self) -> Stop | None:
        """As GDB calls a function: writes, a run, and all is as it was, or nearly."""
        timeline, dice = self.session.timeline, self.dice
        here, before = where(self.session), seen(self.session)
        count = dice.randrange(1, 5)
        for _ in range(count):
            dice.choice((self.write_register, self.write_memory))()
        self.changed = False
        trial = timeline.trials.present
        if trial is None:
            return None
        self._interrupted(lambda: timeline.step_forward(self._short()))
        if dice.random() < 0.3:
            timeline.step_backward(self._short())
        if dice.random() < 0.2 or timeline.trials.present is not trial:
            # Where the branch goes on, and nothing has run, the writes are its own.
            self.changed = trial.live
            timeline.trials.keep("the walk called something")
            return None
        kept = dice.choice((0, 0, len(trial.writes)))
        timeline.trials.drop(kept)
        if kept:
            self.changed = True
        else:
            assert (where(self.session), seen(self.session).hash) == (here, before.hash), self.trail
        return None

    def _may_branch(self) -> bool:
        return len(self.session.branches.all) < MOST

    def branch(self) -> None:
        if self._may_branch():
            self.session.timeline.branch_off("the walk wanted one")

    def edit(self) -> None:
        """A branch on which some of what comes again is otherwise."""
        if not self._may_branch():
            return
        session, dice = self.session, self.dice
        rows = session.replay.log.select(INPUT, session.timeline.position + 1)
        changes = {
            number: dice.choice((Change(None), Change(event.payload, dice.randrange(500))))
            for number, event in rows
            if dice.random() < 0.3
        }
        session.timeline.branch_off("the walk edited", "", changes)

    def discard(self) -> None:
        branches = self.session.branches
        parents = {branch.fork.parent for branch in branches.all if branch.fork is not None}
        leaves = [b for b in branches.all if b.id not in parents and b.id != branches.present.id]
        if leaves and leaves[-1].fork is not None:
            gone = self.dice.choice([b for b in leaves if b.fork is not None])
            branches.discard(gone.id)
            self.known = {at: what for at, what in self.known.items() if at[0] != gone.name}


def branch_walk(guest: Guest, path: Path, seed: int, moves: int) -> None:
    """Record on a walk."""
    print(f"{guest.name}: seed {seed}")
    session, line = recorder(guest, path)
    made = BranchWalk(session, random.Random(seed), line, guest.keyboard)
    made.go(moves)
    session.leave("it was recorded")
    made.known[where(session)] = seen(session)  # an end has come into the log
    session.close()
    plain(path, made.known)
