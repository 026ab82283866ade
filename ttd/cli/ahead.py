"""Questions that are likely to be asked, answered before: of small variables who wrote them, of
functions who called them, as long as that was not often."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from operator import itemgetter

from ttd.cli.answered import Answered
from ttd.cli.asked import Asked
from ttd.debugger.asking import ASKINGS
from ttd.errors import UserError
from ttd.questions.past import Interrupted, Past
from ttd.recorded import RecordedMachine
from ttd.search.likely import Likely, count

_MOST_WRITES = 256
_MOST_CALLS = 32
"""Rows of an answer: each call takes a visit."""


def answer_ahead(
    session: RecordedMachine, path: str, until: float, report: Callable[[float], None]
) -> None:
    """Keep what is not known yet of the first branch, until then (`time.monotonic`). `Interrupted`
    if the timeline is."""
    kept = Answered.of(path, "")
    if kept is None:
        return
    past = Past(session)
    asked = list(_likely(past))
    for number, each in enumerate(asked):
        if time.monotonic() > until:
            break
        said = each.said(path)
        if kept.recall(said) is None:
            try:
                rows = each.answer(past)
                kept.keep(said, list(each.written(past, path, rows)))
            except Interrupted:
                kept.flush()
                raise
            except UserError:
                continue  # who asks is told
        report(number / len(asked))
    kept.flush()


def _likely(past: Past) -> Iterator[Asked]:
    """The shortest answers first."""
    likely = Likely(past.symbols)
    found = list[tuple[int, Asked]]()
    for name, question in likely.variables.items():
        found.append((1, Asked(ASKINGS["last"], [name], {"changes": False})))
        rows = count(past.snapshots, question)
        if rows is not None and rows <= _MOST_WRITES:
            found.append((rows, Asked(ASKINGS["writes"], [name], {"changes": False})))
    for name, question in likely.functions.items():
        rows = count(past.snapshots, question)
        if rows is not None and rows <= _MOST_CALLS:
            found.append((rows, Asked(ASKINGS["calls"], [name], {})))
    return (asked for _, asked in sorted(found, key=itemgetter(0)))
