"""What the guest has printed, looked for from where its machine is."""

from __future__ import annotations

from itertools import islice

from ttd.moving.legs import NO_STOPS, Legs
from ttd.printed import Interrupted, Line, Printed
from ttd.probe_api import TimelineError
from ttd.text import as_bytes


class Output:
    """Searches leave the machine where it is."""

    def __init__(self, legs: Legs) -> None:
        self._legs = legs
        self._printed = Printed(legs.machine, legs.snapshots)

    def lines(self, text: str, count: int) -> list[Line]:
        """The latest lines with `text` in them that have been printed by now, the latest first.

        If there are none, those that are printed later; the latest first, too. `TimelineError` if
        the search is interrupted.
        """
        position, end = self._legs.position, self._legs.end
        try:
            found = self._search(text, position + 1, None, count)
            if not found and text:
                found = self._search(text, end + 1, end, count)
                found = [line for line in found if line.found >= position]
        except Interrupted:
            self._legs.interruption.answer()
            raise TimelineError("The search for what was printed was interrupted.") from None
        return found

    def last(self, text: str) -> int | None:
        """The step before the present that printed the last character of `text` last.

        `ttd.printed.Interrupted` if the search is.
        """
        found = self._search(text, self._legs.position, None, 1)
        return found[0].found if found else None

    def _search(self, text: str, until: int, end: int | None, count: int) -> list[Line]:
        def report(done: float) -> None:
            self._legs.report(done, "searching what was printed")

        self._legs.arm(NO_STOPS)
        with self._printed.staying():
            return list(islice(self._printed.lines(as_bytes(text), until, end, report), count))
