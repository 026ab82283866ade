"""Names for places, kept in the recording."""

from __future__ import annotations

from ttd.history.branches import Branches
from ttd.history.place import Place
from ttd.recording.errors import RecordingError
from ttd.recording.file import FIRST_OVER
from ttd.recording.remarks import Bookmark
from ttd.text import is_line, printable

MOST_NAME = 100
"""Characters of a name."""


class Bookmarks:
    """The bookmarks of a recorded machine, on all branches."""

    def __init__(self, branches: Branches) -> None:
        self._branches = branches

    @property
    def all(self) -> dict[str, Bookmark]:
        """By name."""
        return self._branches.recording.file.remarks.bookmarks()

    def set(self, name: str, place: Place, note: str = "") -> None:
        """Call a place by a name; the one that had the name before is forgotten.

        `RecordingError` if that is no name, or cannot be written.
        """
        plain = is_line(name) and name.isidentifier() and len(name) <= MOST_NAME
        if not plain or name in ("start", "begin", "end"):
            raise RecordingError(f"'{printable(name)}' is no name for a place, such as crash_1")
        if place.branch >= FIRST_OVER:
            raise RecordingError("this branch is in no file, where bookmarks are kept")
        self._branches.recording.file.remarks.set_bookmark(name, place.step, note, place.branch)

    def delete(self, name: str) -> None:
        """Forget one; `RecordingError` if there is none of that name."""
        if name not in self.all:
            raise RecordingError(f"there is no bookmark {printable(name)}")
        self._branches.recording.file.remarks.delete_bookmark(name)
