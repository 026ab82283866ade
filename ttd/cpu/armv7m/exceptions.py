"""Which exceptions are pending, active and enabled, and which comes first (DDI0403E B1.5, B3.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ttd.devices.base import Stateful
from ttd.state import State

RESET = 1
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


LOWEST = 256
"""Execution priority of thread mode with nothing active: below every exception."""

_ALWAYS_ENABLED = 1 << NMI | 1 << HARD_FAULT | 1 << SVCALL | 1 << PENDSV | 1 << SYSTICK
_IRQS = -1 << FIRST_IRQ


class ExceptionTable(Stateful):
    """State of every exception, and the priority arithmetic.

    Sets of exceptions are ints, bit n for exception number n. What the run loop asks for often
    (`takeable`, `top_group`) is computed when something changes, not when it is asked.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "pending",
        "active",
        "enabled",
        "levels",
        "priority",
        "prigroup",
    )

    def __init__(self, lines: int, priority_bits: int) -> None:
        self.lines = lines
        self.count = FIRST_IRQ + lines
        self.priority_mask = 0xFF << (8 - priority_bits) & 0xFF
        self.on_change: Callable[[], None] = lambda: None
        """Called when an exception may have to be taken now: one that beats every active one."""
        self.on_pend: Callable[[], None] = lambda: None
        """Called when an exception becomes pending, enabled or not."""
        self.levels = 0
        self.reset()

    def reset(self) -> None:
        """B1.5.5: nothing active, interrupts disabled, every priority 0.

        The inputs keep their levels, and those that are high are pending.
        """
        self.pending = self.levels
        self.active = 0
        self.enabled = _ALWAYS_ENABLED
        self.priority = [0] * self.count
        self.priority[RESET : HARD_FAULT + 1] = [-3, -2, -1]
        self.prigroup = 0
        self._refresh()

    def load(self, state: State) -> None:
        super().load(state)
        self._refresh()

    # Changes ---------------------------------------------------------------------------------

    def pend(self, mask: int) -> None:
        new = mask & ~self.pending
        if new:
            self.pending |= new
            self.on_pend()
            self._refresh()

    def unpend(self, mask: int) -> None:
        """Clear pending bits; an interrupt whose line is high stays pending (B3.4.1)."""
        held = self.levels & ~self.active
        self.pending &= ~mask | held
        self._refresh()

    def enable(self, mask: int) -> None:
        self.enabled |= mask
        self._refresh()

    def disable(self, mask: int) -> None:
        self.enabled &= ~mask
        self._refresh()

    def set_active(self, mask: int, active: bool) -> None:
        self.active = self.active | mask if active else self.active & ~mask
        self._refresh()

    def set_priority(self, number: int, value: int) -> None:
        """Bits that the core does not have read as zero and ignore writes (B3.4.9)."""
        if HARD_FAULT < number < self.count:
            self.priority[number] = value & self.priority_mask
            self._refresh()

    def set_prigroup(self, value: int) -> None:
        self.prigroup = value & 7
        self._refresh()

    def set_level(self, line: int, level: bool) -> None:
        """Drive external interrupt `line`. Active interrupts see a high line when they return."""
        bit = 1 << (FIRST_IRQ + line)
        if level:
            rising = not self.levels & bit
            self.levels |= bit
            if rising:
                self.pend(bit)
        else:
            self.levels &= ~bit

    def activate(self, number: int) -> None:
        """The exception is taken."""
        self.pending &= ~(1 << number)
        self.active |= 1 << number
        self._refresh()

    def deactivate(self, number: int) -> None:
        """Its handler returned; a line that is still high makes it pending again (B3.4.1)."""
        self.active &= ~(1 << number)
        if self.levels >> number & 1:
            self.pend(1 << number)
        self._refresh()

    # Priorities ------------------------------------------------------------------------------

    def group(self, priority: int) -> int:
        """The part of a priority that decides about preemption (B1.5.4)."""
        return priority if priority < 0 else priority & -(2 << self.prigroup)

    def execution_priority(
        self, primask: int, faultmask: int, basepri: int, active: int | None = None
    ) -> int:
        """B1.5.4 ExecutionPriority(); `active`: instead of the table's own active priority."""
        priority = self.active_group if active is None else active
        basepri &= self.priority_mask
        if basepri:
            priority = min(priority, self.group(basepri))
        if primask:
            priority = min(priority, 0)
        if faultmask:
            priority = min(priority, -1)
        return priority

    def can_preempt(self, number: int, execution_priority: int) -> bool:
        """Would exception `number` be taken at this execution priority?"""
        return bool(
            self.enabled >> number & 1 and self.group(self.priority[number]) < execution_priority
        )

    def _best(self, candidates: int) -> tuple[int, int]:
        """The most urgent of a set: (number, priority); ties go to the lowest number."""
        number, priority = 0, LOWEST
        while candidates:
            low = candidates & -candidates
            candidates ^= low
            candidate = low.bit_length() - 1
            if self.priority[candidate] < priority:
                number, priority = candidate, self.priority[candidate]
        return number, priority

    def _refresh(self) -> None:
        self.top, priority = self._best(self.pending & self.enabled)
        self.top_group = self.group(priority) if self.top else LOWEST
        active, priority = self._best(self.active)
        self.active_group = self.group(priority) if active else LOWEST
        self.takeable = self.top if self.top_group < self.active_group else 0
        if self.takeable:
            self.on_change()

    def irqs_pending(self) -> bool:
        """ICSR.ISRPENDING: an external interrupt is pending, enabled or not (B3.2.4)."""
        return bool(self.pending & _IRQS)
