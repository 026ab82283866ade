"""16550A UART: "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs" (data sheet).

Registers are bytes, one after the other; they repeat in a larger window. What the data sheet
leaves to the board is as on QEMU's `virt`: the modem lines say that somebody is connected.
"""

from __future__ import annotations

from ttd.devices.base import NS_PER_SECOND, Clock, Line
from ttd.devices.chars import CharFront
from ttd.devices.declared import (
    ALL,
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
    done,
    drop,
    give,
    keep,
    pause,
    pulse,
    send,
    set_bits,
)
from ttd.devices.names import names
from ttd.devices.uart import Uart
from ttd.engine.receiver import ARRIVED, FULL, SOME, TIMED_OUT

DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR = range(8)
"""DATA is RBR and THR; FCR is written where IIR is read."""
DLL, DLM = DATA, IER
"""With LCR.DLAB."""
IER_RX, IER_TX, IER_LINE, IER_MODEM = 1, 2, 4, 8
IIR_NONE, IIR_LINE, IIR_TIMEOUT, IIR_RX, IIR_TX, IIR_MODEM = 0x1, 0x6, 0xC, 0x4, 0x2, 0x0
IIR_FIFOS = 0xC0
FCR_ENABLE, FCR_CLEAR_RX, FCR_CLEAR_TX = 1, 2, 4
TRIGGERS = (1, 4, 8, 14)
"""By FCR[7:6]."""
LCR_STOP, LCR_PARITY, LCR_DLAB = 0x04, 0x08, 0x80
MCR_LOOP = 0x10
LSR_DR, LSR_OE, LSR_THRE, LSR_TEMT = 0x01, 0x02, 0x20, 0x40
MSR_CONNECTED = 0xB0
"""DCD, DSR and CTS."""
FIFO_SIZE = 16
DIV_115200 = 2
"""The divisor, until software sets one, with the usual clock of 3.6864 MHz."""


def _bit(mask: int) -> int:
    return mask.bit_length() - 1


