"""Learning all that the index can say of a recording, by running each interval once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from ttd.errors import UserError
from ttd.index import Index, Ranges, Ticks
from ttd.recorded import RecordedMachine
from ttd.runs import RunEnd
from ttd.search.interval import Interval
from ttd.search.likely import Likely, answers
from ttd.search.scan import Interrupted
from ttd.symbols import Symbols
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """What an interval does."""

    number: int
    executed: Ticks | None
    """The code that it has executed, if that is known, as all the rest."""
    written: Ranges | None
    """Numbers of words."""
    moved: bool
    """Page tables may have put them elsewhere."""
    answers: Mapping[bytes, bytes]
    """To what is likely to be asked (`ttd.search.likely`)."""


def missing(session: RecordedMachine) -> list[int]:
    """Intervals of which not all is known, ascending; none of those that are still being made."""
    recording, index = session.recording, session.snapshots.index
    words = session.machine.engine.knows_words
    return [
        number
        for number in range(len(recording.snapshots) - (recording.status.state_hash is None))
        if index.executed(number) is None
        or (words and index.written(number) is None)
        or index.found(number) is None
    ]


def keep(index: Index, found: Found) -> None:
    """Let the index know; `write` puts it into the file."""
    if found.executed is not None:
        index.learn_executed(found.number, found.executed)
    if found.written is not None:
        index.learn_written(found.number, found.written, found.moved)
    index.learn_found(found.number, found.answers)


def learn(session: RecordedMachine, numbers: Sequence[int]) -> Iterator[Found]:
    """What these intervals do; quicker if one follows the other. `UserError` if they cannot be
    run; `search.Interrupted`."""
    machine, snapshots = session.machine, session.snapshots
    likely = Likely(Symbols(load.image for load in machine.loads))
    for number in numbers:
        low, high = snapshots.index.span(number)
        if machine.engine.step != low or machine.ended is not None:
            snapshots.go_back(low)
        if machine.engine.step != low:
            raise UserError(f"{session.recording.path}: step {low} cannot be gone to")
        with _noting(session, high - low) as seen:
            found = answers(snapshots, Interval(low, high), likely, partial(_run, session))
        yield Found(number, seen.executed, seen.written, seen.moved, found)


def _run(session: RecordedMachine, end: int) -> None:
    machine = session.machine
    while (here := machine.engine.step) < end:
        stop = machine.run(end)
        if stop.end is RunEnd.INTERRUPTED:
            raise Interrupted
        if machine.engine.step == here:
            raise UserError(f"{session.recording.path}: what is replayed ends at step {here}")


@contextmanager
def _noting(session: RecordedMachine, steps: int) -> Iterator[_Seen]:
    snapshots, engine = session.snapshots, session.machine.engine
    engine.note_when(steps)
    snapshots.capture()  # what the engine says is of this interval only
    seen = _Seen(session)
    if engine.knows_words:
        engine.note_words(True)
    snapshots.onlooker = seen.look
    try:
        yield seen
        seen.look()
    finally:
        snapshots.onlooker = None
        engine.note_when(None)
        if engine.knows_words:
            engine.note_words(False)


class _Seen:
    """What has been executed and written."""

    def __init__(self, session: RecordedMachine) -> None:
        self._engine = session.machine.engine
        self.executed: Ticks | None = Ticks()
        self.written: Ranges | None = None
        self.moved = False

    def look(self) -> None:
        """Before the engine forgets."""
        engine, reached = self._engine, self._engine.code_reached()
        if reached is None or self.executed is None:
            self.executed = None
        else:
            self.executed = self.executed.joined(Ticks.of(reached))
        if engine.knows_words:
            words = engine.words_written()
            self.written = None if words is None else Ranges(*map(tuple, words))
            self.moved = self.moved or engine.words_moved
