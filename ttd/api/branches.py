"""Lines of history, by their names."""

from __future__ import annotations

from ttd.debugger.places import end_of
from ttd.history.named_place import Place
from ttd.recording.index import Branch as StoredBranch
from ttd.timeline_api import TimelineApi
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of history: it leaves its parent at `begin`, and is known up to `end`."""

    name: str
    begin: Place
    end: Place
    parent: str | None
    """None: it is the first one."""
    reason: str
    """Why there is one."""

    def __str__(self) -> str:
        return self.name


def branch_of(timeline: TimelineApi, branch: StoredBranch) -> Branch:
    """As programs know it."""
    names = {each.id: each.name for each in timeline.branches.all}
    fork = branch.fork
    begin = timeline.begin if fork is None else fork.step
    name = names[branch.id]
    end = Place(name, end_of(timeline, branch))
    parent = None if fork is None else names[fork.parent]
    return Branch(name, Place(name, begin), end, parent, branch.reason)
