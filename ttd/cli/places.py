"""Places as people type them."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

from ttd.errors import UserError
from ttd.text import printable

if TYPE_CHECKING:
    from ttd.history.place import Place
    from ttd.recorded import RecordedMachine

FORMS = "N, P%, start, end, BRANCH:N or a bookmark"


def find_place(session: RecordedMachine, text: str, option: str) -> Place:
    """What `text` means; a step is one of the present branch, and has to be there."""
    from ttd.history.place import Place

    timeline = session.timeline
    begin, end, branch = timeline.begin, timeline.end, timeline.branches.present
    marked = timeline.bookmarks.all.get(text)
    if marked is not None:
        return Place(marked.branch, marked.step)
    name, colon, step = text.rpartition(":")
    if colon:
        branch = timeline.branches.named(name)
        end = branch.status.steps
    try:
        found = _step(step, begin, end)
    except ValueError:
        raise UserError(f"{option} takes {FORMS}, not '{printable(text)}'") from None
    if not begin <= found <= end:
        raise UserError(f"step {found} is outside the history, which has steps {begin} to {end}")
    return Place(branch.id, found)


def _step(text: str, begin: int, end: int) -> int:
    if text in ("start", "begin"):
        return begin
    if text == "end":
        return end
    if text.endswith("%"):
        share = float(text[:-1])
        if not 0 <= share <= 100:
            raise ValueError
        return begin + round((end - begin) * share / 100)
    return int(text.replace(",", ""))
