"""What explains the moments of a recorded machine, put together."""

from __future__ import annotations

from ttd.boards.extras import line_names
from ttd.debugger.names import names_of
from ttd.origin.scene import Scene
from ttd.recorded import RecordedMachine, extras_of, host_sides_of
from ttd.register_names import RegisterNames
from ttd.why import Explainer


def explainer(session: RecordedMachine, registers: RegisterNames) -> Explainer:
    """`registers`: those of devices, by the names that people use for them."""
    machine, replay, config = session.machine, session.replay, session.recording.config
    scene = Scene(
        session.timeline,
        lambda: replay.log,
        replay.words,
        names_of(machine),
        line_names(machine.board, extras_of(config)),
        registers,
        host_sides_of(config, machine.board),
    )
    return Explainer(scene)
