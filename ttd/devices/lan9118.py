"""SMSC LAN9118, an Ethernet controller with a FIFO interface. Sections are of its data sheet.

LAN9118, "High Performance Single-Chip 10/100 Non-PCI Ethernet Controller", revision 1.5. Packets
leave at once when they are complete, and arrive when the replay layer brings them; the MAC, PHY
and EEPROM registers are never busy. Power management is storage only.
"""

from __future__ import annotations

from typing import Any

from ttd.devices import lan9118_fifo as fifo
from ttd.devices import lan9118_mac as mac
from ttd.devices.base import Clock, Line, as_state
from ttd.devices.countdown import NS_PER_S, Countdown
from ttd.devices.declared import Bits, Declaration, Flag, Register, Word, ask, call, constant, give
from ttd.devices.lan9118_eeprom import ADDRESS_LOADED, RELOAD, Eeprom, contents
from ttd.devices.lan9118_fifo import Fifos, TxPacket
from ttd.devices.lan9118_mac import Mac
from ttd.devices.lan9118_phy import ADDRESS, Phy
from ttd.devices.names import names
from ttd.devices.net import Nic
from ttd.devices.registers import WORD, RegisterBlock
from ttd.engine._native import lib
from ttd.state import State

# System control and status registers (table 5.1)
RX_DATA, TX_DATA, RX_STATUS, RX_PEEK, TX_STATUS, TX_PEEK = 0x00, 0x20, 0x40, 0x44, 0x48, 0x4C
ID_REV, IRQ_CFG, INT_STS, INT_EN, BYTE_TEST, FIFO_INT = 0x50, 0x54, 0x58, 0x5C, 0x64, 0x68
RX_CFG, TX_CFG, HW_CFG, RX_DP_CTRL, RX_FIFO_INF, TX_FIFO_INF = 0x6C, 0x70, 0x74, 0x78, 0x7C, 0x80
PMT_CTRL, GPIO_CFG, GPT_CFG, GPT_CNT, WORD_SWAP, FREE_RUN = 0x84, 0x88, 0x8C, 0x90, 0x98, 0x9C
RX_DROP, MAC_CSR_CMD, MAC_CSR_DATA, AFC_CFG, E2P_CMD, E2P_DATA = 0xA0, 0xA4, 0xA8, 0xAC, 0xB0, 0xB4
DECODED = 0xFF
"""Address bits that reach the chip: the rest of its window repeats."""

# Interrupts: INT_STS and INT_EN (5.3.3, 5.3.4), but for those that the FIFOs raise
SW_INT, TXSTOP_INT, RXSTOP_INT, GPT_INT, PHY_INT, TXSO, TDFO, RXDF_INT = (
    1 << 31, 1 << 25, 1 << 24, 1 << 19, 1 << 18, 1 << 16, 1 << 10, 1 << 6)  # fmt: skip
_INTERRUPTS = {
    "SW": SW_INT,
    "TXSTOP": TXSTOP_INT,
    "RXSTOP": RXSTOP_INT,
    "TX_IOC": lib.LAN9118_TX_IOC,
    "RXD": lib.LAN9118_RXD_INT,
    "GPT": GPT_INT,
    "PHY": PHY_INT,
    "TXSO": TXSO,
    "RXE": lib.LAN9118_RXE,
    "TXE": lib.LAN9118_TXE,
    "TDFO": TDFO,
    "TDFA": lib.LAN9118_TDFA,
    "TSFF": lib.LAN9118_TSFF,
    "TSFL": lib.LAN9118_TSFL,
    "RXDF": RXDF_INT,
    "RSFF": lib.LAN9118_RSFF,
    "RSFL": lib.LAN9118_RSFL,
}

# IRQ_CFG (5.3.2)
DEAS_CLR, DEAS_STS, IRQ_INT, IRQ_EN, IRQ_POL, IRQ_TYPE = (
    1 << 14, 1 << 13, 1 << 12, 1 << 8, 1 << 4, 1 << 0)  # fmt: skip
