"""Questions as people type them: a word, what it takes, and which function answers it.

Who only lists them imports none of the answers.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ttd.errors import UserError
from ttd.values import dataclass

if TYPE_CHECKING:
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


def _coverage(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.coverage import coverage

    return coverage(past, stretch)


def _profile(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.profile import SAMPLES, profile

    samples, stacks = options.get("samples") or SAMPLES, bool(options.get("stacks"))
    return profile(past, stretch, samples, stacks=stacks)


def _last(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.accesses import last

    return last(past, stretch, words[0], changes=bool(options.get("changes")))


def _next(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.accesses import following

    return following(past, stretch, words[0], changes=bool(options.get("changes")))


def _writes(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.accesses import writes

    return writes(past, stretch, words[0], changes=bool(options.get("changes")))


def _reads(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.accesses import reads

    return reads(past, stretch, words[0])


def _executed(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.executed import executed

    return executed(past, stretch, words[0])


def _values(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.values import values

    return values(past, stretch, words[0])


def _calls(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.calls import calls

    return calls(past, stretch, words[0])


def _stack_depth(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.stack_depth import stack_depth

    return stack_depth(past, stretch, words[0] if words else None)


def _find(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.find import find

    return find(past, stretch, words[0], size=options.get("size"))


def _origin(past: Past, stretch: Stretch, words: Sequence[str], options: Options) -> Answer:
    from ttd.questions.origin import origin

    addresses = bool(options.get("addresses"))
    return origin(past, words[0], stretch.here, limit=stretch.limit, addresses=addresses)


_LISTS = ("at", "from", "to", "limit", "backward")
_CHANGES = Option("changes", "only writes of another value than what was there")

ASKINGS: Mapping[str, Asking] = {
    asking.name: asking
    for asking in (
        Asking(
            "last",
            "EXPR",
            1,
            1,
            "who wrote it last",
            _last,
            (_CHANGES,),
            ("at", "from", "limit"),
        ),
        Asking(
            "next", "EXPR", 1, 1, "who writes it next", _next, (_CHANGES,), ("at", "to", "limit")
        ),
        Asking("writes", "EXPR", 1, 1, "who wrote it, and what", _writes, (_CHANGES,), _LISTS),
        Asking("reads", "EXPR", 1, 1, "who read it", _reads, takes=_LISTS),
        Asking("executed", "WHERE", 1, 1, "when a function, or an address, ran", _executed),
        Asking("calls", "FUNCTION", 1, 1, "when it was called, with what, and its result", _calls),
        Asking("values", "EXPR", 1, 1, "what it has held over time", _values, takes=_LISTS),
        Asking(
            "find",
            "VALUE",
            1,
            1,
            "when those bytes first appeared in memory",
            _find,
            (Option("size", "how many bytes a number has", "N"),),
            ("from", "to", "limit"),
        ),
        Asking("irqs", "[LINE]", 0, 1, "when interrupts, or those of a line, were taken", _irqs),
        Asking("output", "TEXT", 1, 1, "when a text was printed", _output),
        Asking(
            "origin",
            "EXPR",
            1,
            1,
            "where its value came from",
            _origin,
            (Option("addresses", "follow addresses of loads and stores, too"),),
            takes=("at", "limit"),
        ),
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
            "stack-depth",
            "[TASK]",
            0,
            1,
            "how much of each stack has been used",
            _stack_depth,
            takes=("from", "to", "limit"),
        ),
        Asking(
            "coverage",
            "",
            0,
            0,
            "which lines were executed",
            _coverage,
            takes=("from", "to", "limit"),
        ),
        Asking(
            "profile",
            "",
            0,
            0,
            "in which functions virtual time was spent",
            _profile,
            (
                Option("samples", "at how many places it is looked which function runs", "N"),
                Option("stacks", "with the functions that have called it"),
            ),
            takes=("from", "to", "limit"),
        ),
    )
}
"""By their names."""
