"""What people add to a recording: bookmarks and notes. None of it is a part of the run."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from ttd.recording.blob import pack, seal, unpack, unseal
from ttd.recording.errors import RecordingError
from ttd.recording.rows import context, is_count, put_meta
from ttd.recording.store import Store
from ttd.text import is_line, printable

MAX_NOTE = 500
"""Characters of a note."""
MAX_NOTES = 1000
"""Notes of one recording."""
_MAX_NOTE_BYTES = 8 << 20
"""Of all of them together, as they are packed."""
_MAX_BOOKMARK = 1 << 16
_ROW_BYTES = 64


class Bookmark(NamedTuple):
    """A name for a place."""

    branch: int
    step: int
    note: str


class Remarks:
    """Bookmarks and notes in one recording, while it grows and afterwards."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- bookmarks

    def set_bookmark(self, name: str, step: int, note: str = "", branch: int = 0) -> None:
        """Remember a place; in a finished recording too, if its file can be written.

        Of name and note what is not printable is escaped.
        """
        name, note = printable(name), printable(note)
        blob = seal(pack([step, note, branch]), context("bookmark", name))
        self._change("INSERT OR REPLACE INTO bookmarks VALUES (?, ?)", name, blob)

    def delete_bookmark(self, name: str) -> None:
        """Forget a place; nothing happens if there is none of that name."""
        self._change("DELETE FROM bookmarks WHERE name = ?", name)

    def bookmarks(self) -> dict[str, Bookmark]:
        """By name."""
        places = {}
        for name, blob in self._store.each("SELECT name, data FROM bookmarks ORDER BY name"):
            if not is_line(name) or name in places:
                raise self._store.damaged("a bookmark is not one")
            entry = unpack(unseal(blob, context("bookmark", name), _MAX_BOOKMARK))
            match entry:
                case [step, note] if is_count(step) and is_line(note):
                    places[name] = Bookmark(0, step, note)
                case [step, note, branch] if all(map(is_count, (step, branch))) and is_line(note):
                    places[name] = Bookmark(branch, step, note)
                case _:
                    raise self._store.damaged("a bookmark is not one")
        return places

    def _change(self, sql: str, *values: object) -> None:
        if self._store.writes:
            self._store.put(lambda db: db.execute(sql, values), _ROW_BYTES)
        else:
            self._store.change(lambda db: db.execute(sql, values))

    # --- notes

    def add_note(self, date: str, text: str) -> None:
        """Keep one line of text in a recording that nobody records any more; it is no part of the
        run. What is not printable is escaped.

        `RecordingError` if the file is being recorded or cannot be written, if the text is empty or
        too long, or there are too many.
        """
        if not text.strip():
            raise RecordingError("a note without text is none")
        line = printable(text)
        if len(text) > MAX_NOTE:
            raise RecordingError(f"a note has at most {MAX_NOTE} characters, not {len(text)}")

        def add(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT data FROM meta WHERE name = ?", ("notes",)).fetchone()
            notes = [] if row is None else self._unpack_notes(row[0])
            if len(notes) >= MAX_NOTES:
                path = self._store.path
                raise RecordingError(f"{path} has {MAX_NOTES} notes, and takes no more")
            put_meta(db, "notes", [*notes, (date, line)])

        self._store.change(add)

    def notes(self) -> list[tuple[str, str]]:
        """(date, text) of each note, in the order in which they were added."""
        row = self._store.row("SELECT data FROM meta WHERE name = ?", "notes")
        return [] if row is None else self._unpack_notes(row[0])

    def _unpack_notes(self, blob: object) -> list[tuple[str, str]]:
        data = unpack(unseal(blob, context("meta", "notes"), _MAX_NOTE_BYTES))
        if not isinstance(data, list):
            raise self._store.damaged("a note is not one")
        notes = []
        for entry in data:
            match entry:
                case [date, text] if is_line(date) and is_line(text):
                    notes.append((date, text))
                case _:
                    raise self._store.damaged("a note is not one")
        return notes
