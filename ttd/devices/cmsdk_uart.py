"""CMSDK APB UART: DDI0479 (Cortex-M System Design Kit TRM), section 4.3, "APB UART"."""

from __future__ import annotations

from ttd.devices.base import Clock, Line
from ttd.devices.chars import CharFront
from ttd.devices.declared import (
    Bits,
    Condition,
    Declaration,
    Receiving,
    Register,
    Word,
    ask,
    clear_bits,
    constant,
    give,
    keep,
    pause,
    send,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.registers import ID_OFFSETS, RegisterBlock, cmsdk_id
from ttd.devices.uart import Uart
from ttd.values import dataclass

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


class CmsdkUart(Uart, RegisterBlock):
    """A UART with one byte of buffer each way.

    Bytes leave at once, whatever BAUDDIV says, as in QEMU; the buffer is full only while the
    host side refuses them, or while the transmitter is disabled. The transmit interrupt is raised
    when a byte has left the buffer. Bytes arrive no closer together than BAUDDIV lets them (115200
    baud if it is not set).
    """

    NAMES = names(
        DATA=DATA,
        STATE=(STATUS, {"TXFULL": TX, "RXFULL": RX, "TXOVR": TX_OVERRUN, "RXOVR": RX_OVERRUN}),
        CTRL=(
            CTRL,
            {
                "TXEN": TX,
                "RXEN": RX,
                "TXIRQEN": TX << IRQ_ENABLE_SHIFT,
                "RXIRQEN": RX << IRQ_ENABLE_SHIFT,
                "TXOVRIRQEN": TX_OVERRUN << IRQ_ENABLE_SHIFT,
                "RXOVRIRQEN": RX_OVERRUN << IRQ_ENABLE_SHIFT,
            },
        ),
        INTSTATUS=(INTSTATUS, {"TX": TX, "RX": RX, "TXOVR": TX_OVERRUN, "RXOVR": RX_OVERRUN}),
        BAUDDIV=BAUDDIV,
    )

    STATE = ("state", "ctrl", "intstatus", "bauddiv", "txbuf", "rxbuf", "retry_at", "rx_at")
    alone = True
    state, ctrl, intstatus, bauddiv, txbuf, rxbuf = (Word() for _ in range(6))

    @classmethod
    def declaration(cls) -> Declaration:
        # The overrun interrupts are no latches of their own: STATUS gated by CTRL.
        overruns = Bits("state", TX_OVERRUN | RX_OVERRUN, "ctrl", IRQ_ENABLE_SHIFT)
        waits, enabled = Bits("state", TX), Bits("ctrl", TX)
        received = Bits("state", RX)
        left = set_bits("intstatus", TX, when=Bits("ctrl", TX << IRQ_ENABLE_SHIFT))
        return Declaration(
            {
                DATA: Register(
                    (give("rxbuf"), pause(when=received), clear_bits("state", RX)),
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
                BAUDDIV: Register((give("bauddiv"),)),
                **{offset: constant(cmsdk_id(PART, offset)) for offset in ID_OFFSETS},
            },
            others=constant(0),
            lines={
                "tx": [Bits("intstatus", TX)],
                "rx": [Bits("intstatus", RX)],
                "overrun": [overruns],
            },
            receiving=Receiving(
                (Condition(Bits("ctrl", RX), unless=True), Condition(received)),
                (
                    set_bits("state", RX_OVERRUN, when=received),
                    keep("rxbuf", 0xFF),
                    set_bits("state", RX),
                    set_bits("intstatus", RX, when=Bits("ctrl", RX << IRQ_ENABLE_SHIFT)),
                ),
            ),
        )

    def __init__(self, name: str, clock: Clock, front: CharFront, lines: UartLines) -> None:
        super().__init__(name, clock)
        self.connect(tx=lines.tx, rx=lines.rx, overrun=lines.overrun)
        self.reset()
        self.plug(front)

    def reset(self) -> None:
        self.state = 0
        self.ctrl = 0
        self.intstatus = 0
        self.bauddiv = 0
        self.txbuf = 0
        self.rxbuf = 0
        self.retry_at = None
        self.rx_at = None
        self.derive()
        self.drive()

    def derive(self) -> None:
        divider = self.bauddiv if self.bauddiv >= LEAST_BAUDDIV else DIV_115200
        self.receiver.is_paced(10 * divider * CYCLE_NS)

    @property
    def unread(self) -> bytes:
        return bytes([self.rxbuf]) if self.state & RX else b""

    def peek_word(self, offset: int) -> int:
        return 0

    def write_word(self, offset: int, value: int) -> None:
        """DATA, CTRL and BAUDDIV, as far as they are not declared."""
        if offset == BAUDDIV:
            self.bauddiv = value & 0xFFFFF
            self.derive()
        elif offset == CTRL:
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

    def send_again(self) -> None:
        self._send()
        self.drive()

    def _send(self) -> None:
        """Offer the byte that waits, if there is one, to the host side."""
        self.retry_at = None
        if not (self.state & TX and self.ctrl & TX) or self.offer(bytes((self.txbuf,))):
            return
        self.state &= ~TX
        if self.ctrl & TX << IRQ_ENABLE_SHIFT:
            self.intstatus |= TX

    def receive(self, data: bytes) -> None:
        if self.ctrl & RX:
            super().receive(data)
