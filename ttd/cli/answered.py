"""What has been asked of a complete recording and answered, kept in it as it was printed: the same
question again is answered without a machine, a program's debug information or a search."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgpack

import ttd
from ttd.index.index import Index
from ttd.recording.errors import RecordingError
from ttd.recording.recording import Recording

MOST = 64 << 10
"""Characters of an answer that is kept."""
_ROW = 0
"""The interval whose rows have what is of the whole run."""
_ANSWERING = ("questions", "program", "search", "origin", "why", "rtos", "debugger", "cli")
"""Rooms on which it depends what an answer looks like."""
Said = Sequence[object]
"""A question as data."""


class Answered:
    """The answers in one recording. Methods never raise for a file."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._index = Index(recording)

    @staticmethod
    def of(path: str, branch: str) -> Answered | None:
        """Those of a branch; None if what can be said of the run still changes."""
        try:
            recording = Recording.open(path, branch)
        except RecordingError:
            return None
        return Answered(recording) if recording.status.state_hash is not None else None

    def recall(self, said: Said) -> list[str] | None:
        """The lines of an answer; None if it is not known."""
        data = self._index.known(_ROW, self._key(said))
        with suppress(ValueError, msgpack.UnpackException):
            lines = None if data is None else msgpack.unpackb(data)
            if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
                return lines
        return None

    def keep(self, said: Said, lines: Sequence[str]) -> None:
        """Those are all lines of an answer."""
        if sum(map(len, lines)) <= MOST:
            self._index.learn(_ROW, self._key(said), msgpack.packb(list(lines)))

    def flush(self, *, patient: bool = False) -> None:
        """Put what is new into the file, if that can be written; `patient`: wait a moment for who
        is in the way."""
        if patient:
            with suppress(RecordingError):
                self._index.write()
        else:
            self._index.flush()

    def _key(self, said: Said) -> bytes:
        """All that an answer depends on: what is asked, of which run, by which names places go, and
        who answers."""
        file = self._recording.file
        branches = [
            (branch.id, branch.name, repr(branch.fork), repr(branch.status))
            for branch in file.branches.values()
        ]
        marks = repr(sorted(file.remarks.bookmarks().items()))
        key: bytes = msgpack.packb(
            ["asked", self._recording.branch, said, branches, marks, _who_answers()]
        )
        return key


def _who_answers() -> list[Any]:
    """This version of ttd: a changed program does not give the answers of another one."""
    top = os.path.dirname(ttd.__file__)
    found: list[Any] = [ttd.__version__]
    for room in _ANSWERING:
        with suppress(OSError), os.scandir(os.path.join(top, room)) as entries:
            sources = [entry for entry in entries if entry.name.endswith(".py")]
            found.append(sorted((entry.name, entry.stat().st_size) for entry in sources))
    return found
