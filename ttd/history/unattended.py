"""A branch of a finished recording has no host that types: what becomes of a guest that waits."""

from __future__ import annotations

from ttd.machine import Machine


class Unattended:
    """The onlooker (`runs.Onlooker`) of a machine to which nobody is connected: when it waits, and
    nothing of its own will wake it, its run ends."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._waits = False

    def asleep(self) -> None:
        self._waits = True
        self._machine.interrupt()

    reading = asleep

    def ran(self) -> None:
        """It gets somewhere."""

    def take(self) -> bool:
        """Whether a run has ended for that, since this was asked last."""
        waits, self._waits = self._waits, False
        return waits
