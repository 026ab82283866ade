"""Questions as people type them: a word, what it takes, and which function answers it.

Who only lists them imports none of the answers.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ttd.errors import UserError
from ttd.text import number, shown
from ttd.values import dataclass

if TYPE_CHECKING:
    from ttd.history.place import Place
    from ttd.questions.past import Past, Stretch
    from ttd.questions.row import Row, Sum

Answer: TypeAlias = "Sequence[Row] | Sequence[Sum]"
Options: TypeAlias = "Mapping[str, Any]"


@dataclass(frozen=True, slots=True)
class Option:
    """Something that only one question can be told."""

    name: str
    text: str
    metavar: str = ""
    """What a number is called; empty: it is a flag."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One question."""

    name: str
    arguments: str
    """As people are told of them."""
    least: int
    """How many words it takes, and at most how many."""
    most: int
    text: str
    """What is answered, in a line."""
    ask: Callable[[Past, Stretch, Sequence[str], Options], Answer]
    options: tuple[Option, ...] = ()
    takes: tuple[str, ...] = ("from", "to", "limit", "backward")
    """What it can be told as others are. With `backward` its rows are of places, and a debugger
    sees the latest ones."""

    @property
    def usage(self) -> str:
        return f"{self.name} {self.arguments}".strip()

    def answer(
        self, past: Past, stretch: Stretch, words: Sequence[str], options: Options
    ) -> Answer:
        """The rows; a `UserError` for too few words, or too many, or whatever is wrong."""
        if not self.least <= len(words) <= self.most:
            raise UserError(f"{self.name} takes {self.arguments or 'nothing'}.")
        return self.ask(past, stretch, words, options)


def _irqs(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.irqs import irqs

    return irqs(past, stretch, words[0] if words else None)


def _output(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.output import output

    return output(past, stretch, words[0])


def _diff(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.debugger.places import find_place
    from ttd.history.place import Place
    from ttd.questions.diff import diff

    one, *others = [find_place(past.timeline, word, "diff", here=stretch.here) for word in words]
    here = Place(past.timeline.place.branch, stretch.here)
    return diff(past, one, others[0] if others else here)[: stretch.limit]


def _profile(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.profile import SAMPLES, profile

    return profile(past, stretch, options.get("samples") or SAMPLES)


ASKINGS: Mapping[str, Asking] = {
    asking.name: asking
    for asking in (
        Asking("irqs", "[LINE]", 0, 1, "when interrupts, or those of a line, were taken", _irqs),
        Asking("output", "TEXT", 1, 1, "when a text was printed", _output),
        Asking(
            "diff",
            "PLACE [PLACE]",
            1,
            2,
            "what is different at another place",
            _diff,
            takes=("at", "limit"),
        ),
        Asking(
            "profile",
            "",
            0,
            0,
            "in which functions virtual time was spent",
            _profile,
            (Option("samples", "at how many places it is looked which function runs", "N"),),
            takes=("from", "to", "limit"),
        ),
    )
}
"""By their names."""

_MOST = 20
"""Rows that a debugger is shown, unless it says how many."""
_PLACES = ("at", "from", "to")


def ask(past: Past, asking: Asking, line: Sequence[str]) -> str:
    """What a debugger is told: the latest rows before here, in order, or as its options say."""
    from ttd.debugger.places import find_place
    from ttd.questions.render import lines

    words, options = _taken(asking, line)
    timeline = past.timeline
    home = timeline.place
    places: dict[str, Place] = {
        name: find_place(timeline, options[name], f"--{name}", here=home.step)
        for name in _PLACES
        if name in options
    }
    branches = {place.branch for place in places.values()} or {home.branch}
    if branches != {home.branch}:
        raise UserError("What is asked is on the present branch: go to the other one first.")
    steps = {name: place.step for name, place in places.items()}
    here = steps.get("at", home.step)
    latest = "backward" in asking.takes
    bound = here if latest else None
    limit = options.get("limit", _MOST if latest else None)
    backward = latest and "from" not in steps
    stretch = past.stretch(
        steps.get("from"), steps.get("to", bound), here, backward=backward, limit=limit
    )
    rows = asking.answer(past, stretch, words, options)
    told = lines(past, rows[::-1] if backward else rows)
    if not rows:
        when = f" in steps {stretch.begin} to {stretch.end}" if latest else ""
        return f"{asking.name}: there is none{when}.\n"
    return "".join(f"{text}\n" for text in told)


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
