"""Arm PrimeCell UART PL011 (DDI0183 "PrimeCell UART (PL011) Technical Reference Manual").

Characters leave at once and arrive at 115200 baud, whatever the divisors say: what clock they
divide is not known. The receive interrupt is there as soon as there is a character, so that the
FIFO level (UARTIFLS) and the receive timeout make no difference. No modem, no DMA, no IrDA.
"""

from __future__ import annotations

from ttd.devices.base import Clock, Line
from ttd.devices.chars import CharFront
from ttd.devices.declared import (
    Bits,
    Condition,
    Declaration,
    Flag,
    Receiving,
    Register,
    Word,
    append,
    ask,
    clear_bits,
    constant,
    drop,
    give,
    kept,
    pause,
    send,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.registers import RegisterBlock
from ttd.devices.uart import Uart
from ttd.engine.receiver import FULL, SOME

DR, RSR, FR, ILPR, IBRD, FBRD, LCR_H, CR = 0x00, 0x04, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30
IFLS, IMSC, RIS, MIS, ICR, DMACR = 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48
FR_RXFE, FR_TXFF, FR_RXFF, FR_TXFE = 1 << 4, 1 << 5, 1 << 6, 1 << 7
LCR_FEN = 1 << 4
CR_UARTEN, CR_LBE, CR_TXE, CR_RXE = 1 << 0, 1 << 7, 1 << 8, 1 << 9
_INT_RX_BIT = 4
INT_RX, INT_TX = 1 << _INT_RX_BIT, 1 << 5
_INTERRUPTS = {"RX": INT_RX, "TX": INT_TX}
FIFO_SIZE = 16
CHARACTER_NS = 86_805
"""8N1 at 115200 baud."""
RESET = {CR: CR_TXE | CR_RXE, IFLS: 0x12}
KEPT = {
    ILPR: ("ilpr", 0xFF),
    IBRD: ("ibrd", 0xFFFF),
    FBRD: ("fbrd", 0x3F),
    LCR_H: ("lcr_h", 0xFF),
    CR: ("cr", 0xFF87),
    IFLS: ("ifls", 0x3F),
    IMSC: ("imsc", 0x7FF),
    DMACR: ("dmacr", 0x7),
}
"""Registers that keep what is written, and the bits they have."""
IDENTIFICATION = (0x11, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1)
"""UARTPeriphID0 to 3 and UARTPCellID0 to 3, from offset 0xFE0."""


class Pl011(Uart, RegisterBlock):
    """A UART; `line` is UARTINTR, the OR of its interrupts."""

    NAMES = names(
        DR=DR,
        RSR=RSR,
        FR=(FR, {"RXFE": FR_RXFE, "TXFF": FR_TXFF, "RXFF": FR_RXFF, "TXFE": FR_TXFE}),
        ILPR=ILPR,
        IBRD=IBRD,
        FBRD=FBRD,
        LCR_H=(LCR_H, {"FEN": LCR_FEN}),
        CR=(CR, {"UARTEN": CR_UARTEN, "LBE": CR_LBE, "TXE": CR_TXE, "RXE": CR_RXE}),
        IFLS=IFLS,
        IMSC=(IMSC, _INTERRUPTS),
        RIS=(RIS, _INTERRUPTS),
        MIS=(MIS, _INTERRUPTS),
        ICR=ICR,
        DMACR=DMACR,
    )

    alone = True
    STATE = ("kept", "rx", "tx", "tx_done", "rx_at", "retry_at")
    ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, dmacr = (Word() for _ in range(8))
    raw = Word()
    """UARTRIS, but for INT_RX, which says that something is in the FIFO."""
    flags = Word()
    """UARTFR, as far as the transmitter goes."""
    received, first = Word(), Word()
    """What the receive FIFO holds."""
    tx_done = Flag(raw, INT_TX)
    """The transmit interrupt: cleared by UARTICR, set when a character has left."""

    @classmethod
    def declaration(cls) -> Declaration:
        nothing_waits, looped = Bits("flags", FR_TXFE), Bits("cr", CR_LBE)
        something, full = Bits("received", SOME), Bits("received", FULL)
        interrupts = Bits("received", SOME, "imsc", _INT_RX_BIT)
        return Declaration(
            {
                **{offset: kept(name, mask) for offset, (name, mask) in KEPT.items()},
                # Without its FIFOs the UART is full earlier.
                LCR_H: Register((give("lcr_h"),)),
                DR: Register(
                    (give("first"), pause(when=full), drop(when=something)),
                    (
                        *(ask(when=looped), ask(unless=nothing_waits)),
                        *(send(), set_bits("raw", INT_TX)),
                    ),
                ),
                FR: Register(
                    (
                        give("flags"),
                        give(Bits("ones", FR_RXFE), unless=something),
                        give(Bits("ones", FR_RXFF), when=full),
                    ),
                    (),
                ),
                RIS: Register((give("raw"), give(something, _INT_RX_BIT)), ()),
                MIS: Register((give(Bits("raw", also="imsc")), give(interrupts, _INT_RX_BIT)), ()),
                ICR: Register((), (clear_bits("raw", INT_TX, source="value"),)),
                **{0xFE0 + 4 * n: constant(value) for n, value in enumerate(IDENTIFICATION)},
            },
            others=constant(0),
            lines={"line": [Bits("raw", also="imsc"), interrupts]},
            receiving=Receiving(
                (Condition(looped), Condition(full)), (append(),), state="received", first="first"
            ),
        )

    def __init__(self, name: str, clock: Clock, front: CharFront, line: Line) -> None:
        super().__init__(name, clock)
        self.connect(line=line)
        self.reset()
        self.plug(front)

    def reset(self) -> None:
        self.kept = [RESET.get(offset, 0) for offset in KEPT]
        self.rx = b""
        self.tx = b""
        self.tx_done = False
        self.rx_at = None
        self.retry_at = None
        self.drive()

    @property
    def kept(self) -> list[int]:
        """The registers that keep what is written."""
        return [getattr(self, name) for name, _ in KEPT.values()]

    @kept.setter
    def kept(self, values: list[int]) -> None:
        for (name, _), value in zip(KEPT.values(), values, strict=True):
            setattr(self, name, value)

    def derive(self) -> None:
        room = FIFO_SIZE if self.lcr_h & LCR_FEN else 1
        self.receiver.is_paced(CHARACTER_NS, room=room)
        self.flags = (FR_TXFF if len(self.tx) >= room else 0) if self.tx else FR_TXFE

    def drive(self) -> None:
        self.derive()
        super().drive()

    # -- registers -----------------------------------------------------------------------

    def peek_word(self, offset: int) -> int:
        return 0

    def write_word(self, offset: int, value: int) -> None:
        """UARTDR and UARTLCR_H, as far as they are not declared."""
        if offset == LCR_H:
            self.lcr_h = value & KEPT[LCR_H][1]
        else:
            self._transmit(value & 0xFF)
        self.drive()

    # -- characters ----------------------------------------------------------------------

    def _transmit(self, value: int) -> None:
        if self.cr & CR_LBE:
            self.receiver.arrive(value, wire=False)
            self.tx_done = True
        elif self.tx:
            self.tx = (self.tx + bytes((value,)))[: self.receiver.room]
        else:
            self.tx = bytes((value,))
            self._send()

    def send_again(self) -> None:
        self._send()
        self.drive()

    def _send(self) -> None:
        self.tx = self.offer(self.tx)
        self.tx_done |= not self.tx

    def receive(self, data: bytes) -> None:
        """Bytes from the wire; what does not fit is lost."""
        if not self.cr & CR_LBE:
            super().receive(data)
