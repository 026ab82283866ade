"""The branches of a recorded machine: on which it is, and how it gets to another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from ttd.bus.host_time import ContinuedTime
from ttd.history.place import Place
from ttd.machine import Machine
from ttd.recording.errors import RecordingError
from ttd.recording.index import Branch
from ttd.recording.recording import Recording
from ttd.replay.again import Change
from ttd.replay.log_cursor import Line
from ttd.replay.terms import Clock, Mode
from ttd.snapshot import Progress, Snapshots
from ttd.values import dataclass

_FOR_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class _Left:
    """A branch that the machine was on, as it was left."""

    recording: Recording
    line: Line
    progress: Progress | None
    ahead: tuple[int, int] | None
    """Of the clocks (`ContinuedTime.ahead`), if it grows."""


class Branches:
    """Which lines of history there are; the machine is on one of them, `present`.

    A branch leaves another one at the fork, a step: positions before it are the same on both.
    """

    def __init__(
        self,
        machine: Machine,
        recording: Recording,
        snapshots: Snapshots,
        time: ContinuedTime | None = None,
    ) -> None:
        self.recording = recording
        """The branch on which the machine is."""
        self._machine = machine
        self._snapshots = snapshots
        self._time = time
        self.temporary = False
        """New ones are not put into the recording."""
        self._left: dict[int, _Left] = {}

    @property
    def present(self) -> Branch:
        """The one on which the machine is."""
        return self.recording.file.branches[self.recording.branch]

    @property
    def all(self) -> list[Branch]:
        """All, in the order in which they were made."""
        return list(self.recording.file.branches.values())

    def grows(self, number: int) -> bool:
        """It goes on being recorded where it ends."""
        return self.recording.file.grows(number)

    @property
    def growing(self) -> list[Branch]:
        """Those that grow."""
        return [branch for branch in self.all if self.grows(branch.id)]

    def named(self, name: str) -> Branch:
        """By name or number; `RecordingError` if there is none."""
        file = self.recording.file
        return file.branches[file.number(name)]

    def now(self, place: Place) -> Place | None:
        """The same place, if its branch has got another number since; None if that is gone."""
        file = self.recording.file
        number = file.moved.get(place.branch, place.branch)
        return Place(number, place.step) if number in file.branches else None

    def branch_off(
        self, reason: str, name: str = "", changes: Mapping[int, Change] | None = None
    ) -> Branch:
        """Go on from here as a new branch, which is recorded, but in no file until it is kept
        (`keep`). What came from outside comes again, but for `changes` to some of it, by the
        numbers of its events.
        """
        with self._machine.replay.still(self._lost):
            return self._branch_off(reason, name, changes or {})

    def _branch_off(self, reason: str, name: str, changes: Mapping[int, Change]) -> Branch:
        machine, replay = self._machine, self._machine.replay
        step, file = machine.engine.step, self.recording.file
        parent, latest = self._owner()
        name = name or self._free_name()
        file.check_name(name)
        file.begin_overlay()
        recorded = replay.mode is Mode.RECORD
        self._leave()
        first, events = replay.log.cut_before(replay.sequence, latest)
        recording = parent.fork(
            name,
            reason,
            step=step,
            warp_ns=machine.clock.warp_ns,
            first=first,
            events=events,
            log=replay.log_digest,
            temporary=True,
        )
        self._snapshots.branch_off(recording)
        budget = self._snapshots.budget
        replay.branch_off(recording, budget, budget.spent, os.urandom, changes)
        self.recording = recording
        if not recorded and self._time is not None:
            # The clocks of the host go on from what the guest knows.
            self._time.go_on_from(*map(replay.last_clock, (Clock.HOST, Clock.VIRTUAL_RT)))
        # With a snapshot here, from which the branch goes on.
        machine.run(step, interruptible=False)
        replay.note_position()
        return self.present

    def keep(self) -> None:
        """Put the present branch into the file, if it is not there. It gets another number.

        `RecordingError` if that cannot be.
        """
        if self.recording.temporary and not self.temporary:
            with self._machine.replay.still(self._lost):
                self.recording.file.begin_growing()
                self.recording.keep()

    def kept(self, step: int) -> str:
        """The same, in a sentence for people; it began at `step`. Where that cannot be, they are
        told so."""
        why = ""
        try:
            self.keep()
        except RecordingError as error:
            why = f" It is kept in memory only: {error}."
        made = self.present
        assert made.fork is not None
        parent = next(b.name for b in self.all if b.id == made.fork.parent)
        return (
            f"Branch {made.name} begins at step {step}, as {made.reason};"
            f" what was to come stays on {parent}.{why}"
        )

    def _owner(self) -> tuple[Recording, int | None]:
        """Whose the history here is: before the fork of a branch its parent's; and there, where
        the last of its chunks begins at the latest, as those of the branch may be cut otherwise."""
        recording, at = self.recording, self._machine.replay.sequence
        latest = None
        file = recording.file
        while (fork := file.branches[recording.branch].fork) is not None and at <= fork.sequence:
            left = self._left.get(fork.parent)
            recording = Recording.of(file, fork.parent) if left is None else left.recording
            latest = fork.chunk
        return recording, latest

    def _free_name(self) -> str:
        names = {branch.name for branch in self.all}
        number = len(names)
        while f"b{number}" in names:
            number += 1
        return f"b{number}"

    def turn_to(self, number: int) -> None:
        """Be on another branch: at a place that it has in common with the present one, not far
        before they part."""
        with self._machine.replay.still(self._lost):
            self._turn_to(number)

    def _turn_to(self, number: int) -> None:
        step = self._parting(number)
        self._leave()
        left = self._left.pop(number, None)
        if left is None:
            recording = Recording.of(self.recording.file, number)
            recording.check_clock()
            left = _Left(recording, Line.of(recording), None, None)
        self._machine.replay.turn_to(left.recording, left.line)
        self._snapshots.turn_to(left.recording, left.progress, step)
        self.recording = left.recording
        if left.ahead is not None and self._time is not None:
            self._time.ahead = left.ahead
        self._snapshots.go_back(max(self.recording.file.begin.step, step - 1))
        # What comes next may be interrupted at once: nobody sees a machine between two positions.
        self._machine.run(self._machine.engine.step, interruptible=False)

    def _parting(self, number: int) -> int:
        """The step at which the present branch and another one part."""
        ours = dict(self._forks(self.present.id))
        theirs = dict(self._forks(number))
        common = max(branch for branch in ours if branch in theirs)
        return min(ours[common], theirs[common])

    def _forks(self, number: int) -> Iterator[tuple[int, int]]:
        """The branches that a branch goes through, and where it leaves each."""
        until = _FOR_EVER
        while True:
            yield number, until
            fork = self.recording.file.branches[number].fork
            if fork is None:
                return
            number, until = fork.parent, fork.step

    def _leave(self) -> None:
        """Keep what is needed to go on here later."""
        line, time = self._machine.replay.line(), self._time
        ahead = time.ahead if time is not None and line.live else None
        progress = self._snapshots.progress
        self._left[self.recording.branch] = _Left(self.recording, line, progress, ahead)

    def _lost(self, error: RecordingError) -> None:
        """Something of the present branch is not in the file, and will not be."""
        complaint = f"{error}."
        if complaint not in self._snapshots.complaints:
            self._snapshots.complaints.append(complaint)

    def explain(self, reason: str) -> None:
        """Say why there is the present branch."""
        with self._machine.replay.still(self._lost):
            self.recording.file.explain(self.present.id, reason)

    def rename(self, number: int, name: str) -> None:
        """Give a branch another name."""
        with self._machine.replay.still(self._lost):
            self.recording.file.rename(number, name)

    def discard(self, number: int) -> None:
        """Forget a branch, on which the machine is not, and none comes from."""
        self.recording.file.check_unused(number)
        with self._machine.replay.still(self._lost):
            lines = (left.line for left in self._left.values())
            for line in (self._machine.replay.line(), *lines):
                if line.again is not None:
                    line.again.part_from(number)
            self.recording.file.discard(number)
        self._left.pop(number, None)
