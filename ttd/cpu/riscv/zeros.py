"""CSRs that are there and always read as 0."""

from __future__ import annotations

from ttd.state import State

from .csrs import CsrUnit

_TSELECT, _TINFO = 0x7A0, 0x7A4
_MSTATUSH = 0x310


class Zeros(CsrUnit):
    """tselect, tdata1 to tdata3 and tinfo: the core has no triggers ("RISC-V External Debug
    Support", section "Trigger Registers": a type of 0 says so). mstatush of RV32: little-endian."""

    def __init__(self, xlen: int) -> None:
        self._numbers = {*range(_TSELECT, _TINFO + 1)} | ({_MSTATUSH} if xlen == 32 else set())

    def reset(self) -> None:
        """There is nothing to reset."""

    def save(self) -> State:
        return {}

    def load(self, state: State) -> None:
        """There is nothing to load."""

    def has(self, number: int) -> bool:
        return number in self._numbers

    def read(self, number: int) -> int:
        return 0

    def write(self, number: int, value: int, at: int) -> None:
        """Nothing can be written."""
