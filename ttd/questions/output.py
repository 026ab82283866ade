"""`output`: when something was printed."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.printed import Interrupted as PrintedInterrupted
from ttd.printed import Line, Printed
from ttd.questions.past import Interrupted, Past, Stretch
from ttd.questions.row import Row
from ttd.text import as_bytes, printable
from ttd.values import dataclass

_MOST = 200
"""Characters of what is looked for."""


@dataclass(frozen=True, slots=True)
class Shown(Row):
    """A line with the text in it; `place` is the step that printed the text's last character."""

    begin: Place
    """Where the line began."""
    device: str
    """Which printed it, if that is not where a console is."""
    line: str

    @property
    def text(self) -> str:
        return f"{self.device} {self.line}" if self.device else self.line


def output(past: Past, stretch: Stretch, text: str) -> list[Shown]:
    """Lines that have `text` in them; in a line the last of several counts. `UserError` if that is
    too long, or has an end of a line in it."""
    if "\n" in text or len(text) > _MOST:
        raise UserError(f"output takes a part of a line, of {_MOST} characters at most.")
    printed = Printed(past.machine, past.snapshots)
    found = []
    try:
        with printed.staying():
            end = past.timeline.end
            # Backward: steps before `end` count, and what is wanted is in its last lines.
            for line in printed.lines(as_bytes(text), stretch.end, end, past.report):
                if stretch.begin <= line.found < stretch.end:
                    found.append(_shown(past, line))
                    if stretch.backward and len(found) == stretch.limit:
                        break
    except PrintedInterrupted:
        past.machine.interruption.answer()
        raise Interrupted from None
    found.sort(key=lambda row: row.place.step)
    return stretch.chosen(found)


def _shown(past: Past, line: Line) -> Shown:
    words = printable(line.data.decode(errors="replace"))
    device = line.label.strip(" []")
    return Shown(past.place(line.found), past.place(line.begin), device, words)
