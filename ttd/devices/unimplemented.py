"""A part of the memory map that the board has and the model does not."""

from __future__ import annotations

from ttd.devices.base import Clock, Device, Steady


class Unimplemented(Device):
    """Reads as zero, ignores writes, and remembers what was touched.

    The first access to each register is kept as data, `[offset, size, value or None]`, in the
    order of the accesses, so that whoever runs the machine can say once what the guest missed.
    """

    alone = True
    STATE = ("first_accesses",)
    LIMIT = 64
    """No more offsets than this are remembered: enough for a warning, small in a snapshot."""

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self.first_accesses: list[list[int | None]] = []

    def reset(self) -> None:
        """What was missed stays known: a warning is about the run, not about the hardware."""

    def read(self, offset: int, size: int) -> int:
        self._note(offset, size, None)
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        self._note(offset, size, value)

    def steady(self, offset: int) -> Steady | None:
        return Steady() if self.ignores(offset) else None

    def ignores(self, offset: int) -> bool:
        return len(self.first_accesses) >= self.LIMIT or self._known(offset)

    def _known(self, offset: int) -> bool:
        return any(access[0] == offset for access in self.first_accesses)

    def _note(self, offset: int, size: int, value: int | None) -> None:
        if not self._known(offset) and len(self.first_accesses) < self.LIMIT:
            self.first_accesses.append([offset, size, value])
