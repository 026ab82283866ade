"""The names that people use for registers and variables of one machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ttd.cpu.base import Cpu
from ttd.symbols import Symbols

if TYPE_CHECKING:
    from ttd.machine import Machine

_COUNTERS = ("pc", "rip")
"""How processors call their program counter."""


def names_of(machine: Machine) -> Symbols:
    """The symbols of everything that is loaded."""
    return Symbols(load.image for load in machine.loads)


class MachineNames:
    """For `conditions.resolve`, and for all who take a register or a symbol by name."""

    def __init__(
        self, cpu: Cpu, symbols: Symbols, signed: Callable[[str], bool] = lambda name: False
    ) -> None:
        """`signed`: whether a variable is known to have a sign."""
        self.registers = tuple(register.name for register in cpu.registers)
        self._symbols = symbols
        self.is_signed = signed
        self._aliases = {"sp": cpu.stack, "pc": next(n for n in _COUNTERS if n in self.registers)}

    def register(self, name: str) -> str | None:
        """The register of this name, as the processor calls it; None if there is none."""
        return name if name in self.registers else self._aliases.get(name)

    def variable(self, name: str) -> tuple[int, int] | None:
        """Address and size of a symbol; None if there is none."""
        found = self._symbols.by_name.get(name)
        return None if found is None else (found.address, found.size)
