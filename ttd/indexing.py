"""Learning all that the index can say of a recording, by running each interval once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ttd.errors import UserError
from ttd.index import Index, Ranges
from ttd.recorded import RecordedMachine
from ttd.runs import RunEnd

Found = tuple[int, Ranges | None, Ranges | None]
"""Number of an interval; the code that it has executed, the words that it has written, if known."""


class Interrupted(UserError):
    """Somebody wanted an end."""


def missing(session: RecordedMachine) -> list[int]:
    """Intervals of which not all is known, ascending; none of those that are still being made."""
    recording, index = session.recording, session.snapshots.index
    words = session.machine.engine.knows_words
    return [
        number
        for number in range(len(recording.snapshots) - (recording.status.state_hash is None))
        if index.executed(number) is None or (words and index.written(number) is None)
    ]


def keep(index: Index, found: Found) -> None:
    """Let the index know; `write` puts it into the file."""
    number, executed, written = found
    if executed is not None:
        index.learn_executed(number, executed)
    if written is not None:
        index.learn_written(number, written)


def learn(session: RecordedMachine, numbers: Sequence[int]) -> Iterator[Found]:
    """What these intervals do; quicker if one follows the other. `UserError` if they cannot be
    run; `Interrupted`."""
    machine, snapshots = session.machine, session.snapshots
    for number in numbers:
        low, high = snapshots.index.span(number)
        if machine.engine.step != low or machine.ended is not None:
            snapshots.go_back(low)
        if machine.engine.step != low:
            raise UserError(f"{session.recording.path}: step {low} cannot be gone to")
        with _noting(session) as seen:
            _run(session, high)
        yield number, seen.executed, seen.written


def _run(session: RecordedMachine, end: int) -> None:
    machine = session.machine
    while (here := machine.engine.step) < end:
        stop = machine.run(end)
        if stop.end is RunEnd.INTERRUPTED:
            raise Interrupted("interrupted")
        if machine.engine.step == here:
            raise UserError(f"{session.recording.path}: what is replayed ends at step {here}")


@contextmanager
def _noting(session: RecordedMachine) -> Iterator[_Seen]:
    snapshots, engine = session.snapshots, session.machine.engine
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
        if engine.knows_words:
            engine.note_words(False)


class _Seen:
    """What has been executed and written."""

    def __init__(self, session: RecordedMachine) -> None:
        self._engine = session.machine.engine
        self.executed: Ranges | None = Ranges()
        self.written: Ranges | None = None

    def look(self) -> None:
        """Before the engine forgets."""
        engine, reached = self._engine, self._engine.code_reached()
        if reached is None or self.executed is None:
            self.executed = None
        else:
            self.executed = self.executed.joined(*reached)
        if engine.knows_words:
            words = engine.words_written()
            self.written = None if words is None else Ranges().joined(*words)
