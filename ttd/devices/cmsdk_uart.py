"""CMSDK APB UART: DDI0479 (Cortex-M System Design Kit TRM), section 4.3, "APB UART"."""

from __future__ import annotations

from dataclasses import dataclass

from ttd.devices.base import Clock, Line
from ttd.devices.chars import RETRY_NS, CharFront, is_lost
from ttd.devices.declared import (
    Bits,
    Declaration,
    Register,
    Word,
    ask,
    clear_bits,
    constant,
    give,
    keep,
    kept,
    send,
    set_bits,
)
from ttd.devices.registers import ID_OFFSETS, RegisterBlock, cmsdk_id

DATA, STATUS, CTRL, INTSTATUS, BAUDDIV = 0x000, 0x004, 0x008, 0x00C, 0x010
TX, RX = 1 << 0, 1 << 1
"""Full bits of STATUS ("STATE" in the manual), enable bits of CTRL, interrupt bits of INTSTATUS."""
TX_OVERRUN, RX_OVERRUN = 1 << 2, 1 << 3
"""In STATUS and INTSTATUS."""
IRQ_ENABLE_SHIFT = 2
"""CTRL[5:2] enable the interrupts that INTSTATUS[3:0] reports."""
PART = 0x21
CYCLE_NS = 40
"""The boards clock it with 25 MHz."""
LEAST_BAUDDIV = 16
"""BAUDDIV below this is not allowed: nobody has set it."""
DIV_115200 = 217
"""What BAUDDIV is for 115200 baud."""


@dataclass(frozen=True, slots=True)
class UartLines:
    """The interrupt outputs of a UART."""

    tx: Line
    rx: Line
    overrun: Line


class CmsdkUart(RegisterBlock):
    """A UART with one byte of buffer each way.

    Bytes leave at once, whatever BAUDDIV says, as in QEMU; the buffer is full only while the
    host side refuses them (they are offered again after `RETRY_NS`), or while the transmitter is
    disabled. The transmit interrupt is raised when
    a byte has left the buffer. Bytes arrive when the replay layer brings them, but not closer
    together than BAUDDIV lets them (115200 baud if it is not set): what is pasted or piped in
    must not overrun software that keeps up with a wire.
    """

    STATE = ("state", "ctrl", "intstatus", "bauddiv", "txbuf", "rxbuf", "retry_at", "rx_at")
    alone = True
    state, ctrl, intstatus, bauddiv, txbuf, rxbuf = (Word() for _ in range(6))

    @classmethod
    def declaration(cls) -> Declaration:
        # The overrun interrupts are no latches of their own: STATUS gated by CTRL.
        overruns = Bits("state", TX_OVERRUN | RX_OVERRUN, "ctrl", IRQ_ENABLE_SHIFT)
        waits, enabled = Bits("state", TX), Bits("ctrl", TX)
        left = set_bits("intstatus", TX, when=Bits("ctrl", TX << IRQ_ENABLE_SHIFT))
        return Declaration(
            {
                DATA: Register(
                    (ask(when=Bits("state", RX)), give("rxbuf")),
                    (ask(when=waits), ask(unless=enabled), keep("txbuf", 0xFF), send(), left),
                ),
                STATUS: Register(
                    (give("state"),),
                    (clear_bits("state", TX_OVERRUN | RX_OVERRUN, source="value"),),
                ),
                CTRL: Register((give("ctrl"),), (ask(when=waits), keep("ctrl", 0x7F))),
                INTSTATUS: Register(
                    (give("intstatus"), give(overruns)), (clear_bits("intstatus", source="value"),)
                ),
                BAUDDIV: kept("bauddiv", 0xFFFFF),
                **{offset: constant(cmsdk_id(PART, offset)) for offset in ID_OFFSETS},
            },
            others=constant(0),
            lines={
                "tx": [Bits("intstatus", TX)],
                "rx": [Bits("intstatus", RX)],
                "overrun": [overruns],
            },
        )

    def __init__(self, name: str, clock: Clock, front: CharFront, lines: UartLines) -> None:
        super().__init__(name, clock)
        self.front = front
        self.send_to(front)
        self.connect(tx=lines.tx, rx=lines.rx, overrun=lines.overrun)
        self.reset()
        front.connect(self.receive, self.can_receive)

    def reset(self) -> None:
        self.state = 0
        self.ctrl = 0
        self.intstatus = 0
        self.bauddiv = 0
        self.txbuf = 0
        self.rxbuf = 0
        self.retry_at: int | None = None
        self.rx_at: int | None = None
        self.drive()

    def peek_word(self, offset: int) -> int:
        return self.rxbuf

    def read_word(self, offset: int) -> int:
        """DATA, with a byte in it."""
        self.state &= ~RX
        if self.rx_at is None:
            self._pause_line()
        return self.rxbuf

    def write_word(self, offset: int, value: int) -> None:
        """DATA and CTRL, as far as they are not declared."""
        if offset == CTRL:
            self.ctrl = value & 0x7F
            self._send()
        else:
            self.txbuf = value & 0xFF
            if self.state & TX:
                self.state |= TX_OVERRUN
            else:
                self.state |= TX
                self._send()
        self.drive()

    def deadline(self) -> int | None:
        return min((at for at in (self.retry_at, self.rx_at) if at is not None), default=None)

    def expire(self) -> None:
        if self.rx_at is not None and self.clock.now() >= self.rx_at:
            self.rx_at = None
        if self.retry_at is not None and self.clock.now() >= self.retry_at:
            self._send()
            self.drive()

    def _send(self) -> None:
        """Offer the byte that waits, if there is one, to the host side."""
        self.retry_at = None
        if not (self.state & TX and self.ctrl & TX):
            return
        taken = self.front.write(bytes([self.txbuf]))
        if taken > 0 or is_lost(taken):
            self.state &= ~TX
            if self.ctrl & TX << IRQ_ENABLE_SHIFT:
                self.intstatus |= TX
        else:
            # A deadline in virtual time, not a signal from the host: the guest sees the buffer
            # free at the same step in every replay, with only the result of `write` recorded.
            self.retry_at = self.clock.now() + RETRY_NS
            self.clock.rearm()

    def can_receive(self) -> int:
        """Return how many bytes the receiver can take now without losing any."""
        return int(bool(self.ctrl & RX) and not self.state & RX and self.rx_at is None)

    def receive(self, data: bytes) -> None:
        """Bytes from the line; more than `can_receive()` overrun, as on the real line."""
        if not self.ctrl & RX:
            return
        for byte in data:
            if self.state & RX:
                self.state |= RX_OVERRUN
            self.rxbuf = byte
            self.state |= RX
        if data and self.ctrl & RX << IRQ_ENABLE_SHIFT:
            self.intstatus |= RX
        if data:
            self._pause_line()
        self.drive()

    def _pause_line(self) -> None:
        """One character's time; at its end the host side is asked what it has."""
        divider = self.bauddiv if self.bauddiv >= LEAST_BAUDDIV else DIV_115200
        self.rx_at = self.clock.now() + 10 * divider * CYCLE_NS
        self.clock.rearm()
