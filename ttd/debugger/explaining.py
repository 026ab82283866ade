"""What explains the moments of a recorded machine, put together."""

from __future__ import annotations

from ttd.questions.origin import scene_of
from ttd.recorded import RecordedMachine
from ttd.register_names import RegisterNames
from ttd.why import Explainer


def explainer(session: RecordedMachine, registers: RegisterNames) -> Explainer:
    """`registers`: those of devices, by the names that people use for them."""
    return Explainer(scene_of(session, registers))
