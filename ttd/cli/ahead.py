"""Questions that are likely to be asked: of small variables who wrote them, of functions who called
them, as long as that was not often."""

from __future__ import annotations

from operator import itemgetter

from ttd.cli.asked import Asked
from ttd.debugger.asking import ASKINGS
from ttd.errors import UserError
from ttd.questions.past import Interrupted, Past
from ttd.recorded import RecordedMachine
from ttd.search.likely import Likely, count
from ttd.symbols import Symbols

_MOST_WRITES = 256
_MOST_CALLS = 32
"""Rows of an answer: each call takes a visit."""


def likely(session: RecordedMachine) -> list[Asked]:
    """The shortest answers first, as far as that is known."""
    snapshots = session.snapshots
    asked = Likely(Symbols(load.image for load in session.machine.loads))
    found = list[tuple[int, Asked]]()
    # Others are the compiler's: `count.0` is no name in an expression.
    variables = {name: each for name, each in asked.variables.items() if name.isidentifier()}
    for name, question in variables.items():
        found.append((1, Asked(ASKINGS["last"], [name], {"changes": False})))
        rows = count(snapshots, question)
        if rows is not None and rows <= _MOST_WRITES:
            found.append((rows, Asked(ASKINGS["writes"], [name], {"changes": False})))
    for name, question in asked.functions.items():
        rows = count(snapshots, question)
        if rows is not None and rows <= _MOST_CALLS:
            found.append((rows, Asked(ASKINGS["calls"], [name], {})))
    return [each for _, each in sorted(found, key=itemgetter(0))]


def answered(past: Past, path: str, asked: Asked) -> list[str] | None:
    """The lines of an answer; None if there is none, of which who asks is told why. `Interrupted`
    if the timeline is."""
    try:
        return list(asked.written(past, path, asked.answer(past)))
    except Interrupted:
        raise
    except UserError:
        return None