class Ns16550(Uart):
    """A UART whose characters leave at once, as in QEMU, but arrive at the line's speed.

    What the host side refuses waits in the transmit FIFO. The character timeout is four characters
    long.

    The interrupt line goes low and high again with everything that happens while an interrupt is
    pending, as QEMU's serial port reports it to its controller each time: one that latches a
    rising line must hear of a second character while the first one is being served.
    """

    NAMES = names(
        DATA=DATA,
        IER=(IER, {"RX": IER_RX, "TX": IER_TX, "LINE": IER_LINE, "MODEM": IER_MODEM}),
        IIR=IIR,
        LCR=(LCR, {"STOP": LCR_STOP, "PARITY": LCR_PARITY, "DLAB": LCR_DLAB}),
        MCR=(MCR, {"LOOP": MCR_LOOP}),
        LSR=(LSR, {"DR": LSR_DR, "OE": LSR_OE, "THRE": LSR_THRE, "TEMT": LSR_TEMT}),
        MSR=MSR,
        SCR=SCR,
    )

    alone = True
    STATE = (
        *("ier", "fcr", "lcr", "mcr", "lsr_errors", "msr_changes", "scr", "divisor"),
        *("rx", "tx", "tx_empty", "timed_out", "rx_at", "timeout_at", "retry_at"),
    )
    size = 0x100
    unit = 1
    ier, fcr, lcr, mcr, lsr_errors, msr_changes, scr, divisor = (Word() for _ in range(8))
    ready = Word()
    """LSR without the errors, as far as the transmitter goes."""
    causes = Word()
    """Interrupts that there would be if IER had their bits; IER_RX is in `received`."""
    received, first = Word(), Word()
    """What the receive FIFO holds."""
    narrow = Word()
    """All ones, if it is none but a register."""
    tx_empty = Flag(causes, IER_TX)
    """The interrupt for an empty transmitter has not been answered."""

    @classmethod
    def declaration(cls) -> Declaration:
        latch, looped = Bits("lcr", LCR_DLAB), Bits("mcr", MCR_LOOP)
        asks_for_more = Bits("causes", IER_TX, "ier")
        others = Bits("causes", IER_LINE | IER_MODEM, "ier")
        something, full = Bits("received", SOME), Bits("received", FULL)
        arrived = Bits("ier", IER_RX, "received", _bit(ARRIVED))
        timed_out = Bits("ier", IER_RX, "received", _bit(TIMED_OUT))
        report = pulse(0, when=Bits("ier"))
        return Declaration(
            {
                DATA: Register(
                    (
                        *(give(Bits("divisor", 0xFF), when=latch), done(when=latch)),
                        *(give("first"), done(unless=something), pause(when=full), drop(), report),
                    ),
                    (
                        *(ask(when=latch), ask(when=looped), ask(unless=Bits("ready", LSR_THRE))),
                        *(send(), set_bits("causes", IER_TX), report),
                    ),
                ),
                IER: Register((give("divisor", -8, when=latch), give("ier", unless=latch))),
                IIR: Register(
                    (
                        ask(when=others),
                        give(Bits("ones", IIR_FIFOS), when=Bits("fcr", FCR_ENABLE)),
                        give(Bits("ones", IIR_TIMEOUT), when=timed_out),
                        give(Bits("ones", IIR_RX), when=arrived),
                        done(when=arrived),
                        give(Bits("ones", IIR_NONE), unless=asks_for_more),
                        give(Bits("ones", IIR_TX), when=asks_for_more),
                        clear_bits("causes", IER_TX, when=asks_for_more),
                    ),
                ),
                LCR: Register((give("lcr"),)),
                MCR: Register((give("mcr"),)),
                LSR: Register((ask(when=Bits("lsr_errors")), give("ready"), give(something)), ()),
                MSR: Register(
                    (
                        *(ask(when=Bits("msr_changes")), ask(when=looped)),
                        give(Bits("ones", MSR_CONNECTED)),
                    ),
                    (),
                ),
                SCR: Register((give("scr"),), (keep("scr", 0xFF),)),
            },
            lines={"line": [Bits("causes", 0xF, "ier"), arrived]},
            decode=7,
            receiving=Receiving(
                (Condition(looped), Condition(full)),
                (
                    set_bits("lsr_errors", LSR_OE, when=full),
                    set_bits("causes", IER_LINE, when=full),
                    # Where there is no FIFO the later one takes the place of the earlier.
                    drop(when=Bits("received", FULL, "narrow")),
                    append(),
                    report,
                ),
                (report,),
                state="received",
                first="first",
            ),
        )

    def __init__(self, name: str, clock: Clock, hz: int, front: CharFront, line: Line) -> None:
        """`hz`: the clock that the divisor divides, sixteen times the baud rate."""
        super().__init__(name, clock)
        self.hz = hz
        self.line = line
        self.connect(line=line)
        self.reset()
        self.plug(front)

    def reset(self) -> None:
        self.ier = 0
        self.fcr = 0
        self.lcr = 0
        self.mcr = 0
        self.lsr_errors = 0
        self.msr_changes = 0
        """MSR[3:0]."""
        self.scr = 0
        self.divisor = DIV_115200
        self.rx = b""
        self.tx = b""
        self.tx_empty = False
        self.timed_out = False
        self.rx_at = None
        self.timeout_at = None
        self.retry_at = None
        self.derive()
        self.drive_lines()

    def derive(self) -> None:
        character = self._character_ns()
        if self.fcr & FCR_ENABLE:
            trigger, timeout = TRIGGERS[self.fcr >> 6], 4 * character
            self.receiver.is_paced(character, room=FIFO_SIZE, trigger=trigger, timeout_ns=timeout)
        else:
            self.receiver.is_paced(character)
        self.narrow = 0 if self.fcr & FCR_ENABLE else ALL
        self.ready = 0 if self.tx else LSR_THRE | LSR_TEMT
        self.causes = (
            (self.causes & IER_TX)
            | (IER_LINE if self.lsr_errors else 0)
            | (IER_MODEM if self.msr_changes else 0)
        )

    # -- what was received ---------------------------------------------------------------

    @property
    def timed_out(self) -> bool:
        """What was received has not been read for long."""
        return self.receiver.timed_out

    @timed_out.setter
    def timed_out(self, timed_out: bool) -> None:
        self.receiver.timed_out = timed_out

    @property
    def timeout_at(self) -> int | None:
        """When that will be so."""
        return self.receiver.timeout_at

    @timeout_at.setter
    def timeout_at(self, at: int | None) -> None:
        self.receiver.timeout_at = at

    # -- interrupts ----------------------------------------------------------------------

    def _interrupt(self) -> int:
        """The interrupt of the highest priority (table "Interrupt Control Functions")."""
        if self.ier & IER_LINE and self.lsr_errors:
            return IIR_LINE
        if self.ier & IER_RX and self.received & ARRIVED:
            return IIR_TIMEOUT if self.timed_out else IIR_RX
        if self.ier & IER_TX and self.tx_empty:
            return IIR_TX
        if self.ier & IER_MODEM and self.msr_changes:
            return IIR_MODEM
        return IIR_NONE

    def _update(self) -> None:
        self.derive()
        assert self.registers is not None
        self.registers.pulse(0)

    # -- registers -----------------------------------------------------------------------

    def peek(self, offset: int, size: int) -> int:
        assert self.registers is not None
        value = self.registers.read(offset, size, look=True)
        register = offset & 7
        if value is not None:
            return value
        if register == IIR:
            return self._interrupt() | (IIR_FIFOS if self.fcr & FCR_ENABLE else 0)
        if register == LSR:
            return self.ready | self.lsr_errors | self.received & LSR_DR
        return self._modem() | self.msr_changes

    def read(self, offset: int, size: int) -> int:
        assert self.registers is not None
        value = self.registers.read(offset, size)
        if value is not None:
            return value
        value, register = self.peek(offset, size), offset & 7
        if register == LSR:
            self.lsr_errors = 0
            self._update()
        elif register == IIR and value & 0xF == IIR_TX:
            self.tx_empty = False
            self._update()
        elif register == MSR and self.msr_changes:
            self.msr_changes = 0
            self._update()
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        assert self.registers is not None
        if self.registers.write(offset, size, value):
            return
        register = offset & 7
        value &= 0xFF
        if register == DATA:
            if self.lcr & LCR_DLAB:
                self.divisor = self.divisor & 0xFF00 | value
                self.derive()
            else:
                self._transmit(value)
        elif register == IER:
            if self.lcr & LCR_DLAB:
                self.divisor = value << 8 | self.divisor & 0xFF
                self.derive()
            else:
                self._enable(value & 0xF)
        elif register == IIR:
            self._control_fifos(value)
        elif register == LCR:
            self.lcr = value
            self.derive()
        elif register == MCR:
            self._control_modem(value & 0x1F)

    def _enable(self, value: int) -> None:
        rising = value & ~self.ier
        self.ier = value
        if rising & IER_TX:
            self.tx_empty = not self.tx
        self._update()

    def _control_fifos(self, value: int) -> None:
        if (value ^ self.fcr) & FCR_ENABLE:
            # "FIFO data is cleared when changing from the FIFO mode to the 16450 mode and vice
            # versa."
            value |= FCR_CLEAR_RX | FCR_CLEAR_TX
        if value & FCR_CLEAR_RX and self.rx:
            self.receiver.clear()
            self.receiver.pause()
        if value & FCR_CLEAR_TX and self.tx:
            self.tx = b""
            self.retry_at = None
            self.tx_empty = True
            self.clock.rearm()
        # The other bits are only written together with the enable bit.
        self.fcr = value & (FCR_ENABLE | 0xC0) if value & FCR_ENABLE else 0
        self._update()

    def _modem(self) -> int:
        """MSR[7:4]: DCD, RI, DSR, CTS; looped back from OUT2, OUT1, DTR, RTS."""
        if not self.mcr & MCR_LOOP:
            return MSR_CONNECTED
        out, dtr, rts = self.mcr & 0xC, self.mcr & 1, self.mcr >> 1 & 1
        return out << 4 | dtr << 5 | rts << 4

    def _control_modem(self, value: int) -> None:
        before, looped = self._modem(), self.mcr & MCR_LOOP
        self.mcr = value
        if looped and not value & MCR_LOOP:
            self.receiver.pause()
        now = self._modem()
        changed = (before ^ now) >> 4
        # Of RI only the trailing edge counts.
        self.msr_changes |= changed & ~(now >> 4 & 0x4)
        self._update()

    # -- characters ----------------------------------------------------------------------

    def _character_ns(self) -> int:
        bits = 7 + (self.lcr & 3) + bool(self.lcr & LCR_STOP) + bool(self.lcr & LCR_PARITY)
        return bits * 16 * (self.divisor or DIV_115200) * NS_PER_SECOND // self.hz

    def _transmit(self, value: int) -> None:
        if self.mcr & MCR_LOOP:
            self.receiver.arrive(value, wire=False)
            self.tx_empty = not self.tx
        elif self.tx:
            # The last one is overwritten if there is no room.
            self.tx = self.tx[: self.receiver.room - 1] + bytes((value,))
        else:
            self.tx_empty = False
            self.tx = bytes((value,))
            self._send()
        self.derive()
        if self.ier:
            self._update()

    def send_again(self) -> None:
        self._send()
        self._update()

    def _send(self) -> None:
        self.tx = self.offer(self.tx)
        if not self.tx:
            self.tx_empty = True

    def receive(self, data: bytes) -> None:
        if not self.mcr & MCR_LOOP:
            super().receive(data)
