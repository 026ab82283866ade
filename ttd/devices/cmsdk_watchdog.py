"""CMSDK APB watchdog: DDI0479 (Cortex-M System Design Kit TRM), section 4.5, "APB watchdog"."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ttd.devices.base import Clock, Line
from ttd.devices.countdown import Countdown, CountdownBlock
from ttd.devices.names import names
from ttd.devices.registers import WORD, cmsdk_id

LOAD, VALUE, CONTROL, INTCLR, RIS, MIS = 0x000, 0x004, 0x008, 0x00C, 0x010, 0x014
LOCK, ITCR, ITOP = 0xC00, 0xF00, 0xF04
CONTROL_INTEN, CONTROL_RESEN = 1 << 0, 1 << 1
ITOP_RESET, ITOP_INT = 1 << 0, 1 << 1
UNLOCK = 0x1ACCE551
PART = 0x24


class CmsdkWatchdog(CountdownBlock):
    """Interrupts when its counter reaches zero; asks for a reset when it does so again.

    `on_reset` is called when the reset output rises. The counter stops there: on a board whose
    reset comes back at once nobody sees it, and a run that ends there has one defined end.
    """

    NAMES = names(
        LOAD=LOAD,
        VALUE=VALUE,
        CONTROL=(CONTROL, {"INTEN": CONTROL_INTEN, "RESEN": CONTROL_RESEN}),
        INTCLR=INTCLR,
        RIS=RIS,
        MIS=MIS,
        LOCK=LOCK,
        ITCR=ITCR,
        ITOP=ITOP,
    )

    alone = True
    STATE = ("load_value", "control", "pending", "resetting", "locked", "itcr", "itop",
             "counter_state")  # fmt: skip

    def __init__(
        self, name: str, clock: Clock, hz: int, irq: Line, on_reset: Callable[[], None]
    ) -> None:
        super().__init__(name, clock, hz)
        self.irq = irq
        self.on_reset = on_reset
        self.reset()

    def reset(self) -> None:
        self.load_value = WORD
        self.control = 0
        self.pending = False
        self.resetting = False
        self.locked = False
        self.itcr = 0
        self.itop = 0
        self.counter = Countdown(start=WORD, reload=WORD)
        self.drive()

    def outputs(self) -> Iterable[tuple[Line, bool]]:
        level = bool(self.itop & ITOP_INT) if self.itcr else self._masked()
        yield self.irq, level

    def _masked(self) -> bool:
        return self.pending and bool(self.control & CONTROL_INTEN)

    def peek_word(self, offset: int) -> int:
        if offset == LOAD:
            return self.load_value
        if offset == VALUE:
            return self.counter.value(self.tick())
        if offset == CONTROL:
            return self.control
        # No zero is uncounted here: `deadline` has `expire` called at each one.
        if offset == RIS:
            return int(self.pending)
        if offset == MIS:
            return int(self._masked())
        if offset == LOCK:
            return int(self.locked)
        if offset == ITCR:
            return self.itcr
        return cmsdk_id(PART, offset)

    def write_word(self, offset: int, value: int) -> None:
        if offset == LOCK:
            self.locked = value != UNLOCK
            return
        if self.locked:
            return
        self.expire()
        if offset == LOAD:
            self.load_value = self.counter.reload = self.counter.start = value
        elif offset == CONTROL:
            enabled = bool(value & CONTROL_INTEN)
            if enabled and not self.control & CONTROL_INTEN:
                # "Reloads the counter from WDOGLOAD when the interrupt is enabled, after
                # previously being disabled" (WDOGCONTROL, INTEN).
                self.counter.start = self.load_value
            self.control = value & (CONTROL_INTEN | CONTROL_RESEN)
            self.counter.running = enabled
        elif offset == INTCLR:
            self.pending = False
            self.counter.start = self.load_value
        elif offset == ITCR:
            self.itcr = value & 1
        elif offset == ITOP:
            self.itop = value & (ITOP_RESET | ITOP_INT)
        self._update_reset()
        self.drive()
        self.clock.rearm()

    def deadline(self) -> int | None:
        zero = self.counter.next_zero()
        return None if zero is None else self.time_of(zero)

    def expire(self) -> None:
        zeros = self.counter.zeros(self.tick())
        self.counter.settle(self.tick())
        if zeros and (self.pending or zeros > 1):
            self.resetting = True
            self.counter.running = False
        self.pending = self.pending or zeros > 0
        self._update_reset()
        self.drive()

    def _update_reset(self) -> None:
        if self.itcr:
            asserted = bool(self.itop & ITOP_RESET)
        else:
            asserted = self.resetting and bool(self.control & CONTROL_RESEN)
        if asserted:
            self.on_reset()
