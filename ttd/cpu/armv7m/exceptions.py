"""Which exceptions there are, and their state (DDI0403E B1.5, B3.4)."""

from __future__ import annotations

from typing import Any, ClassVar

from ttd.devices.base import Stateful
from ttd.engine._native import lib
from ttd.state import State

from .core import Field, ListField, SetField

NMI = 2
HARD_FAULT = 3
MEM_MANAGE = 4
BUS_FAULT = 5
USAGE_FAULT = 6
SVCALL = 11
DEBUG_MONITOR = 12
PENDSV = 14
SYSTICK = 15
FIRST_IRQ = 16
"""Exception number of external interrupt 0."""

NAMES = {
    NMI: "NMI",
    HARD_FAULT: "HardFault",
    MEM_MANAGE: "MemManage",
    BUS_FAULT: "BusFault",
    USAGE_FAULT: "UsageFault",
    SVCALL: "SVCall",
    DEBUG_MONITOR: "DebugMonitor",
    PENDSV: "PendSV",
    SYSTICK: "SysTick",
}


def name(number: int) -> str:
    """What an exception is called."""
    if number >= FIRST_IRQ:
        return f"IRQ {number - FIRST_IRQ}"
    return NAMES.get(number, f"exception {number}")


class ExceptionTable(Stateful):
    """A view of the state of every exception; what is done with it is native (`nvic.c`).

    Sets of exceptions are ints, bit n for exception number n.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "pending",
        "active",
        "enabled",
        "levels",
        "priority",
        "prigroup",
    )
    pending, active, enabled, levels = SetField(), SetField(), SetField(), SetField()
    priority = ListField()
    prigroup = Field()

    def __init__(self, core: Any) -> None:
        self.core = core
        self.count: int = FIRST_IRQ + core.lines
        """How many exceptions there are."""

    def load(self, state: State) -> None:
        super().load(state)
        lib.armv7m_refresh(self.core)
