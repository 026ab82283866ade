"""RADIO: nRF51 Reference Manual, chapter "2.4 GHz Radio"."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.names import names
from ttd.devices.nrf51.peripheral import Peripheral, event_at

TXEN, RXEN, START, STOP, DISABLE, RSSISTART, RSSISTOP, BCSTART, BCSTOP = range(0, 0x24, 4)
READY, ADDRESS, PAYLOAD, END, DISABLED, DEVMATCH, DEVMISS, RSSIEND = range(8)
BCMATCH = 10
CRCSTATUS, RXMATCH, RXCRC, DAI = 0x400, 0x408, 0x40C, 0x410
PCNF1, RSSISAMPLE, STATE_REGISTER, POWER = 0x518, 0x548, 0x550, 0xFFC
OFF, RX_RAMPS, RX_IDLE, RX, RX_DISABLES = 0, 1, 2, 3, 4
TX_RAMPS, TX_IDLE, TX, TX_DISABLES = 9, 10, 11, 12
RAMP_NS, DISABLE_NS, RSSI_NS, BYTE_NS = 140_000, 4_000, 8_800, 8_000
NOTHING_HEARD = 127
"""RSSISAMPLE: -127 dBm."""


class Radio(Peripheral):
    """A radio out of reach of all others.

    What it sends, at 1 Mbit/s in packets of the largest length that PCNF1 allows, is lost; it
    never receives.
    """

    NAMES = (
        *Peripheral.NAMES,
        *names(
            TASKS_TXEN=TXEN,
            TASKS_RXEN=RXEN,
            TASKS_START=START,
            TASKS_STOP=STOP,
            TASKS_DISABLE=DISABLE,
            TASKS_RSSISTART=RSSISTART,
            TASKS_RSSISTOP=RSSISTOP,
            TASKS_BCSTART=BCSTART,
            TASKS_BCSTOP=BCSTOP,
            EVENTS_READY=event_at(READY),
            EVENTS_ADDRESS=event_at(ADDRESS),
            EVENTS_PAYLOAD=event_at(PAYLOAD),
            EVENTS_END=event_at(END),
            EVENTS_DISABLED=event_at(DISABLED),
            EVENTS_DEVMATCH=event_at(DEVMATCH),
            EVENTS_DEVMISS=event_at(DEVMISS),
            EVENTS_RSSIEND=event_at(RSSIEND),
            EVENTS_BCMATCH=event_at(BCMATCH),
            CRCSTATUS=CRCSTATUS,
            RXMATCH=RXMATCH,
            RXCRC=RXCRC,
            DAI=DAI,
            PCNF1=PCNF1,
            RSSISAMPLE=RSSISAMPLE,
            STATE=STATE_REGISTER,
            POWER=POWER,
        ),
    )

    STATE: ClassVar[tuple[str, ...]] = (*Peripheral.STATE, "state")
    EVENTS: ClassVar[tuple[int, ...]] = (*range(8), BCMATCH)
    SHORTCUTS = {
        0: (READY, START),
        1: (END, DISABLE),
        2: (DISABLED, TXEN),
        3: (DISABLED, RXEN),
        4: (ADDRESS, RSSISTART),
        5: (END, START),
        6: (ADDRESS, BCSTART),
        8: (DISABLED, RSSISTOP),
    }
    PLAIN = {
        **dict.fromkeys(range(0x504, 0x548, 4), 0),  # PACKETPTR to CRCINIT
        **dict.fromkeys((0x540, 0x544, 0x554, 0x560), 0),  # TEST, TIFS, DATAWHITEIV, BCC
        **dict.fromkeys(range(0x600, 0x644, 4), 0),  # DAB, DAP, DACNF
        **dict.fromkeys(range(0x724, 0x738, 4), 0),  # OVERRIDE
        POWER: 1,
    }

    def reset_registers(self) -> None:
        self.state = OFF

    def task(self, offset: int) -> None:
        if offset in (TXEN, RXEN) and self.state == OFF:
            self.state = TX_RAMPS if offset == TXEN else RX_RAMPS
            self.later(RAMP_NS, READY)
        elif offset == START:
            self._start()
        elif offset == STOP:
            self.forget(ADDRESS, PAYLOAD, END)
            self.state = {TX: TX_IDLE, RX: RX_IDLE}.get(self.state, self.state)
        elif offset == DISABLE:
            self.due = []
            self.state = TX_DISABLES if self.state >= TX_RAMPS else RX_DISABLES
            self.later(DISABLE_NS, DISABLED)
        elif offset == RSSISTART:
            self.later(RSSI_NS, RSSIEND)
        elif offset == RSSISTOP:
            self.forget(RSSIEND)

    def _start(self) -> None:
        if self.state == RX_IDLE:
            self.state = RX
        elif self.state == TX_IDLE:
            self.state = TX
            address = 6 * BYTE_NS  # with the preamble
            payload = address + (self.get(PCNF1) & 0xFF) * BYTE_NS
            self.later(address, ADDRESS)
            self.later(payload, PAYLOAD)
            self.later(payload + 2 * BYTE_NS, END)

    def happens(self, number: int) -> None:
        if number == READY:
            self.state = TX_IDLE if self.state == TX_RAMPS else RX_IDLE
        elif number == END:
            self.state = TX_IDLE
        elif number == DISABLED:
            self.state = OFF
        self.event(number)

    def peek_register(self, offset: int) -> int:
        return {RSSISAMPLE: NOTHING_HEARD, STATE_REGISTER: self.state}.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        if offset == POWER and not value & 1:
            self.reset()
            self.plain[self._places[POWER]] = 0
