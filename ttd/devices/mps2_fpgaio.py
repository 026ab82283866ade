"""MPS2 FPGA system control and I/O: AN385 (DAI0385), section "FPGA system control and I/O"."""

from __future__ import annotations

from ttd.devices.base import Clock, Steady
from ttd.devices.countdown import NS_PER_S, Countdown, CountdownBlock
from ttd.devices.declared import Declaration, Word, constant, kept
from ttd.devices.names import names
from ttd.devices.registers import WORD

LED0, BUTTON, CLK1HZ, CLK100HZ, COUNTER, PRESCALE, PSCNTR, MISC = (
    0x00, 0x08, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x4C)  # fmt: skip
UP_COUNTERS = {CLK1HZ: 1, CLK100HZ: 100}
"""Up-counters of a fixed rate: offset -> Hz."""


class Mps2Fpgaio(CountdownBlock):
    """LEDs, buttons (never pressed) and free-running counters.

    PSCNTR counts down from PRESCALE at `hz`; COUNTER goes up each time it is reloaded. MISC
    drives chip selects of devices that are not modelled: it reads back as written.
    """

    NAMES = names(
        LED0=LED0,
        BUTTON=BUTTON,
        CLK1HZ=CLK1HZ,
        CLK100HZ=CLK100HZ,
        COUNTER=COUNTER,
        PRESCALE=PRESCALE,
        PSCNTR=PSCNTR,
        MISC=MISC,
    )

    alone = True
    STATE = ("led0", "misc", "bases", "counter_base", "counter_state")

    led0, misc = Word(), Word()
    """User LEDs 0 and 1, in bits 0 and 1; and what is only kept."""

    @classmethod
    def declaration(cls) -> Declaration:
        return Declaration({LED0: kept("led0", 0b11), BUTTON: constant(0), MISC: kept("misc")})

    def __init__(self, name: str, clock: Clock, hz: int) -> None:
        super().__init__(name, clock, hz)
        self.reset()

    def reset(self) -> None:
        self.led0 = 0
        self.misc = 0
        now = self.clock.now()
        # The fixed-rate counters: since when they count (ns), and from which value.
        self.bases = {str(offset): [now, 0] for offset in UP_COUNTERS}
        self.counter_base = 0
        self.counter = Countdown(anchor=self.tick(), reload=0, running=True)

    def peek_word(self, offset: int) -> int:
        if offset in UP_COUNTERS:
            since, base = self.bases[str(offset)]
            elapsed = self.clock.now() - since
            return (base + elapsed * UP_COUNTERS[offset] // NS_PER_S) & WORD
        if offset == COUNTER:
            return (self.counter_base + self.counter.reloads(self.tick())) & WORD
        if offset == PRESCALE:
            return self.counter.reload
        if offset == PSCNTR:
            return self.counter.value(self.tick())
        return 0

    def steady(self, offset: int) -> Steady | None:
        if offset in UP_COUNTERS:
            return Steady(1, UP_COUNTERS[offset], since_ns=self.bases[str(offset)][0])
        if offset == PSCNTR:
            return self.counter_steady(self.peek_word(PSCNTR))
        if offset == COUNTER:
            return self._counter_steady()
        return Steady()

    def _counter_steady(self) -> Steady:
        """It goes up with each reload of PSCNTR."""
        left, period = self.counter.value(self.tick()) + 1, self.counter.reload + 1
        next_at = self.tick() + left
        if left > period or NS_PER_S % self.hz:
            return Steady(until_ns=self.time_of(next_at))
        return Steady(1, self.hz, period, since_ns=self.time_of(next_at - period))

    def write_word(self, offset: int, value: int) -> None:
        if offset in UP_COUNTERS:
            self.bases[str(offset)] = [self.clock.now(), value]
        elif offset in (COUNTER, PRESCALE, PSCNTR):
            self.counter_base = self.peek_word(COUNTER)
            self.counter.settle(self.tick())
            if offset == COUNTER:
                self.counter_base = value
            elif offset == PRESCALE:
                self.counter.reload = value
            else:
                self.counter.start = value
