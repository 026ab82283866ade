"""The `monitor` commands that need more than a timeline to be answered."""

from __future__ import annotations

from ttd.boards.extras import line_names
from ttd.cli.ending import names_of
from ttd.errors import UserError
from ttd.monitor import Question
from ttd.recorded import RecordedMachine, extras_of
from ttd.why import Explainer
from ttd.why.scene import Scene


def questions(session: RecordedMachine) -> tuple[Question, ...]:
    """Those that can be asked of a machine."""
    machine = session.machine
    lines = line_names(machine.board, extras_of(session.recording.config))
    scene = Scene(
        session.timeline,
        lambda: session.replay.log,
        session.replay.words,
        names_of(machine),
        lines,
    )
    explainer = Explainer(scene)

    def why(words: list[str]) -> str:
        if words:
            raise UserError("why takes nothing: it explains where the machine is.")
        return explainer.why()

    return (
        Question("why", why, "", "why this handler runs: the fault, the bad pointer, the line"),
    )
