"""CSR instructions that the engine leaves to the model."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.devices.base import Stateful

from .access import RiscvCore
from .isa import X

_SYSTEM = 0x73


class CsrUnit(Stateful):
    """Some CSRs that Unicorn has not, or has wrong, and what is behind them.

    Numbers are those of instructions. `read`, `base` and `write` are for CSRs that `has` knows.
    """

    def reset(self) -> None:
        """Put every state field to its value after reset."""
        raise NotImplementedError

    def has(self, number: int) -> bool:
        """True if this is one of them."""
        raise NotImplementedError

    def visible(self, number: int, privilege: int) -> bool:
        """May software of this mode see it, as far as its number does not say that already?"""
        return True

    def read(self, number: int) -> int:
        """The value that an instruction at the present step reads."""
        raise NotImplementedError

    def base(self, number: int) -> int:
        """The value in which CSRRS and CSRRC set and clear bits."""
        return self.read(number)

    def write(self, number: int, value: int, at: int) -> None:
        """Write; a counter shows the value at step `at`."""
        raise NotImplementedError


class Csrs:
    """The units of a core, by CSR number.

    Unprivileged architecture, chapter "Zicsr"; privileged architecture, chapter "Control and
    Status Registers".
    """

    def __init__(self, engine: RiscvCore, units: Sequence[CsrUnit]) -> None:
        self._engine = engine
        self._units = units

    def unit(self, number: int) -> CsrUnit | None:
        """The unit that has the CSR, if it is one of the model's."""
        for unit in self._units:
            if unit.has(number):
                return unit
        return None

    def execute(self, instruction: int, privilege: int) -> bool:
        """Do a CSR instruction but for moving PC on; False if it is an illegal one.

        `instruction`: its 32 bits. A set or clear whose source is x0 or 0 does not write.
        """
        number = instruction >> 20
        function = instruction >> 12 & 7
        operation = function & 3
        if instruction & 0x7F != _SYSTEM or not operation:
            return False
        source = instruction >> 15 & 31
        writes = operation == 1 or source != 0
        if privilege < number >> 8 & 3 or (writes and number >> 10 == 3):
            return False
        unit = self.unit(number)
        if unit is None or not unit.visible(number, privilege):
            return False
        operand = source if function & 4 else self._engine.reg_read(X[source])
        old = unit.read(number)
        if writes:
            base = unit.base(number)
            new = (operand, base | operand, base & ~operand)[operation - 1]
            unit.write(number, new, self._engine.step + 1)
        destination = instruction >> 7 & 31
        if destination:
            self._engine.reg_write(X[destination], old)
        return True
