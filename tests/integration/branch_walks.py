"""Random walks that change the past: write, call functions, edit inputs, discard, close and open.

As `walks`, over a finished recording, of which all futures are compared with plain runs at last.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.integration import walks
from tests.integration.border import Clocks
from tests.integration.walks import PLAIN, Guest, Walk, plain, recorder, seen, where
from ttd.history.place import Place
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine
from ttd.replay.again import INPUT, Change
from ttd.stops import Stop

MOVES = (
    *PLAIN, "turn", "write_register", "write_memory", "call", "call", "branch", "edit", "discard",
    "reopen", "type_there",
)  # fmt: skip
LIVE = (*walks.MOVES, "call", "call", "branch", "edit", "discard", "turn")
MOST = 8
"""Branches that there are at one time."""


def opened(path: Path, branch: str = "") -> RecordedMachine:
    host = HostSides(time=Clocks())
    return RecordedMachine.open(str(path), SemihostFiles(None), host=host, branch=branch)


class BranchWalk(Walk):
    """One walk over the recording at `path`."""

    path: Path | None = None
    """None: it is recorded."""

    def moves(self) -> tuple[str, ...]:
        if self.path is not None:
            return MOVES
        return LIVE if self.session.timeline.live else (*walks.PLAIN, "call", "branch")

    def record_a_little(self, steps: int) -> None:
        """It may wait for input before, for ever."""
        self._interrupted(lambda: self.session.timeline.step_forward(steps))

    def call(self) -> Stop | None:
        """As GDB calls a function: writes, a run, and all is as it was, or nearly."""
        timeline, dice = self.session.timeline, self.dice
        here, before = where(self.session), seen(self.session)
        count = dice.randrange(1, 5)
        for _ in range(count):
            dice.choice((self.write_register, self.write_memory))()
        self.changed = False
        trial = timeline.trial
        if trial is None:
            return None
        self._interrupted(lambda: timeline.step_forward(self._short()))
        if dice.random() < 0.3:
            timeline.step_backward(self._short())
        if dice.random() < 0.2 or timeline.trial is not trial:
            # Where the branch goes on, and nothing has run, the writes are its own.
            self.changed = trial.live
            timeline.keep_trial("the walk called something")
            return None
        kept = dice.choice((0, 0, len(trial.writes)))
        timeline.drop_trial(kept)
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

    def type_there(self) -> None:
        board = self.session.machine.board
        if board.serials:
            data = self.dice.randbytes(self.dice.randrange(1, 4))
            self.session.timeline.give_input(board.serials[0], data)

    def discard(self) -> None:
        branches = self.session.branches
        parents = {branch.fork.parent for branch in branches.all if branch.fork is not None}
        leaves = [b for b in branches.all if b.id not in parents and b.id != branches.present.id]
        if leaves and leaves[-1].fork is not None:
            gone = self.dice.choice([b for b in leaves if b.fork is not None])
            branches.discard(gone.id)
            self.known = {at: what for at, what in self.known.items() if at[0] != gone.name}

    def reopen(self) -> None:
        assert self.path is not None
        self.session.leave("the walk went elsewhere")
        here, found = where(self.session), seen(self.session)
        self.known[here] = found  # an end has come into the log
        self.session.close()
        name = self.session.branches.present.name
        self.session = opened(self.path, self.dice.choice(("", name)))
        if self.dice.random() < 0.5:
            branch = self.session.branches.named(here[0]).id
            self.session.timeline.go_to(Place(branch, here[1]))


def branch_walk(guest: Guest, path: Path, seed: int, moves: int, *, live: bool = False) -> None:
    """Record straight on with some input, then walk over that; or (`live`) record on a walk."""
    print(f"{guest.name}: seed {seed}")
    dice = random.Random(seed)
    session, line = recorder(guest, path)
    made = BranchWalk(session, dice, line, guest.keyboard)
    if live:
        made.go(moves)
    for _ in range(0 if live else 12):
        made.type()
        made.press()
        made.record_a_little(dice.choice((40, 700, 6000)))
    session.leave("it was recorded")
    if live:
        made.known[where(session)] = seen(session)  # an end has come into the log
    session.close()
    if live:
        plain(path, made.known)
        return
    walked = BranchWalk(opened(path), dice)
    walked.path = path
    walked.go(moves)
    walked.reopen()
    walked.session.close()
    plain(path, walked.known)
