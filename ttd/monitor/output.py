"""What the guest has printed, and going to where it did."""

from __future__ import annotations

from ttd.debugger.session import Armed, Session
from ttd.errors import UserError
from ttd.monitor.commands import Command, going
from ttd.replay.words import shown as characters
from ttd.text import printable, shown

_LINES = 10
"""That `output` shows."""
_MOST = 200
"""Characters of a text that is searched for."""


class OutputCommands:
    """`output` and `back-to output`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.all = (
            Command(
                "output",
                self._show,
                "[TEXT]",
                "what was printed last, or where TEXT was",
                raw=True,
            ),
            Command(
                "back-to output",
                self._back_to,
                "TEXT",
                "go to where TEXT was printed last",
                raw=True,
            ),
        )

    def _show(self, words: list[str]) -> str:
        """The lines that the guest has printed last, or the latest ones with a text first."""
        text, here = _text(words), self._session.timeline.position
        lines = self._session.timeline.output.lines(text, _LINES)
        shown_lines = [
            f"{line.found if text else line.begin:>14}  {line.label}{characters(line.data)}\n"
            for line in lines
        ]
        if not text:
            return "".join(reversed(shown_lines)) or f"Nothing was printed before step {here}.\n"
        if not lines:
            return f"{shown(text)} was not printed.\n"
        said = "".join(shown_lines)
        if lines[0].found >= here:
            return f"{shown(text)} was not printed before step {here}, but later:\n{said}"
        ways = f"'monitor goto {lines[0].found}' and 'monitor back-to output {printable(text)}'"
        return f"{said}{ways} go to the first of these.\n"

    def _back_to(self, words: list[str]) -> str:
        """The search is the next resume's: it may be long, and the client can interrupt that."""
        text = _text(words)
        if not text:
            raise UserError("back-to output takes a text that was printed.")
        self._session.armed = Armed(self._session.place, text=text)
        return going(f"where {shown(text)} was printed last")


def _text(words: list[str]) -> str:
    text = words[0] if words else ""
    if len(text) > _MOST:
        raise UserError(f"What is searched for has at most {_MOST} characters.")
    return text
