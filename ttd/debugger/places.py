"""Places as people type them, and are told of them."""

from __future__ import annotations

import re

from ttd.errors import UserError
from ttd.history.place import Place
from ttd.recording.index import Branch
from ttd.text import number, shown
from ttd.timeline_api import TimelineApi

FORMS = "N, P%, start, end, BRANCH:N or a bookmark"
_PERCENT = re.compile(r"[0-9]{1,40}(?:\.[0-9]{0,40})?%", re.ASCII)


def find_place(timeline: TimelineApi, text: str, option: str, *, here: int | None = None) -> Place:
    """What `text` means; a step is one of the present branch, and has to be there.

    `here`: the step from which `+N` and `-N` count, which are none without it.
    """
    marked = timeline.bookmarks.all.get(text)
    if marked is not None:
        return Place(marked.branch, marked.step)
    name, colon, word = text.rpartition(":")
    branch = timeline.branches.named(name) if colon else timeline.branches.present
    try:
        step = step_of(word, timeline.begin, end_of(timeline, branch), here)
    except ValueError:
        forms = FORMS if here is None else f"+N, -N, {FORMS}"
        raise UserError(f"{option} takes {forms}, not {shown(text)}") from None
    return place_at(timeline, step, branch)


def place_at(timeline: TimelineApi, step: int, branch: Branch | None = None) -> Place:
    """A step of a branch, or of the present one, which has to be there."""
    branch = branch or timeline.branches.present
    begin, end = timeline.begin, end_of(timeline, branch)
    if not begin <= step <= end:
        raise UserError(f"step {step} is outside the history, which has steps {begin} to {end}")
    return Place(branch.id, step)


def step_here(timeline: TimelineApi, place: Place, what: str) -> int:
    """The step of a place that has to be on the present branch; `what` is said of it if not."""
    if place.branch != timeline.branches.present.id:
        name = next((b.name for b in timeline.branches.all if b.id == place.branch), place.branch)
        raise UserError(f"{what} is on another branch, {name}: go there first")
    return place.step


def same_step(timeline: TimelineApi, branch: Branch, step: int) -> Place:
    """Where a branch has this step; if it is shorter, its end."""
    return Place(branch.id, min(step, end_of(timeline, branch)))


def end_of(timeline: TimelineApi, branch: Branch) -> int:
    """The last step that is known of a branch."""
    present = timeline.branches.present.id
    return timeline.end if branch.id == present else branch.status.steps


def told(timeline: TimelineApi, step: int, branch: int | None = None) -> str:
    """A position as people see it everywhere; its first word can be given to `find_place`.

    The branch is said where there are several.
    """
    present = timeline.branches.present
    name = next((b.name for b in timeline.branches.all if b.id == branch), present.name)
    where = f"{name}:{step}" if len(timeline.branches.all) > 1 else f"{step}"
    if name != present.name:
        return where
    span = timeline.end - timeline.begin
    percent = 100 * (step - timeline.begin) / span if span else 100.0
    return f"{where} of {timeline.end} ({percent:.2f}%)"


def step_of(text: str, begin: int, end: int, here: int | None = None) -> int:
    """What `text` means on a history from `begin` to `end`; it may be outside. `ValueError`."""
    if text in ("start", "begin"):
        return begin
    if text == "end":
        return end
    if _PERCENT.fullmatch(text) and (share := float(text[:-1])) <= 100:
        return begin + round((end - begin) * share / 100)
    if here is not None and text[:1] in ("+", "-"):
        distance = number(text[1:])
        return here + (distance if text[0] == "+" else -distance)
    return number(text)
