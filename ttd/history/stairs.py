"""A stretch of history gone through step by step, so that each step of it can be taken back.

Steps that only run instructions are noted natively (`Engine.begin_stairs`): registers, and memory
that they change. What else a machine has can change in no such step; so there is one state of it
for all positions of a *part*, which ends behind a step that does more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ttd.machine import Machine
from ttd.state import State


class Stairs:
    """The last ones of a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._parts: list[tuple[int, State]] = []
        """The first position of each part, and the state there but for the engine's; ascending."""
        self._changes = 0

    @contextmanager
    def building(self) -> Iterator[None]:
        """Where the machine goes meanwhile, from the position on at which it is, it can come back
        to. In play only."""
        machine = self._machine
        self._parts.clear()
        self._changes = self._contents_changed()
        machine.engine.begin_stairs()
        machine.on_arrival = self._arrive
        try:
            yield
        except BaseException:
            machine.engine.forget_stairs()
            raise
        finally:
            machine.on_arrival = None
            machine.engine.end_stairs()

    def _arrive(self) -> None:
        machine = self._machine
        engine = machine.engine
        if machine.beyond:
            engine.depart()
            return
        if self._parts and self._parts[-1][0] == engine.step:
            return
        changes = self._contents_changed()
        if changes != self._changes:
            # Contents are in no state.
            self._changes = changes
            self.forget()
        engine.arrive()
        self._parts.append((engine.step, machine.save()))

    def _contents_changed(self) -> int:
        return sum(contents.changes for contents in self._machine.contents())

    def forget(self) -> None:
        """What there is now is another history, or another machine."""
        self._parts.clear()
        self._machine.engine.forget_stairs()

    def back(self, step: int) -> bool:
        """Be at `step`, which the last stairs have come through. False, and nowhere, if they have
        not, or if the machine is not where they, or going back on them, have led."""
        machine = self._machine
        engine = machine.engine
        if not engine.down_to(step):
            return False
        present = len(self._parts) - 1
        while self._parts[-1][0] > step:
            self._parts.pop()
        if len(self._parts) - 1 < present:
            follows = engine.follows_branch
            machine.load_state(self._parts[-1][1])
            engine.follows_branch = follows
        return True
