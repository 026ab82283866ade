"""What `monitor` says of branches, and does with them: a part of `ttd.monitor`."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.debugger.places import end_of
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
        begin = branch.fork.step if branch.fork else timeline.begin
        end = end_of(timeline, branch)
        grows = ", goes on" if timeline.branches.grows(branch.id) else ""
        reason = f": {branch.reason}" if branch.reason else ""
        mark = "*" if branch.id == present else " "
        yield f"{mark} {indent}{branch.name}  steps {begin} to {end}{grows}{printable(reason)}"
        yield from _lines(timeline, branch.id, indent + "  ")
