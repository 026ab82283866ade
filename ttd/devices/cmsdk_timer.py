"""CMSDK APB timer: DDI0479 (Cortex-M System Design Kit TRM), section 4.1, "APB timer"."""

from __future__ import annotations

from ttd.devices.base import Clock, Line
from ttd.devices.counting import Counting
from ttd.devices.declared import (
    Bits,
    Counter,
    Declaration,
    Flag,
    Match,
    Register,
    Word,
    clear_bits,
    constant,
    give,
    give_count,
    keep,
    kept,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.registers import ID_OFFSETS, cmsdk_id
from ttd.state import State

CTRL, VALUE, RELOAD, INTSTATUS = 0x000, 0x004, 0x008, 0x00C
CTRL_ENABLE, CTRL_EXTERNAL, CTRL_IRQ = 1 << 0, 0b11 << 1, 1 << 3
PART = 0x22


class CmsdkTimer(Counting):
    """A 32-bit down-counter that reloads itself and interrupts at zero.

    The external input (EXTIN, CTRL bits 1 and 2) is tied low on the boards modelled here: with
    either bit set the counter stands still.
    """

    NAMES = names(
        CTRL=(CTRL, {"ENABLE": CTRL_ENABLE, "EXTERNAL": CTRL_EXTERNAL, "IRQ": CTRL_IRQ}),
        VALUE=VALUE,
        RELOAD=RELOAD,
        INTSTATUS=INTSTATUS,
    )

    alone = True
    STATE = ("ctrl", "pending", "counter_state")
    ctrl, intstatus, start, reload = (Word() for _ in range(4))
    pending = Flag(intstatus, 1)

    @classmethod
    def declaration(cls) -> Declaration:
        # "A write to this register sets the current value" (RELOAD, table 4-2).
        reloads = (keep("reload"), keep("start"))
        return Declaration(
            {
                CTRL: kept("ctrl", 0xF),
                VALUE: Register((give_count(),), (keep("start"),)),
                RELOAD: Register((give("reload"),), reloads),
                INTSTATUS: Register(
                    (give("intstatus"),), (clear_bits("intstatus", source="value"),)
                ),
                **{offset: constant(cmsdk_id(PART, offset)) for offset in ID_OFFSETS},
            },
            others=constant(0),
            lines={"irq": [Bits("intstatus")]},
            counters=[
                Counter(
                    *("start", "reload", Bits("ctrl", CTRL_ENABLE)),
                    halts=Bits("ctrl", CTRL_EXTERNAL),
                    down=True,
                )
            ],
            matches=[
                Match(
                    [set_bits("intstatus", 1)],
                    when=Bits("ctrl", CTRL_IRQ),
                    unless=Bits("intstatus"),
                )
            ],
        )

    def __init__(self, name: str, clock: Clock, hz: int, irq: Line) -> None:
        super().__init__(name, clock)
        self.connect(irq=irq)
        self.file.set_rate(0, hz)
        self.reset()

    def reset(self) -> None:
        self.ctrl = 0
        self.pending = False
        self.start = self.reload = 0
        self.file.set_anchor(0, 0)
        self.drive()

    @property
    def counter_state(self) -> State:
        """The counter: what it held at its anchor, and how it goes on."""
        running = self.ctrl & (CTRL_ENABLE | CTRL_EXTERNAL) == CTRL_ENABLE
        anchor = self.file.anchor(0)
        return {"start": self.start, "anchor": anchor, "reload": self.reload, "running": running}

    @counter_state.setter
    def counter_state(self, state: State) -> None:
        self.start, self.reload = state["start"], state["reload"]
        self.file.set_anchor(0, state["anchor"])
