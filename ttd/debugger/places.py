"""Places as people type them."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.history.place import Place
from ttd.timeline_api import TimelineApi

FORMS = "N, P%, start, end, BRANCH:N or a bookmark"


def find_place(timeline: TimelineApi, text: str, option: str) -> Place:
    """What `text` means; a step is one of the present branch, and has to be there."""
    begin, end, branch = timeline.begin, timeline.end, timeline.branches.present
    marked = timeline.bookmarks.all.get(text)
    if marked is not None:
        return Place(marked.branch, marked.step)
    name, colon, step = text.rpartition(":")
    if colon:
        branch = timeline.branches.named(name)
        end = end_of(timeline, branch.id)
    try:
        found = _step(step, begin, end)
    except ValueError:
        raise UserError(f"{option} takes {FORMS}, not '{text}'") from None
    if not begin <= found <= end:
        raise UserError(f"step {found} is outside the history, which has steps {begin} to {end}")
    return Place(branch.id, found)


def end_of(timeline: TimelineApi, number: int) -> int:
    """The last step that is known of a branch."""
    present = timeline.branches.present.id
    status = next(branch.status for branch in timeline.branches.all if branch.id == number)
    return timeline.end if number == present else status.steps


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
