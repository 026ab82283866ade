"""Devices whose declaration has counters: what they come to happens without Python."""

from __future__ import annotations

from ttd.devices.registers import RegisterBlock
from ttd.engine.registers import RegisterFile


class Counting(RegisterBlock):
    """A register block that declares counters (`Declaration.counters`).

    The engine sees to what is due, unless somebody has to hear of it (`RegisterFile.host`), or no
    engine has the registers: then `deadline` says when `expire` is due, as of any device.
    """

    @property
    def file(self) -> RegisterFile:
        """The declared registers."""
        assert self.registers is not None
        return self.registers

    def deadline(self) -> int | None:
        return None if self.file.keeps_time else self.file.deadline()

    def expire(self) -> None:
        self.file.expire(self.told)

    def told(self, match: int) -> None:
        """A match that tells has happened: its number in the declaration."""
