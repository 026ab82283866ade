"""What has been asked of a complete recording and answered, kept in it as it was printed: the same
question again is answered without a machine, a program's debug information or a search."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from contextlib import suppress

import msgpack

import ttd
from ttd.index.index import Index
from ttd.recording.errors import RecordingError
from ttd.recording.recording import Recording

MOST = 64 << 10
"""Characters of an answer that is kept."""
_ROW = 0
"""The interval whose rows have what is of the whole run."""
_SOURCES = (".py", ".c", ".h")
Said = Sequence[object]
"""A question as data."""


class Answered:
    """The answers in one recording. Methods never raise for a file."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._index = Index(recording)
        self._who = who_answers(os.path.dirname(ttd.__file__))

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
            (each.id, each.name, repr(each.fork), repr(each.status))
            for each in file.branches.values()
        ]
        marks = repr(sorted(file.remarks.bookmarks().items()))
        key = ["asked", self._recording.branch, said, branches, marks, self._who]
        return repr(key).encode()  # which has a way to write whatever was typed


def who_answers(top: str) -> str:
    """This ttd, whose package is in the directory `top`: its version, and a sum of all its sources,
    10 ms. A number to be raised by whoever changes an answer would be forgotten, and times of files
    are others on each machine: what one has indexed, another one of the same ttd is to know.
    """
    found = 0
    for directory, below, names in os.walk(top):
        below[:] = sorted(name for name in below if name != "__pycache__")
        for name in sorted(names):
            if name.endswith(_SOURCES):
                path = os.path.join(directory, name)
                found = zlib.crc32(os.path.relpath(path, top).encode(), found)
                with suppress(OSError), open(path, "rb") as source:
                    found = zlib.crc32(source.read(), found)
    return f"{ttd.__version__} {found:08x}"
