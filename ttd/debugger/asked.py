"""Questions that are asked in a debugger, in one line of text each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ttd.debugger.asking import Asking
from ttd.debugger.places import find_place, step_here
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.questions.past import Past, Stretch
from ttd.questions.render import lines
from ttd.questions.row import Row
from ttd.text import number, shown

_MOST = 20
"""Rows that are shown, unless it is said how many."""
_PLACES = ("at", "from", "to")
_WORD = re.compile(r'"([^"]*)"(?!\S)|\'([^\']* [^\']*)\'(?!\S)|(\S+)')
_AGAIN = ("last", "next")
"""Questions that go on where the same was answered before."""


class Asker:
    """Who asks in a debugger; knows what was asked last."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._before: tuple[Place, str, list[str]] | None = None
        """Where who asked was, and what that was."""
        self._answered = 0
        """The step of the last row of the answer."""

    def ask(self, asking: Asking, line: Sequence[str]) -> str:
        """The latest rows before here, in order, or as the options in the line say. The same
        question about the last or the next, from the same place, goes on from its answer."""
        words, options = _taken(asking, _words(" ".join(line)))
        if asking.most == 1 and words:
            words = [" ".join(words)]  # an expression may have spaces in it
        home = self._past.timeline.place
        before, self._before = self._before, (home, asking.name, [*line])
        steps = self._steps(options, home)
        if asking.name in _AGAIN and before == self._before and "at" not in steps:
            steps["at"] = self._answered
        stretch = self._stretch(asking, steps, options)
        rows = asking.answer(self._past, stretch, words, options)
        if not rows:
            self._before = None
            return f"{asking.name}: there is none {_where(asking, stretch)}.\n"
        last = rows[-1]
        self._answered = last.place.step if isinstance(last, Row) else 0
        told = lines(self._past, rows[::-1] if stretch.backward else rows)
        return "".join(f"{text}\n" for text in told)

    def _steps(self, options: dict[str, Any], home: Place) -> dict[str, int]:
        """Those that are said, by option."""
        timeline = self._past.timeline
        found = {}
        for name in _PLACES:
            if name in options:
                place = find_place(timeline, options[name], f"--{name}", here=home.step)
                found[name] = step_here(timeline, place, f"--{name}")
        return found

    def _stretch(self, asking: Asking, steps: dict[str, int], options: dict[str, Any]) -> Stretch:
        here = steps.get("at", self._past.timeline.position)
        latest = "backward" in asking.takes
        limit = options.get("limit", _MOST if latest else None)
        high = steps.get("to", here if latest and "from" not in steps else None)
        backward = latest and "from" not in steps
        return self._past.stretch(steps.get("from"), high, here, backward=backward, limit=limit)


def _words(line: str) -> list[str]:
    """The words of a line; in quotes there may be spaces."""
    return [double or single or plain for double, single, plain in _WORD.findall(line)]


def _where(asking: Asking, stretch: Stretch) -> str:
    """In which part of the run there is nothing."""
    if asking.name not in _AGAIN:
        return f"from step {stretch.begin} to {stretch.end}"
    return f"{'before' if asking.name == 'last' else 'after'} step {stretch.here}"


def _taken(asking: Asking, line: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Words and options of what was typed."""
    own = {option.name: option for option in asking.options}
    words, options, rest = list[str](), dict[str, Any](), iter(line)
    for word in rest:
        if not word.startswith("--"):
            words.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if name in own and not own[name].metavar:
            options[name] = True
            continue
        if name not in own and (name not in asking.takes or name == "backward"):
            raise UserError(f"{asking.name} has no option {shown(word)}.")
        if not equals:
            value = next(rest, "")
        if name in _PLACES:
            options[name] = value
            continue
        try:
            options[name] = number(value)
        except ValueError:
            raise UserError(f"--{name} takes a number, not {shown(value)}.") from None
    return words, options
