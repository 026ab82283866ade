"""Which interrupts are pending, and which of them is taken first."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from unicorn import riscv_const as rv

from . import bits
from .access import RiscvCore
from .csrs import CsrUnit

_SIE, _SIP, _MIP = 0x104, 0x144, 0x344
_MIE = rv.UC_RISCV_REG_MIE


class Interrupts(CsrUnit):
    """The registers mip, sip and sie: input lines, and the bits that software writes.

    Privileged architecture, sections "Machine Interrupt Registers" and "Supervisor Interrupt
    Registers". SEIP is what software wrote or the line of the interrupt controller; MSIP, MTIP
    and MEIP are lines.

    sie is here because Unicorn's lets S-mode enable what is not delegated to it.
    """

    STATE: ClassVar[tuple[str, ...]] = ("lines", "software")

    def __init__(self, engine: RiscvCore, on_change: Callable[[], None]) -> None:
        self._engine = engine
        self._on_change = on_change
        self.lines = 0
        """Levels of the inputs, by interrupt code."""
        self.reset()

    def reset(self) -> None:
        """The inputs keep their levels."""
        self.software = 0

    def set_line(self, number: int, level: bool) -> None:
        before = self.pending
        bit = 1 << number
        self.lines = self.lines | bit if level else self.lines & ~bit
        if self.pending & ~before:
            self._on_change()

    @property
    def pending(self) -> int:
        """mip."""
        return self.lines | self.software

    # As CSRs -----------------------------------------------------------------------------------

    def has(self, number: int) -> bool:
        return number in (_MIP, _SIP, _SIE)

    def read(self, number: int) -> int:
        if number == _SIE:
            return self._engine.reg_read(_MIE) & self._delegated()
        return self.pending & self._delegated() if number == _SIP else self.pending

    def base(self, number: int) -> int:
        """Of SEIP, the bit that software wrote, not the line."""
        return self.read(number) if number == _SIE else self.software

    def write(self, number: int, value: int, at: int) -> None:
        if number == _SIE:
            delegated = self._delegated()
            mie = self._engine.reg_read(_MIE)
            self._engine.reg_write(_MIE, mie & ~delegated | value & delegated)
            return
        mask = 1 << bits.SSI & self._delegated() if number == _SIP else bits.SOFTWARE
        self.software = self.software & ~mask | value & mask

    def _delegated(self) -> int:
        return self._engine.reg_read(rv.UC_RISCV_REG_MIDELEG)

    # What comes first --------------------------------------------------------------------------

    @staticmethod
    def choose(
        pending: int, mideleg: int, privilege: int, machine: bool, supervisor: bool
    ) -> int | None:
        """The interrupt to be taken now, of those that are pending and enabled in mie.

        `machine`, `supervisor`: mstatus.MIE and mstatus.SIE, each of which counts in its own mode
        only: more privileged modes always interrupt less privileged ones. Interrupts for machine
        mode come before delegated ones.
        """
        for_machine = pending & ~mideleg
        if for_machine and (privilege < bits.MACHINE or machine):
            return _first(for_machine)
        for_supervisor = pending & mideleg
        if for_supervisor and (
            privilege < bits.SUPERVISOR or (privilege == bits.SUPERVISOR and supervisor)
        ):
            return _first(for_supervisor)
        return None


def _first(pending: int) -> int:
    return next(code for code in bits.PRIORITY if pending >> code & 1)