_DEAS_NS = 10_000
# RX_CFG, TX_CFG, HW_CFG, RX_DP_CTRL, PMT_CTRL (5.3.7 to 5.3.12)
RX_DUMP, TXS_DUMP, TXD_DUMP, TXSAO, TX_ON, STOP_TX = (
    1 << 15, 1 << 15, 1 << 14, 1 << 2, 1 << 1, 1 << 0)  # fmt: skip
SRST, MODE_32, RX_FFWD, PHY_RST, READY = 1 << 0, 1 << 2, 1 << 31, 1 << 10, 1 << 0
TIMER_EN = 1 << 29
CSR_BUSY, CSR_READ = 1 << 31, 1 << 30
CHIP = 0x01180001
ENDIANNESS = 0x87654321
_HEADER, _MOST = 14, 2044
"""Bytes of a packet without its checksum: below and above no controller takes it."""
_GPT_NS = 100_000
_FREE_RUN_HZ = 25_000_000


class Lan9118(RegisterBlock):
    """The controller with its EEPROM. `irq` is its pin, which boards wire up active high.

    After reset the pin is an open drain output (5.3.2), which pulls nothing up: a driver on such
    a board must set IRQ_TYPE (push-pull) and IRQ_POL (active high) to get interrupts.
    """

    NAMES = names(
        RX_DATA=RX_DATA,
        TX_DATA=TX_DATA,
        RX_STATUS=RX_STATUS,
        RX_PEEK=RX_PEEK,
        TX_STATUS=TX_STATUS,
        TX_PEEK=TX_PEEK,
        ID_REV=ID_REV,
        IRQ_CFG=IRQ_CFG,
        INT_STS=(INT_STS, _INTERRUPTS),
        INT_EN=(INT_EN, _INTERRUPTS),
        BYTE_TEST=BYTE_TEST,
        FIFO_INT=FIFO_INT,
        RX_CFG=RX_CFG,
        TX_CFG=TX_CFG,
        HW_CFG=HW_CFG,
        RX_DP_CTRL=RX_DP_CTRL,
        RX_FIFO_INF=RX_FIFO_INF,
        TX_FIFO_INF=TX_FIFO_INF,
        PMT_CTRL=PMT_CTRL,
        GPIO_CFG=GPIO_CFG,
        GPT_CFG=GPT_CFG,
        GPT_CNT=GPT_CNT,
        WORD_SWAP=WORD_SWAP,
        FREE_RUN=FREE_RUN,
        RX_DROP=RX_DROP,
        MAC_CSR_CMD=MAC_CSR_CMD,
        MAC_CSR_DATA=MAC_CSR_DATA,
        AFC_CFG=AFC_CFG,
        E2P_CMD=E2P_CMD,
        E2P_DATA=E2P_DATA,
    )

    alone = True
    STATE = (
        "int_config", "int_status", "int_enable", "fifo_levels", "rx_config", "tx_config",
        "tx_kb", "hw_config", "power", "gpio", "word_swap", "flow_config", "rx_drops",
        "csr_command", "csr_data", "tx_statuses", "asserted", "quiet_until", "free_run_at",
        "gpt_config", "gpt_state", "mac_state", "phy_state", "eeprom_state", "rx_state",
        "tx_state", "tx_waiting",
    )  # fmt: skip

    # Those that native code uses, in its order (`native/lan9118.h`).
    rx_info, tx_info = Word(), Word()
    """What drivers look at most: RX_FIFO_INF and TX_FIFO_INF."""
    int_status, int_enable, int_config, fifo_levels = Word(), Word(), Word(), Word()
    rx_config, tx_config, tx_kb = Word(), Word(), Word()
    flags, pins = Word(), Word()
    asserted = Flag(flags, lib.LAN9118_ASSERTED)
    quiet = Flag(flags, lib.LAN9118_QUIET)
    phy_interrupt = Flag(flags, lib.LAN9118_PHY)
    refused = Flag(flags, lib.LAN9118_REFUSED)
    sends = Flag(flags, lib.LAN9118_SENDS)
    room = Flag(pins, lib.LAN9118_ROOM)

    @classmethod
    def declaration(cls) -> Declaration:
        read_data = Register((call(lib.LAN9118_READ_DATA),), ())
        write_data = Register((), (call(lib.LAN9118_WRITE_DATA),))
        return Declaration(
            {
                **{offset: constant(value) for offset, value in _CONSTANT.items()},
                **dict.fromkeys(range(RX_DATA, TX_DATA, 4), read_data),
                **dict.fromkeys(range(TX_DATA, RX_STATUS, 4), write_data),
                RX_STATUS: Register((call(lib.LAN9118_READ_STATUS),), ()),
                RX_PEEK: Register((call(lib.LAN9118_PEEK_STATUS),), ()),
                TX_STATUS: Register((call(lib.LAN9118_READ_SENT),), ()),
                TX_PEEK: Register((call(lib.LAN9118_PEEK_SENT),), ()),
                INT_STS: Register(
                    (call(lib.LAN9118_READ_INTERRUPTS),), (call(lib.LAN9118_ACKNOWLEDGE),)
                ),
                INT_EN: Register((give("int_enable"),), (call(lib.LAN9118_ENABLE),)),
                FIFO_INT: Register((give("fifo_levels"),), (ask(),)),
                RX_FIFO_INF: Register((give("rx_info"),), ()),
                TX_FIFO_INF: Register((give("tx_info"),), ()),
            },
            lines={
                "irq": (Bits("pins", lib.LAN9118_IRQ),),
                "room": (Bits("pins", lib.LAN9118_ROOM),),
            },
            decode=DECODED,
        )

    def derive(self) -> None:
        self._show()
        self.fifos.show()

    def _show(self) -> None:
        """What native code does not know by itself."""
        self.quiet = self.quiet_until is not None
        self.phy_interrupt = self.phy.interrupt
        self.sends = self._transmits and not self._loops
        self.fifos.wait(self.tx_packets)

    def __init__(self, name: str, clock: Clock, nic: Nic, irq: Line) -> None:
        super().__init__(name, clock)
        self.irq = irq
        self.front = nic.front
        self.eeprom = Eeprom(contents(nic.mac))
        assert self.registers is not None
        self.fifos = Fifos(self.registers, nic.front.outbox)
        self.connect(irq=irq, room=Line(self._room_again))
        self.reset()
        nic.front.connect(self.receive, self.can_receive)

    def reset(self) -> None:
        self.int_config = 0
        self.phy = Phy()
        self.eeprom = Eeprom(self.eeprom.memory)
        self.power = 0
        self.gpio = 0
        self._soft_reset()

    def _soft_reset(self) -> None:
        """HW_CFG.SRST: all but the PHY, and what is marked NASR (3.11, "Detailed reset")."""
        self.int_config &= IRQ_POL | IRQ_TYPE
        self.int_status = 0
        self.int_enable = 0
        self.fifo_levels = 0x48000000
        self.rx_config = 0
        self.tx_config = 0
        self.hw_config = 0
        self.tx_kb = fifo.DEFAULT_TX_KB
        self.word_swap = 0
        self.flow_config = 0
        self.rx_drops = 0
        self.csr_command = 0
        self.csr_data = 0
        self.fifos.sent = []
        self.asserted = False
        self.quiet_until: int | None = None
        self.free_run_at = self.clock.now()
        self.gpt_config = 0xFFFF
        self.gpt = Countdown(start=0xFFFF, reload=0xFFFF)
        self.mac = Mac()
        self.fifos.dump_rx()
        self.fifos.dump_tx()
        self.tx_packets: list[TxPacket] = []
        self._reload()
        self._update()

    def _reload(self) -> None:
        """The hardware address comes from the EEPROM (4.2)."""
        address = self.eeprom.mac
        if address is not None:
            self.mac.address = address
            self.eeprom.command |= ADDRESS_LOADED

    # -- state as data -------------------------------------------------------------------

    @property
    def gpt_state(self) -> State:
        return as_state(self.gpt)

    @gpt_state.setter
    def gpt_state(self, state: State) -> None:
        self.gpt = Countdown(**state)

    @property
    def mac_state(self) -> State:
        return as_state(self.mac)

    @mac_state.setter
    def mac_state(self, state: State) -> None:
        self.mac = Mac(**state)

    @property
    def phy_state(self) -> State:
        return as_state(self.phy)

    @phy_state.setter
    def phy_state(self, state: State) -> None:
        self.phy = Phy(**state)

    @property
    def eeprom_state(self) -> State:
        return as_state(self.eeprom)

    @eeprom_state.setter
    def eeprom_state(self, state: State) -> None:
        self.eeprom = Eeprom(**state)

    @property
    def tx_statuses(self) -> list[int]:
        return self.fifos.sent

    @tx_statuses.setter
    def tx_statuses(self, statuses: list[int]) -> None:
        self.fifos.sent = statuses

    @property
    def rx_state(self) -> State:
        return self.fifos.rx

    @rx_state.setter
    def rx_state(self, state: State) -> None:
        self.fifos.rx = state

    @property
    def tx_state(self) -> State:
        return self.fifos.tx

    @tx_state.setter
    def tx_state(self, state: State) -> None:
        self.fifos.tx = state

    @property
    def tx_waiting(self) -> list[dict[str, Any]]:
        return [as_state(packet) for packet in self.tx_packets]

    @tx_waiting.setter
    def tx_waiting(self, state: list[dict[str, Any]]) -> None:
        self.tx_packets = [TxPacket(**packet) for packet in state]

    # -- interrupts ----------------------------------------------------------------------

    def _requests(self) -> int:
        return (self.int_status | PHY_INT * self.phy.interrupt) & self.int_enable

    def _update(self) -> None:
        """After any change: interrupts that follow from the FIFOs, then the pin."""
        self._show()
        self._updated(self.fifos.update())

    def _updated(self, released: bool) -> None:
        if released:
            # The pin keeps quiet for an interval (5.3.2, INT_DEAS).
            self.quiet_until = self.clock.now() + (self.int_config >> 24) * _DEAS_NS
            self.clock.rearm()
        self.drive()

    # -- time ----------------------------------------------------------------------------

    def deadline(self) -> int | None:
        zero = self.gpt.next_zero()
        times = [None if zero is None else zero * _GPT_NS, self.quiet_until]
        return min((time for time in times if time is not None), default=None)

    def expire(self) -> None:
        now = self.clock.now()
        if self.quiet_until is not None and now >= self.quiet_until:
            self.quiet_until = None
        tick = now // _GPT_NS
        zeros = self.gpt.zeros(tick)
        if zeros:
            self.gpt.settle(tick)
            # Only an enabled timer interrupt is remembered (3.8).
            self.int_status |= GPT_INT & self.int_enable
        self._update()

    def _write_gpt(self, value: int) -> None:
        was = self.gpt_config & TIMER_EN
        self.gpt_config = value & (TIMER_EN | 0xFFFF)
        running = bool(value & TIMER_EN)
        if was and not running:
            self.gpt_config = 0xFFFF
        self.gpt = Countdown(self.gpt_config & 0xFFFF, self.clock.now() // _GPT_NS, 0xFFFF, running)
        self.clock.rearm()

    # -- receiving -----------------------------------------------------------------------

    def can_receive(self, size: int) -> bool:
        """True if a packet of this size would not be dropped for want of room.

        While the receiver is off packets wait, too: a driver that starts up loses none.
        """
        if not self.mac.receives or self.phy.loops:
            return False
        if self.fifos.has_room(size) or not self._acceptable(size):
            return True
        # For native code, which says when there is room again.
        self.refused, self.room = True, False
        self.drive()
        return False

    def _room_again(self, level: bool) -> None:
        if level:
            self.front.ready()

    def _acceptable(self, size: int) -> bool:
        return _HEADER <= size <= _MOST and self.fifos.acceptable(size)

    def receive(self, packet: bytes) -> None:
        """A packet from the network, without checksum."""
        self._receive(packet)
        self._updated(self.fifos.update())

    def _receive(self, packet: bytes) -> None:
        if not self.mac.receives:
            return
        if not self._acceptable(len(packet)) or not self.fifos.has_room(len(packet)):
            self.rx_drops = self.rx_drops + 1 & WORD
            self.int_status |= RXDF_INT
            return
        received = self.mac.receive(packet)
        if received is not None:
            frame, status = received
            self.fifos.put(frame, status, self.rx_config >> 8 & 3)

    # -- sending -------------------------------------------------------------------------

    def _write_tx_data(self, word: int) -> None:
        """A word with which a packet is complete that native code cannot send, or one too many."""
        if self.fifos.tx_free < 4:
            self.int_status |= TDFO | lib.LAN9118_TXE
        elif self.fifos.build(word):
            self.tx_packets.append(self.fifos.finish())
            self._transmit()
        self._update()

    @property
    def _transmits(self) -> bool:
        return bool(self.tx_config & TX_ON) and self.mac.transmits

    @property
    def _loops(self) -> bool:
        """What is sent comes back."""
        return bool(self.mac.control & mac.LOOPBK) or self.phy.loops

    def _transmit(self) -> None:
        """Send what is complete, while the transmitter is on and has room for the status."""
        while self.tx_packets and self._transmits:
            if self.fifos.sent_full and not self.tx_config & TXSAO:
                return
            packet = self.tx_packets.pop(0)
            if not self.fifos.note_sent(packet.command_b & 0xFFFF0000):
                self.int_status |= TXSO
            self._send(packet)

    def _send(self, packet: TxPacket) -> None:
        data = packet.data
        if packet.command_b & fifo.B_NO_CRC:
            data = data[:-4]
        elif not packet.command_b & fifo.B_NO_PADDING:
            data += bytes(max(0, 60 - len(data)))
        if self._loops:
            self._receive(data)
        else:
            self.front.send(data)

    # -- registers -----------------------------------------------------------------------

    def peek_word(self, offset: int) -> int:
        offset &= DECODED
        if offset == IRQ_CFG:
            quiet = DEAS_STS * (self.quiet_until is not None)
            return self.int_config | quiet | IRQ_INT * bool(self._requests())
        if offset == HW_CFG:
            return self.hw_config | self.tx_kb << 16 | MODE_32
        if offset == PMT_CTRL:
            return self.power | READY
        if offset == GPT_CNT:
            return self.gpt.value(self.clock.now() // _GPT_NS)
        if offset == FREE_RUN:
            return (self.clock.now() - self.free_run_at) * _FREE_RUN_HZ // NS_PER_S & WORD
        if offset == E2P_CMD:
            return self.eeprom.command
        if offset == E2P_DATA:
            return self.eeprom.data
        return int(getattr(self, _KEPT[offset])) if offset in _KEPT else 0

    def read_word(self, offset: int) -> int:
        offset &= DECODED
        if offset == TX_STATUS:
            value = self.fifos.take_sent()
            self._transmit()
        elif offset == RX_DROP:
            value, self.rx_drops = self.rx_drops, 0
        else:
            return self.peek_word(offset)
        self._update()
        return value

    def write_word(self, offset: int, value: int) -> None:
        offset &= DECODED
        if TX_DATA <= offset < RX_STATUS:
            self._write_tx_data(value)
            return
        if offset in _INTERRUPT_WRITES:
            self._updated(self.fifos.write_interrupts(_INTERRUPT_WRITES[offset], value))
            return
        if offset == IRQ_CFG:
            self._write_irq_cfg(value)
        elif offset == RX_CFG:
            self.rx_config = value & 0xCFFF1F00
            if value & RX_DUMP:
                self.fifos.dump_rx()
                self.front.ready()
        elif offset == TX_CFG:
            self._write_tx_cfg(value)
        elif offset == HW_CFG:
            self._write_hw_cfg(value)
        elif offset == RX_DP_CTRL:
            if value & RX_FFWD:
                self.fifos.drop()
                self.front.ready()
        elif offset == PMT_CTRL:
            self.power = value & 0x3346
            if value & PHY_RST:
                self.phy.reset()
        elif offset == GPT_CFG:
            self._write_gpt(value)
        elif offset == MAC_CSR_CMD:
            self._access_mac(value)
        elif offset == E2P_CMD:
            if self.eeprom.execute(value) == RELOAD:
                self._reload()
        elif offset == E2P_DATA:
            self.eeprom.data = value & 0xFF
        elif offset in _WRITABLE:
            setattr(self, _KEPT[offset], value & _WRITABLE[offset])
        self._update()

    def _write_irq_cfg(self, value: int) -> None:
        self.int_config = value & (0xFF000000 | IRQ_EN | IRQ_POL | IRQ_TYPE)
        if value & DEAS_CLR or not value >> 24:
            self.quiet_until = None

    def _write_tx_cfg(self, value: int) -> None:
        if value & TXS_DUMP:
            self.fifos.sent = []
        if value & TXD_DUMP:
            self.tx_packets = []
            self.fifos.dump_tx()
        self.tx_config = value & (TXSAO | TX_ON)
        if value & STOP_TX:
            self.tx_config &= ~TX_ON
            self.int_status |= TXSTOP_INT
        self._transmit()

    def _write_hw_cfg(self, value: int) -> None:
        if value & SRST:
            self._soft_reset()
            self.front.ready()
            return
        self.hw_config = value & 0x00300000
        kb = value >> 16 & 0xF
        if 2 <= kb <= 14:
            self.tx_kb = kb
            self.front.ready()

    def _access_mac(self, command: int) -> None:
        """Read or write a MAC register through MAC_CSR_DATA (5.3.19)."""
        index = command & 0xFF
        self.csr_command = command & (CSR_READ | 0xFF)
        if not command & CSR_BUSY:
            return
        if command & CSR_READ:
            self.csr_data = self.mac.read(index)
        elif index == mac.MII_ACC:
            self._access_mii(self.csr_data)
        else:
            received = self.mac.receives
            self.mac.write(index, self.csr_data)
            if received and not self.mac.receives:
                self.int_status |= RXSTOP_INT
            self._transmit()
            self.front.ready()

    def _access_mii(self, command: int) -> None:
        """Read or write a PHY register through MII_DATA (5.4.6)."""
        self.mac.mii_access = command & 0xFFC2
        index, write = command >> 6 & 0x1F, command & 2
        if command >> 11 & 0x1F != ADDRESS:
            if not write:
                self.mac.mii_data = 0xFFFF
        elif write:
            self.phy.write(index, self.mac.mii_data)
            self.front.ready()
        else:
            self.mac.mii_data = self.phy.read(index)


_INTERRUPT_WRITES = {INT_STS: lib.LAN9118_ACKNOWLEDGE, INT_EN: lib.LAN9118_ENABLE}
_CONSTANT = {ID_REV: CHIP, BYTE_TEST: ENDIANNESS}
_KEPT = {
    FIFO_INT: "fifo_levels", RX_CFG: "rx_config", TX_CFG: "tx_config",
    GPIO_CFG: "gpio", GPT_CFG: "gpt_config", WORD_SWAP: "word_swap", RX_DROP: "rx_drops",
    MAC_CSR_CMD: "csr_command", MAC_CSR_DATA: "csr_data", AFC_CFG: "flow_config",
}  # fmt: skip
_WRITABLE = {
    FIFO_INT: 0xFFFF00FF, GPIO_CFG: 0x7777071F, WORD_SWAP: WORD, MAC_CSR_DATA: WORD,
    AFC_CFG: 0x00FFFFFF,
}  # fmt: skip
