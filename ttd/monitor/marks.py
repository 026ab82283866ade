"""Checkpoints, which are gone with the server, and bookmarks, which stay in the file."""

from __future__ import annotations

from ttd.debugger.places import told
from ttd.debugger.session import Session
from ttd.errors import UserError
from ttd.monitor.commands import Command, arm
from ttd.text import number


class MarkCommands:
    """`checkpoint`, `bookmark` and what belongs to them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._timeline = session.timeline
        self._marks = session.marks
        self.all = (
            Command("checkpoint", self._checkpoint, text="number this position"),
            Command("info checkpoints", self._checkpoints, text="list the checkpoints"),
            Command("restart", self._restart, "NUMBER", "go to a checkpoint with the next resume"),
            Command("delete checkpoint", self._delete_checkpoint, "NUMBER", "forget a checkpoint"),
            Command("bookmarks", self._bookmarks, text="list the bookmarks"),
            Command(
                "bookmark", self._bookmark, "NAME [TEXT]", "keep this place in the file", raw=True
            ),
            Command("delete bookmark", self._delete_bookmark, "NAME", "forget a bookmark"),
        )

    def _checkpoint(self, words: list[str]) -> str:
        here = self._session.place
        return f"Checkpoint {self._marks.add(here)} at step {told(self._timeline, here.step)}\n"

    def _checkpoints(self, words: list[str]) -> str:
        lines = (
            f"{mark}  step {told(self._timeline, step, branch)}\n"
            for mark, (branch, step) in self._marks.checkpoints.items()
        )
        return "".join(lines) or "No checkpoints.\n"

    def _restart(self, words: list[str]) -> str:
        return arm(self._session, self._marks.checkpoints[self._checkpoint_number(words)])

    def _delete_checkpoint(self, words: list[str]) -> str:
        found = self._checkpoint_number(words)
        del self._marks.checkpoints[found]
        return f"Checkpoint {found} deleted.\n"

    def _checkpoint_number(self, words: list[str]) -> int:
        try:
            found = number(words[0]) if len(words) == 1 else 0
        except ValueError:
            found = 0
        if found not in self._marks.checkpoints:
            raise UserError(
                "Give the number of a checkpoint; 'monitor info checkpoints' lists them."
            )
        return found

    def _bookmark(self, words: list[str]) -> str:
        if not words:
            raise UserError("bookmark takes a name, and maybe a text behind it.")
        name, _, note = words[0].partition(" ")
        here = self._session.place
        self._timeline.bookmarks.set(name, here, note.strip())
        return f"Bookmark {name} at step {told(self._timeline, here.step, here.branch)}\n"

    def _bookmarks(self, words: list[str]) -> str:
        marks = sorted(self._timeline.bookmarks.all.items(), key=lambda item: item[1])
        width = max((len(name) for name, _ in marks), default=0)
        lines = (
            f"{name:<{width}}  step {told(self._timeline, mark.step, mark.branch)}"
            + (f"  {mark.note}" if mark.note else "")
            for name, mark in marks
        )
        return "".join(f"{line}\n" for line in lines) or "No bookmarks.\n"

    def _delete_bookmark(self, words: list[str]) -> str:
        if len(words) != 1:
            raise UserError("delete bookmark takes the name of one.")
        self._timeline.bookmarks.delete(words[0])
        return f"Bookmark {words[0]} deleted.\n"
