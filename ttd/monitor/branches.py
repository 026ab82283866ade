"""Branches: what there are, and beginning, naming and forgetting one."""

from __future__ import annotations

from collections.abc import Iterator

from ttd.debugger.places import end_of, same_step, told
from ttd.debugger.session import Armed, Session
from ttd.edits import USAGE
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.monitor.commands import Command, arm
from ttd.monitor.events import Events, logged
from ttd.text import printable
from ttd.timeline_api import TimelineApi


class BranchCommands:
    """`branches`, `branch`, `edit` and `discard`."""

    def __init__(self, session: Session, events: Events | None) -> None:
        self._session = session
        self._timeline = session.timeline
        self._events = events
        self.all = (
            Command("branches", self._tree, text="which lines of history there are"),
            Command(
                "branch rename", self._rename, "[OLD] NEW", "give a branch, or this one, a name"
            ),
            Command("branch", self._branch, "NAME", "go to a branch, or begin one here"),
            Command(
                "edit",
                self._edit,
                "STEP HOW",
                "begin a branch on which an input is otherwise",
                raw=True,
            ),
            Command("discard", self._discard, "NAME", "forget a branch"),
        )

    def _tree(self, words: list[str]) -> str:
        """All branches, each under the one that it leaves."""
        return "".join(f"{line}\n" for line in _lines(self._timeline, None, ""))

    def _branch(self, words: list[str]) -> str:
        """To a branch of that name, or the beginning of one."""
        if len(words) != 1:
            raise UserError("branch takes a name: that of a branch, to go there, or of a new one.")
        branches, session = self._timeline.branches, self._session
        known = next((b for b in branches.all if words[0] in (b.name, str(b.id))), None)
        if known is not None:
            return arm(session, same_step(self._timeline, known, session.place.step))
        if session.visiting:
            raise UserError("A trace frame is only looked at; 'tfind none' leaves it.")
        self._timeline.branch_off("you asked for it", words[0])
        return ""

    def _edit(self, words: list[str]) -> str:
        """The branch begins where the next resume goes to."""
        if not words:
            raise UserError(f"edit takes the step of an input, and {USAGE}.")
        present = self._timeline.branches.present
        found = logged(self._events).edit(words[0].removeprefix(f"{present.name}:"))
        here = Place(present.id, found.step)
        self._session.armed = Armed(here, edit=found)
        return (
            f"Going to step {told(self._timeline, found.step)} with the next command that resumes,"
            " such as stepi; a branch begins there.\n"
        )

    def _rename(self, words: list[str]) -> str:
        if len(words) not in (1, 2):
            raise UserError(
                "branch rename takes a new name, and before it which branch, or this one."
            )
        branches = self._timeline.branches
        branch = branches.named(words[0]) if len(words) == 2 else branches.present
        branches.rename(branch.id, words[-1])
        return f"{branch.name} is called {words[-1]} now.\n"

    def _discard(self, words: list[str]) -> str:
        if len(words) != 1:
            raise UserError("discard takes the name of a branch.")
        return f"{self._session.discard(words[0]).name} is gone.\n"


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
