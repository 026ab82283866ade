"""Finding the command that a line means, and `help`."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.debugger.session import Session
from ttd.errors import UserError
from ttd.monitor.branches import BranchCommands
from ttd.monitor.commands import Command, Question
from ttd.monitor.events import EventCommands, Events
from ttd.monitor.marks import MarkCommands
from ttd.monitor.memory import MemoryCommands
from ttd.monitor.moving import MovingCommands
from ttd.monitor.output import OutputCommands
from ttd.monitor.requests import RequestCommands
from ttd.text import shown


class Monitor:
    """Executes `monitor` lines for one session."""

    def __init__(
        self, session: Session, events: Events | None = None, questions: Sequence[Question] = ()
    ) -> None:
        self._session = session
        self._commands = (
            *MovingCommands(session).all,
            *MarkCommands(session).all,
            *BranchCommands(session, events).all,
            *EventCommands(session, events).all,
            *OutputCommands(session).all,
            *MemoryCommands(session).all,
            *RequestCommands(session).all,
            Command("help", self._help, text="this list"),
            *(Command(q.name, q.answer, q.arguments, q.text) for q in questions),
        )

    def execute(self, line: str) -> str:
        """Run one command and return what it prints."""
        self._session.follow()
        words = line.split()
        for command in self._commands:
            name = command.name.split()
            if words[: len(name)] == name:
                rest = words[len(name) :]
                if command.raw:
                    rest = line.strip().split(None, len(name))[len(name) :]
                try:
                    return command.run(rest)
                except UserError as e:
                    return f"{e}\n"
        for view in self._session.timeline.probe.views():
            if words == [view.name]:
                return view.show()
        if not words:
            return self._help(words)
        return (
            f"There is no monitor command {shown(line.strip())}; {self._near(words[0])}"
            "'monitor help' lists them.\n"
        )

    def _near(self, word: str) -> str:
        """What a misspelt word may have meant."""
        from difflib import get_close_matches  # noqa: PLC0415

        near = get_close_matches(word, [c.name for c in self._commands if c.text], n=1)
        return f"'{near[0]}' may be meant, and " if near else ""

    def _help(self, words: list[str]) -> str:
        usages = [(c.usage, c.text) for c in self._commands if c.text]
        usages += [(view.name, view.text) for view in self._session.timeline.probe.views()]
        width = max(len(usage) for usage, _ in usages)
        return "".join(f"{usage:<{width}}  {text}\n" for usage, text in usages)
