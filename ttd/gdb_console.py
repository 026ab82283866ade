"""What a client's user is told beside the answers: notes, and how far long work is.

A console exists only while the target runs or a command is executed: GDB manual, appendix "Remote
Protocol", section "Stop Reply Packets", `O`.
"""

from __future__ import annotations

from collections.abc import Callable

from ttd.rsp.link import ClientGone, Link

_PROGRESS_EVERY = 2.0
"""Seconds between two words of progress; work that takes less prints none."""
_PROGRESS_PERCENT = 5
"""By how much it must have grown."""
_MOST_NOTES = 20
"""Sentences that wait for a console; of more the last ones count."""


class Console:
    """The user's side of one client."""

    def __init__(self, link: Link, said: list[str], clock: Callable[[], float]) -> None:
        """`said`: sentences that are to be shown, which are taken out by that."""
        self._link = link
        self._said = said
        self._clock = clock
        self._open = False
        self._earlier: list[str] = []
        """What could not be shown yet."""
        self._next_progress = 0.0
        self._told_progress = "", 0
        """What has been said on the line that is not ended yet."""

    def open(self, shown: bool = True) -> None:
        """Work begins; show what has waited for that. `shown`: the client shows at once what comes
        meanwhile."""
        for note in self.take_notes():
            self.say(note)
        self._next_progress = self._clock() + _PROGRESS_EVERY
        self._open = shown

    def close(self) -> None:
        """It has ended, or failed: what comes next begins a line."""
        self._open = False
        self._end_progress()

    def say(self, sentence: str) -> None:
        """Show a line."""
        self._link.console(f"{sentence}\n")

    def note(self, text: str) -> None:
        """Something to be shown as soon as it can be."""
        self._earlier = [*self._earlier[-_MOST_NOTES:], text]

    def take_notes(self, before: str = "") -> list[str]:
        """All that waits to be shown, which it does no more; `before`: in front of what is new."""
        notes, self._earlier = [f"Earlier: {note}" for note in dict.fromkeys(self._earlier)], []
        notes += [before + note for note in self._said]
        self._said.clear()
        return notes

    def progress(self, fraction: float, text: str) -> None:
        """How far work is (0..1). All of a movement's stays on one line, which grows: consoles that
        go back to the beginning of a line are few."""
        if not self._open or fraction >= 1 or self._clock() < self._next_progress:
            return
        percent, (told, last) = int(100 * fraction), self._told_progress
        try:
            if text != told:
                self._end_progress()
                self._link.console(f"{text}: {percent}%")
            elif percent >= last + _PROGRESS_PERCENT:
                self._link.console(f" {percent}%")
            else:
                return
        except ClientGone:
            self._open = False  # the way back is not to fail of that, too
            raise
        self._told_progress = text, percent
        self._next_progress = self._clock() + _PROGRESS_EVERY

    def _end_progress(self) -> None:
        if self._told_progress[0]:
            self._told_progress = "", 0
            self._link.console("\n")
