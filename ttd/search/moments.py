"""What conditions and expressions of a question see: the machine at a position, and a row."""

from __future__ import annotations

from ttd.conditions import ConditionError, Expression, Memory, RegisterValue, evaluate, mentions
from ttd.machine import Machine
from ttd.search.question import Row


class Now:
    """The machine where it is."""

    hits = 1

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def register(self, name: str) -> int:
        return self._machine.cpu.read_register(name)

    def memory(self, address: int, size: int) -> bytes:
        return self._machine.read_memory(address, size)

    def interrupted(self) -> bool:
        """Nobody waits for the answer any more."""
        return self._machine.interruption.asked

    def watched(self, what: str) -> int:
        raise ConditionError(f"{what!r} is of a row, and this is a value")

    def value(self, tree: Expression) -> int | None:
        """Of an expression; None where it has none."""
        try:
            return evaluate(tree, self)
        except ConditionError:
            return None


class AtRow(Now):
    """A row, with the machine at its step."""

    def __init__(self, machine: Machine, row: Row) -> None:
        super().__init__(machine)
        self._row = row

    def watched(self, what: str) -> int:
        row = self._row
        found = {"old": row.old, "new": row.new, "address": row.address}[what]
        if found is None:
            raise ConditionError(f"a row of what was {row.kind.value} has no {what!r} value")
        return found


def reads_machine(condition: Expression) -> bool:
    """Whether the machine has to be at a row's step to know if the condition holds."""
    return mentions(condition, RegisterValue) or mentions(condition, Memory)
