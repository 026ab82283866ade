"""What `monitor` says of branches, and does with them: a part of `ttd.monitor`."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.history.place import Place
from ttd.recording.index import Branch
from ttd.text import printable
from ttd.timeline_api import TimelineApi


def tree(timeline: TimelineApi) -> str:
    """All branches, each under the one that it leaves."""
    return "".join(f"{line}\n" for line in _lines(timeline, None, ""))


def _lines(timeline: TimelineApi, parent: int | None, indent: str) -> Iterator[str]:
    present = timeline.branches.present.id
    for branch in timeline.branches.all:
        if (branch.fork.parent if branch.fork else None) != parent:
            continue
        steps = timeline.end if branch.id == present else branch.status.steps
        begin = branch.fork.step if branch.fork else timeline.begin
        grows = ", goes on" if timeline.branches.grows(branch.id) else ""
        reason = f": {branch.reason}" if branch.reason else ""
        mark = "*" if branch.id == present else " "
        yield f"{mark} {indent}{branch.name}  steps {begin} to {steps}{grows}{printable(reason)}"
        yield from _lines(timeline, branch.id, indent + "  ")


def same_step(timeline: TimelineApi, branch: Branch, step: int) -> Place:
    """Where a branch has this step; if it is shorter, its end."""
    known = timeline.end if branch.id == timeline.branches.present.id else branch.status.steps
    return Place(branch.id, min(step, known))
