"""The machine where it is, for those who ask about a program (`ttd.program.location.Moment`)."""

from __future__ import annotations

from ttd.errors import UserError
from ttd.probe_api import ProbeApi


class Present:
    """A machine where it is (`ttd.program.location.Moment`)."""

    def __init__(self, probe: ProbeApi) -> None:
        self._probe = probe

    def register(self, name: str) -> int:
        return self._probe.cpu.read_register(name)

    def memory(self, address: int, size: int) -> bytes:
        try:
            return self._probe.read_memory(address, size)
        except UserError:
            return b""

    def physical(self, address: int, size: int) -> bytes:
        try:
            return self._probe.read_physical(address, size)
        except UserError:
            return b""
