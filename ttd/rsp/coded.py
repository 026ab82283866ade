"""Conditions as GDB sends them with breakpoints: agent expressions, which stay what they are."""

from __future__ import annotations

import logging
from typing import Literal

from ttd.conditions import Moment
from ttd.rsp import agent
from ttd.values import dataclass

log = logging.getLogger("ttd.rsp")


@dataclass(frozen=True, slots=True)
class AgentCondition:
    """One of the expressions is not 0 (`ttd.stops.Condition`)."""

    expressions: tuple[bytes, ...]
    byte_order: Literal["little", "big"]
    registers: tuple[tuple[int, str], ...]
    """GDB's numbers and the processor's names."""

    def holds(self, at: Moment) -> bool:
        """Whether the stop is one; not if nobody waits for that any more."""
        world, budget = _World(self, at), agent.Budget()
        for code in self.expressions:
            # Also between two: there may be thousands, all of them short.
            if at.interrupted():
                return False
            try:
                if agent.evaluate(code, world, budget):
                    return True
            except agent.AgentInterrupted:
                return False
            except agent.AgentError as e:
                # Stop rather than run past: GDB then evaluates the condition, and says why not.
                log.info("breakpoint condition: %s", e)
                return True
        return False


class _World:
    """For `agent.World`."""

    def __init__(self, condition: AgentCondition, at: Moment) -> None:
        self.byte_order = condition.byte_order
        self.interrupted = at.interrupted
        self._registers = condition.registers
        self._at = at

    def register(self, regnum: int) -> int:
        for number, name in self._registers:
            if number == regnum:
                return self._at.register(name)
        raise LookupError(f"there is no register {regnum}")

    def memory(self, address: int, size: int) -> bytes:
        data = self._at.memory(address, size)
        if len(data) != size:
            raise LookupError(f"no memory at {address:#x}")
        return data
