"""CMSDK dual-input timers: DDI0479 (Cortex-M System Design Kit TRM), section 4.2."""

from __future__ import annotations

from ttd.devices.base import Clock, Line
from ttd.devices.counting import Counting
from ttd.devices.declared import (
    Bits,
    Counter,
    Declaration,
    Match,
    Register,
    Word,
    ask,
    clear_bits,
    constant,
    give,
    give_count,
    keep,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.registers import ID_OFFSETS, WORD, cmsdk_id
from ttd.state import State

LOAD, VALUE, CONTROL, INTCLR, RIS, MIS, BGLOAD = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
HALVES, HALF_SIZE = 2, 0x20
ITCR, ITOP = 0xF00, 0xF04
ENABLE, PERIODIC, IRQ, WIDE, ONE_SHOT = 1 << 7, 1 << 6, 1 << 5, 1 << 1, 1 << 0
PRESCALE_SHIFT = 2
PRESCALE = (1, 16, 256, 256)
"""Dividers by CONTROL[3:2]; the last is undefined in the manual."""
PART = 0x23


class CmsdkDualTimer(Counting):
    """Two 32/16-bit down-counters: free-running, periodic or one-shot, with a prescaler.

    Each timer has an interrupt; boards use the combined one. The prescaler runs freely, so a
    timer that is enabled between two prescaled ticks counts first at the next of them.
    """

    NAMES = (
        *(
            register.also(f"TIMER{n + 1}", HALF_SIZE * n)
            for n in range(HALVES)
            for register in names(
                LOAD=LOAD,
                VALUE=VALUE,
                CONTROL=(
                    CONTROL,
                    {
                        "ENABLE": ENABLE,
                        "PERIODIC": PERIODIC,
                        "IRQ": IRQ,
                        "PRESCALE": 3 << PRESCALE_SHIFT,
                        "WIDE": WIDE,
                        "ONE_SHOT": ONE_SHOT,
                    },
                ),
                INTCLR=INTCLR,
                RIS=RIS,
                MIS=MIS,
                BGLOAD=BGLOAD,
            )
        ),
        *names(ITCR=ITCR, ITOP=ITOP),
    )

    alone = True
    STATE = ("itcr", "itop", "halves_state")
    itcr, itop, normal, testing = (Word() for _ in range(4))
    """`normal`, `testing`: ones while the output is that of the timers, or of ITOP."""
    load0, load1, control0, control1, ris0, ris1 = (Word() for _ in range(6))
    mis0, mis1, start0, start1, reload0, reload1 = (Word() for _ in range(6))
    high0, high1 = Word(), Word()
    """The bits of VALUE that do not count: in 16-bit mode, the upper half of what was loaded."""

    @classmethod
    def declaration(cls) -> Declaration:
        registers = {
            ITCR: Register((give("itcr"),), (ask(),)),
            ITOP: Register((), (keep("itop", 0b11),)),
        }
        for n in range(HALVES):
            load, pending, masked = f"load{n}", f"ris{n}", f"mis{n}"
            loaded = Register((give(load),), (ask(),))
            registers |= {
                n * HALF_SIZE + offset: register
                for offset, register in {
                    **{LOAD: loaded, BGLOAD: loaded},
                    VALUE: Register((give(f"high{n}"), give_count(n)), ()),
                    CONTROL: Register((give(f"control{n}"),), (ask(),)),
                    INTCLR: Register((), (clear_bits(pending), clear_bits(masked))),
                    RIS: Register((give(pending),), ()),
                    MIS: Register((give(masked),), ()),
                }.items()
            }
        ids = {offset: constant(cmsdk_id(PART, offset)) for offset in ID_OFFSETS}
        return Declaration(
            registers | ids,
            others=constant(0),
            lines={
                "irq": [
                    *(Bits(f"mis{n}", also="normal") for n in range(HALVES)),
                    Bits("itop", also="testing"),
                ]
            },
            counters=[
                Counter(
                    *(f"start{n}", f"reload{n}", Bits(f"control{n}", ENABLE)),
                    once=Bits(f"control{n}", ONE_SHOT),
                    down=True,
                )
                for n in range(HALVES)
            ],
            matches=[
                Match(
                    [
                        set_bits(f"ris{n}", 1),
                        set_bits(f"mis{n}", 1, when=Bits(f"control{n}", IRQ)),
                    ],
                    unless=Bits(f"ris{n}"),
                    counter=n,
                )
                for n in range(HALVES)
            ],
        )

    def __init__(self, name: str, clock: Clock, hz: int, irq: Line) -> None:
        super().__init__(name, clock)
        self.hz = hz
        self.connect(irq=irq)
        self.reset()

    def reset(self) -> None:
        self.itcr = 0
        self.itop = 0
        for n in range(HALVES):
            self._set(n, load=0, control=IRQ, ris=0, start=0xFFFF, high=0xFFFF0000)
            self.file.set_anchor(n, 0)
        self.derive()
        self.drive()

    def _set(self, half: int, **values: int) -> None:
        for name, value in values.items():
            setattr(self, f"{name}{half}", value)

    def _get(self, half: int, *names: str) -> list[int]:
        return [getattr(self, f"{name}{half}") for name in names]

    def derive(self) -> None:
        """What comes after zero follows from mode and load value (section 4.2.1)."""
        self.normal, self.testing = (0, WORD) if self.itcr else (WORD, 0)
        for n in range(HALVES):
            load, control, pending = self._get(n, "load", "control", "ris")
            wide = WORD if control & WIDE else 0xFFFF
            reload = wide & (load if control & PERIODIC else WORD)
            self._set(n, reload=reload, mis=pending if control & IRQ else 0)
            self.file.set_rate(n, self.hz, PRESCALE[control >> PRESCALE_SHIFT & 0b11])

    @property
    def halves_state(self) -> list[State]:
        return [self._half_state(n) for n in range(HALVES)]

    @halves_state.setter
    def halves_state(self, states: list[State]) -> None:
        for n, state in enumerate(states):
            self._set(n, **{name: state[name] for name in ("load", "control", "high")})
            self._set(n, ris=int(state["pending"]), start=state["counter"]["start"])
            self.file.set_anchor(n, state["counter"]["anchor"])

    def _half_state(self, half: int) -> State:
        names = ("load", "control", "ris", "high", "start", "reload")
        load, control, pending, high, start, reload = self._get(half, *names)
        counter = {
            "start": start,
            "anchor": self.file.anchor(half),
            "reload": None if control & ONE_SHOT else reload,
            "running": bool(control & ENABLE),
        }
        state = {"load": load, "control": control, "pending": bool(pending), "high": high}
        return {**state, "counter": counter}

    def write_word(self, offset: int, value: int) -> None:
        """ITCR, LOAD, BGLOAD and CONTROL."""
        offset %= self.size
        if offset == ITCR:
            self.itcr = value & 1
        else:
            self._write_half(offset // HALF_SIZE, offset % HALF_SIZE, value)
        self.derive()
        self.file.anchor_here()
        self.drive()

    def _write_half(self, half: int, offset: int, value: int) -> None:
        control, high, start = self._get(half, "control", "high", "start")
        if offset == CONTROL:
            control = value & 0xEF
            value = high | start
        else:
            self._set(half, load=value)
        if offset != BGLOAD:
            wide = WORD if control & WIDE else 0xFFFF
            self._set(half, control=control, high=value & ~wide & WORD, start=value & wide)
