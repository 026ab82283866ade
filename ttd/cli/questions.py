"""The `monitor` commands that need more than a timeline to be answered."""

# A server starts sooner without what is needed for the first question only.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from ttd.debugger.asking import ASKINGS, Asking
from ttd.errors import UserError
from ttd.monitor import Question

if TYPE_CHECKING:
    from ttd.debugger.asked import Asker
    from ttd.recorded import RecordedMachine
    from ttd.register_names import Block, RegisterNames
    from ttd.why import Explainer

OWN = ("output",)
"""What the server's own words answer."""


def questions(session: RecordedMachine, described: Sequence[Block] = ()) -> tuple[Question, ...]:
    """Those that can be asked of a machine; `described`: registers that have other names."""

    @cache
    def registers() -> RegisterNames:
        from ttd.register_names import RegisterNames

        return RegisterNames(session.machine, described)

    @cache
    def explainer() -> Explainer:
        from ttd.debugger.explaining import explainer

        return explainer(session, registers())

    def why(words: list[str]) -> str:
        if words:
            raise UserError("why takes nothing: it explains where the machine is.")
        return explainer().why()

    @cache
    def asker() -> Asker:
        from ttd.debugger.asked import Asker
        from ttd.questions.past import Past

        past = Past(session, described)
        past.report = lambda share: (session.timeline.progress or _untold)(share, "asking")
        return Asker(past)

    def asked(asking: Asking) -> Question:
        return Question(
            asking.name, lambda words: asker().ask(asking, words), asking.arguments, asking.text
        )

    return (
        Question("regs", lambda words: registers().show(words), "[NAME]", "registers of devices"),
        Question("why", why, "", "why this handler runs: the fault, the bad pointer, the line"),
        *(asked(asking) for asking in ASKINGS.values() if asking.name not in OWN),
    )


def _untold(share: float, text: str) -> None:
    """Nobody waits for it."""
