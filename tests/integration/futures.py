"""A state machine over places: go about in a recording, change the past, and compare.

Whatever leads to a place, its state is the same there: each place that is come to is remembered by
the hash of the whole state, compared whenever it is met again, and in the end with a plain forward
run of its branch. Hypothesis draws what is done, and prints the shortest way to a failure.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.integration.border import Clocks
from tests.integration.state_difference import difference
from tests.integration.walks import Guest, Known, Walk, events, plain, recorder, seen, where
from ttd.conditions import Constant, When
from ttd.engine.types import Access
from ttd.errors import UserError
from ttd.history.kept import Snapshot
from ttd.history.place import Place
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine
from ttd.recording.index import Branch
from ttd.replay.again import INPUT, Change
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint

MOST = 8
"""Branches that there are at one time."""
FURTHER = 3000
"""Steps by which a branch grows in one movement, at most."""
COUNTS = st.sampled_from((1, 2, 3, 7, 40, 300, 4000))
ANY = st.integers(0, (1 << 16) - 1)
"""One of however many there are."""
WRITES = st.lists(
    st.one_of(
        st.tuples(st.integers(4, 7), st.integers(0, (1 << 31) - 1)),
        st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=8)),
    ),
    min_size=1,
    max_size=4,
)
"""What is written: a register by its number, or memory."""


class Recorded:
    """A guest that was recorded straight on, with some input; each user gets a copy."""

    def __init__(self, guest: Guest, folder: Path) -> None:
        self._guest = guest
        self._folder = folder
        self._copies = 0

    @cached_property
    def _path(self) -> Path:
        path = self._folder / "recorded.ttd"
        dice = random.Random(1)
        session, line = recorder(self._guest, path, dice.randbytes)
        made = Walk(session, dice, line, self._guest.keyboard)
        for _ in range(12):
            made.type()
            made.press()
            # It may wait for more input, for ever.
            ctrl_c = threading.Timer(0.05, session.timeline.interrupt)
            ctrl_c.start()
            session.timeline.step_forward(dice.choice((40, 700, 6000)))
            ctrl_c.cancel()
            ctrl_c.join()
        session.leave("it was recorded")
        session.close()
        return path

    def copy(self) -> Path:
        self._copies += 1
        path = self._folder / f"{self._copies}.ttd"
        shutil.copy(self._path, path)
        return path


def opened(path: Path, branch: str = "") -> RecordedMachine:
    host = HostSides(time=Clocks())
    return RecordedMachine.open(str(path), SemihostFiles(None), host=host, branch=branch)


class Futures(RuleBasedStateMachine):
    """One way through a copy of a recording."""

    def __init__(self, scene: Recorded) -> None:
        super().__init__()
        self.path = scene.copy()
        self.session = opened(self.path)
        self.known: Known = {}
        self.changed = False
        """What the present place was, it is no more."""
        self.names = 0
        self.over = False

    # -- what holds ------------------------------------------------------------------------

    @invariant()
    def one_place_has_one_state(self) -> None:
        timeline = self.session.timeline
        assert timeline.begin <= timeline.position <= timeline.end
        found = seen(self.session)
        if timeline.trials.present is not None:
            return  # what was written may still be taken back, and the name is given again
        here = where(self.session)
        if self.changed:
            self.changed = False
            self.known[here] = found
        self._same(here, self.known.setdefault(here, found), found)

    def _same(self, here: object, before: Snapshot, found: Snapshot) -> None:
        assert before.hash == found.hash, (
            f"{here}: {difference(before, found)}; before it were {events(self.session)}"
        )

    def teardown(self) -> None:
        try:
            if not self.over:
                self._settle()
                self._close()
                plain(self.path, self.known)
        finally:
            self.session.close()
            self.path.unlink()

    def _do(self, move: Callable[[], Stop | None]) -> None:
        """What a debugger is asked for: it may be refused, which changes nothing."""
        self._settle()
        self._try(move)

    def _try(self, move: Callable[[], Stop | None]) -> None:
        self.over = True  # what fails is not to be compared any more
        try:
            stop = move()
        except UserError:
            stop = None
        self.over = False
        assert stop is None or stop.step == self.session.timeline.position

    def _settle(self) -> None:
        """As before a movement that is none of a function that a debugger calls."""
        timeline = self.session.timeline
        if timeline.trials.present is None:
            return
        if timeline.trials.tries_nothing():
            timeline.trials.drop()
            self.changed = False
        else:
            timeline.trials.keep()
            self.one_place_has_one_state()

    def _step(self, fraction: int) -> int:
        begin, end = self.session.timeline.begin, self.session.timeline.end
        return begin + fraction * (end - begin + 1) // (1 << 16)

    def _one(self, choice: int, of: list[Any]) -> Any:
        return of[choice * len(of) >> 16]

    @property
    def _all(self) -> list[Branch]:
        return self.session.branches.all

    # -- movements -------------------------------------------------------------------------

    @rule(at=ANY)
    def seek(self, at: int) -> None:
        self._do(lambda: self.session.timeline.seek(self._step(at)))

    @rule(choice=ANY, by=st.sampled_from((0, -1, 1)))
    def seek_known(self, choice: int, by: int) -> None:
        _, step = self._one(choice, list(self.known))
        self._do(lambda: self.session.timeline.seek(step + by))

    @rule(choice=ANY, by=st.sampled_from((0, -1, 1)))
    def turn_to_known(self, choice: int, by: int) -> None:
        self._settle()
        name, step = self._one(choice, list(self.known))
        place = Place(self.session.branches.named(name).id, max(0, step + by))
        self._do(lambda: self.session.timeline.go_to(place))

    @rule(choice=ANY, at=ANY)
    def turn(self, choice: int, at: int) -> None:
        self._settle()
        place = Place(self._one(choice, self._all).id, self._step(at))
        self._do(lambda: self.session.timeline.go_to(place))

    @rule(choice=ANY)
    def turn_to_end(self, choice: int) -> None:
        self._settle()
        number = self._one(choice, self._all).id
        self._do(lambda: self.session.timeline.go_to_end(number))

    @rule(count=COUNTS)
    def step_forward(self, count: int) -> None:
        self._do(lambda: self.session.timeline.step_forward(count))

    @rule(count=COUNTS)
    def step_backward(self, count: int) -> None:
        self._do(lambda: self.session.timeline.step_backward(count))

    def _run_forward(self, stops: Stops) -> Stop:
        """A guest on a branch that grows may run for ever."""
        session = self.session
        grows = session.branches.grows(session.branches.present.id)
        until = session.timeline.end + FURTHER if grows else None
        return session.timeline.run_forward(stops, until)

    @rule()
    def to_the_end(self) -> None:
        self._do(lambda: self._run_forward(Stops()))

    @rule(
        backward=st.booleans(),
        watch=st.booleans(),
        condition=st.sampled_from((None, True, False)),
        word=st.integers(0, 1023),
        choice=ANY,
    )
    def run_to_stop(
        self, backward: bool, watch: bool, condition: bool | None, word: int, choice: int
    ) -> None:
        timeline = self.session.timeline
        when = None if condition is None else When(Constant(int(condition)))
        if watch:
            base, size = self._one(choice, timeline.machine.engine.regions())
            address = base + word % (min(size, 4096) // 4) * 4
            stops = Stops(watchpoints=(Watchpoint(address, 4, Access.WRITE, when),))
        else:
            stops = Stops((Breakpoint(timeline.machine.engine.pc, when),))
        run = timeline.run_backward if backward else self._run_forward
        self._do(lambda: run(stops))

    @rule(count=COUNTS, backward=st.booleans())
    def interrupted(self, count: int, backward: bool) -> None:
        """By a Ctrl-C that comes before anything has run."""
        timeline = self.session.timeline
        self._settle()
        timeline.interrupt()
        self._try(lambda: (timeline.step_backward if backward else timeline.step_forward)(count))

    # -- changes ---------------------------------------------------------------------------

    def _write(self, what: tuple[int, int | bytes]) -> None:
        timeline = self.session.timeline
        where_to, value = what
        if isinstance(value, bytes):
            base, size = timeline.machine.engine.regions()[-1]
            timeline.probe.write_memory(base + size // 2 + where_to, value)
        else:
            general = [r for r in timeline.cpu.registers if r.group == "general" and r.bits <= 64]
            timeline.probe.write_register(general[where_to].name, value)

    def _write_all(self, writes: list[tuple[int, int | bytes]]) -> None:
        for what in writes:
            self._try(lambda what=what: self._write(what))

    @precondition(lambda self: len(self._all) < MOST)
    @rule(writes=WRITES)
    def write(self, writes: list[tuple[int, int | bytes]]) -> None:
        self._settle()
        self._write_all(writes)
        self.changed = True

    @precondition(lambda self: len(self._all) < MOST)
    @rule(
        writes=WRITES,
        runs=COUNTS,
        back=st.sampled_from((0, 0, 1, 40)),
        end=st.sampled_from(("drop", "keep what was written", "keep the branch")),
    )
    def call(self, writes: list[tuple[int, int | bytes]], runs: int, back: int, end: str) -> None:
        """As GDB calls a function: writes, a run, and all is as it was, or nearly."""
        self._settle()
        session, timeline = self.session, self.session.timeline
        here, before = where(session), seen(session)
        self._write_all(writes)
        trial = timeline.trials.present
        if trial is None:
            return
        self._try(lambda: timeline.step_forward(runs))
        if back:
            self._try(lambda: timeline.step_backward(back))
        if end == "keep the branch" or timeline.trials.present is not trial:
            # Where the branch goes on, and nothing has run, the writes are its own.
            self.changed = trial.live
            timeline.trials.keep("a function was called")
        elif end == "keep what was written":
            timeline.trials.drop(len(trial.writes))
            self.changed = True
        else:
            timeline.trials.drop()
            assert where(session) == here
            self._same(here, before, seen(session))

    @precondition(lambda self: len(self._all) < MOST)
    @rule(named=st.booleans())
    def branch(self, named: bool) -> None:
        name = self._new_name() if named else ""
        self._do(lambda: self.session.timeline.branch_off("one was wanted", name) and None)

    @precondition(lambda self: len(self._all) < MOST)
    @rule(changes=st.lists(st.one_of(st.none(), st.just(-1), st.integers(0, 499)), max_size=8))
    def edit(self, changes: list[int | None]) -> None:
        """A branch on which some of what comes again does not, or later."""
        self._settle()
        timeline = self.session.timeline
        rows = self.session.replay.log.select(INPUT, timeline.position + 1)
        what = {
            number: Change(None) if change < 0 else Change(event.payload, change)
            for (number, event), change in zip(rows, changes, strict=False)
            if change is not None
        }
        self._do(lambda: timeline.branch_off("it was edited", "", what) and None)

    @rule(data=st.binary(min_size=1, max_size=3))
    def type_there(self, data: bytes) -> None:
        serials = self.session.machine.board.serials
        if serials:
            self._do(lambda: self.session.timeline.probe.give_input(serials[0], data))

    def _new_name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    @precondition(lambda self: len(self._all) > 1)
    @rule(choice=ANY)
    def rename(self, choice: int) -> None:
        self._settle()  # which gives a branch that is kept another number
        old, new = self._one(choice, self._all[1:]), self._new_name()
        self.session.branches.rename(old.id, new)
        self.known = {(new if n == old.name else n, s): w for (n, s), w in self.known.items()}

    @precondition(lambda self: len(self._all) > 1)
    @rule(choice=ANY)
    def discard(self, choice: int) -> None:
        self._settle()
        branches = self.session.branches
        parents = {branch.fork.parent for branch in self._all if branch.fork is not None}
        leaves = [b for b in self._all[1:] if b.id not in parents and b.id != branches.present.id]
        if leaves:
            gone = self._one(choice, leaves)
            branches.discard(gone.id)
            self.known = {at: what for at, what in self.known.items() if at[0] != gone.name}

    # -- the file ----------------------------------------------------------------------------

    def _close(self) -> None:
        """The machine is left where it is."""
        self.session.leave("it was left")
        self.known[where(self.session)] = seen(self.session)  # an end has come into the log
        self.session.close()

    @rule(on_branch=st.booleans(), back=st.booleans())
    def reopen(self, on_branch: bool, back: bool) -> None:
        self._settle()
        name, step = where(self.session)
        present = self.session.branches.present.name
        self._close()
        self.session = opened(self.path, present if on_branch else "")
        if back:
            place = Place(self.session.branches.named(name).id, step)
            self._do(lambda: self.session.timeline.go_to(place))
