"""A question as it was typed, with all that it was told, and its answer as it is written."""

# What has been answered before is only recalled: what answers is imported when it is needed.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ttd.debugger.asking import Answer, Asking
from ttd.errors import UserError
from ttd.text import printable
from ttd.values import dataclass

if TYPE_CHECKING:
    from ttd.questions.past import Past


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and how it is to be answered."""

    asking: Asking
    words: Sequence[str]
    own: Mapping[str, Any]
    """Options that only it has."""
    writer: str = ""
    """How the answer is written: `json`, ...; empty: for people."""
    at: str | None = None
    low: str | None = None
    high: str | None = None
    """Places."""
    limit: int | None = None
    backward: bool = False

    def said(self, recording: str) -> list[object]:
        """It as data."""
        stretch = (self.at, self.low, self.high, self.limit, self.backward)
        name = os.path.basename(recording) if self.writer == "speedscope" else ""
        own = sorted(self.own.items())
        return [self.asking.name, [*self.words], self.writer, stretch, own, name]

    def answer(self, past: Past, branch: str = "") -> Answer:
        """The rows; of another branch if the places are on it, unless `branch` is another one."""
        from ttd.debugger.places import find_place

        timeline = past.timeline
        given = {"--at": self.at, "--from": self.low, "--to": self.high}
        places = {name: find_place(timeline, text, name) for name, text in given.items() if text}
        branches = {place.branch for place in places.values()} or {timeline.place.branch}
        if len(branches) > 1 or (branch and branches != {timeline.place.branch}):
            raise UserError("A question is about one branch, and these places are of several.")
        if branches != {timeline.place.branch}:
            timeline.go_to(next(iter(places.values())))

        def step(name: str, default: int) -> int:
            return places[name].step if name in places else default

        here = step("--at", timeline.end)
        begin, end = step("--from", timeline.begin), step("--to", timeline.end)
        stretch = past.stretch(begin, end, here, backward=self.backward, limit=self.limit)
        own = dict(self.own)
        if self.writer in ("folded", "speedscope"):
            own["stacks"] = True
        return self.asking.answer(past, stretch, self.words, own)

    def written(self, past: Past, recording: str, rows: Answer) -> Iterable[str]:
        """The lines of an answer; none if there is nothing."""
        import json

        from ttd.questions import profile, render
        from ttd.questions.coverage import Covered, lcov

        if not rows:
            return []
        match self.writer:
            case "json":
                return render.as_json(rows)
            case "csv":
                return render.as_csv(rows)
            case "lcov":
                return lcov(cast("list[Covered]", rows))
            case "folded":
                return profile.folded(cast("list[profile.Share]", rows))
            case "speedscope":
                shares = cast("list[profile.Share]", rows)
                return [json.dumps(profile.speedscope(shares, os.path.basename(recording)))]
        return map(printable, render.lines(past, rows))
