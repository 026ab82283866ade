"""Steps of an engine that can be taken back one by one (`native/stairs.c`)."""

from __future__ import annotations

from ttd.engine._native import lib
from ttd.engine.stops import Stops
from ttd.engine.types import NEVER


class StepsBack(Stops):
    """Registers, memory and the step; what devices hold is for whoever has them to keep."""

    def begin_stairs(self) -> None:
        """From now on runs note what takes their steps back, and end behind each step that does
        more than run an instruction. What was noted before is forgotten."""
        lib.ttd_stairs_begin(self._native)

    def arrive(self) -> None:
        """On stairs: the machine is at a position. `MemoryError`."""
        if not lib.ttd_stairs_arrive(self._native):
            raise MemoryError("there is no memory to note a step")

    def depart(self) -> None:
        """On stairs: something is done between this position and the next."""
        lib.ttd_stairs_depart(self._native)

    def end_stairs(self) -> None:
        """They end at the position at which the machine has arrived last."""
        lib.ttd_stairs_end(self._native)

    def forget_stairs(self) -> None:
        """None of its steps up to here is to be taken back."""
        lib.ttd_stairs_forget(self._native)

    def down_to(self, step: int) -> bool:
        """Be where the last stairs were at `step`, from their end or from where this has led.
        False, and nothing, if they have not been there, or anything else has happened since."""
        return bool(lib.ttd_stairs_back(self._native, step))

    def within_since(self, code: range) -> int | None:
        """The first step of the last stairs from which on to here PC was in `code`. None: that may
        be before them, or there are none."""
        step: int = lib.ttd_stairs_within(self._native, code.start, code.stop)
        return None if step == NEVER else step
