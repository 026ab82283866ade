"""LAN9118: registers, FIFOs, filters, interrupts, and state as data."""

from __future__ import annotations

from zlib import crc32

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.device_doubles import HandClock, HandNet, Trace, advance
from ttd.devices import lan9118 as r
from ttd.devices import lan9118_fifo as fifo
from ttd.devices import lan9118_mac as mac
from ttd.devices import lan9118_phy as phy
from ttd.devices.lan9118 import Lan9118
from ttd.devices.net import BROADCAST, DEFAULT_MAC, Nic
from ttd.engine._native import lib

A_IOC, A_FIRST, A_LAST = 1 << 31, 1 << 13, 1 << 12
"""TX command A (3.12.2.1)."""
OTHER = bytes.fromhex("020000000009")
GROUP = bytes.fromhex("01005e000001")


class Rig:
    """A controller, set up as a driver does."""

    def __init__(self, control: int = mac.TXEN | mac.RXEN) -> None:
        self.clock = HandClock()
        self.trace = Trace(self.clock)
        self.net = HandNet()
        self.nic = Lan9118("eth", self.clock, Nic(self.net), self.trace.line("irq"))
        self.write(r.IRQ_CFG, r.IRQ_EN | r.IRQ_POL | r.IRQ_TYPE)
        self.write(r.TX_CFG, r.TX_ON)
        self.mac_write(mac.MAC_CR, control)

    def read(self, offset: int) -> int:
        return self.nic.read(offset, 4)

    def write(self, offset: int, value: int) -> None:
        self.nic.write(offset, 4, value)

    def mac_read(self, index: int) -> int:
        self.write(r.MAC_CSR_CMD, r.CSR_BUSY | r.CSR_READ | index)
        assert not self.read(r.MAC_CSR_CMD) & r.CSR_BUSY
        return self.read(r.MAC_CSR_DATA)

    def mac_write(self, index: int, value: int) -> None:
        self.write(r.MAC_CSR_DATA, value)
        self.write(r.MAC_CSR_CMD, r.CSR_BUSY | index)

    def phy_read(self, index: int, address: int = phy.ADDRESS) -> int:
        self.mac_write(mac.MII_ACC, address << 11 | index << 6)
        return self.mac_read(mac.MII_DATA)

    def phy_write(self, index: int, value: int) -> None:
        self.mac_write(mac.MII_DATA, value)
        self.mac_write(mac.MII_ACC, phy.ADDRESS << 11 | index << 6 | 2)

    def send(self, data: bytes, *, command_a: int = 0, command_b: int = 0, offset: int = 0) -> None:
        """A packet in one buffer, without end alignment."""
        self.write(r.TX_DATA, command_a | offset << 16 | A_FIRST | A_LAST | len(data))
        self.write(r.TX_DATA, command_b | len(data))
        self.words(bytes(offset) + data)

    def words(self, data: bytes) -> None:
        for at in range(0, len(data), 4):
            self.write(r.TX_DATA, int.from_bytes(data[at : at + 4], "little"))

    def receive(self) -> tuple[bytes, int]:
        """The next packet as words, and its status."""
        status = self.read(r.RX_STATUS)
        return self.data((status >> 16 & 0x3FFF) + 3 & ~3)[: status >> 16 & 0x3FFF], status

    def data(self, size: int) -> bytes:
        return b"".join(self.read(r.RX_DATA).to_bytes(4, "little") for _ in range(size // 4))

    @property
    def irq(self) -> bool:
        return self.nic.irq.level


def frame(to: bytes = DEFAULT_MAC, size: int = 60, kind: int = 0x0800) -> bytes:
    head = to + OTHER + kind.to_bytes(2, "big")
    return head + bytes(n & 0xFF for n in range(size - len(head)))


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_identification_and_defaults() -> None:
    clock = HandClock()
    nic = Lan9118("eth", clock, Nic(), Trace(clock).line("irq"))
    found = {
        offset: nic.read(offset, 4)
        for offset in (0x50, 0x54, 0x58, 0x5C, 0x64, 0x68, 0x74, 0x7C, 0x80, 0x84, 0x8C, 0x90)
    }
    assert found == {
        0x50: 0x01180001, 0x54: 0, 0x58: 0, 0x5C: 0, 0x64: 0x87654321, 0x68: 0x48000000,
        0x74: 0x00050004, 0x7C: 0, 0x80: 4608, 0x84: 1, 0x8C: 0xFFFF, 0x90: 0xFFFF,
    }  # fmt: skip
    assert nic.read(0x164, 4) == 0x87654321, "the window repeats"
    assert not nic.can_receive(60), "the receiver is off"


def test_hardware_address_from_the_eeprom(rig: Rig) -> None:
    assert (rig.mac_read(mac.ADDRL), rig.mac_read(mac.ADDRH)) == (0x12005452, 0x5634)
    rig.mac_write(mac.ADDRL, 0)
    rig.write(r.E2P_CMD, 0xF0000000)
    assert rig.mac_read(mac.ADDRL) == 0x12005452
    assert rig.read(r.E2P_CMD) & 0x100
    read = []
    for at in range(7):
        rig.write(r.E2P_CMD, 0x80000000 | at)
        read.append(rig.read(r.E2P_DATA))
    assert bytes(read) == b"\xa5" + DEFAULT_MAC


def test_eeprom_is_written_when_it_is_enabled_and_outlives_a_reset(rig: Rig) -> None:
    rig.write(r.E2P_DATA, 0x77)
    rig.write(r.E2P_CMD, 0xB0000006)
    assert rig.nic.eeprom.memory[6] == 0x56
    rig.write(r.E2P_CMD, 0xA0000000)
    rig.write(r.E2P_CMD, 0xB0000006)
    rig.nic.reset()
    assert rig.mac_read(mac.ADDRH) == 0x7734
    rig.write(r.E2P_CMD, 0xA0000000)
    rig.write(r.E2P_CMD, 0xE0000000)
    assert rig.nic.eeprom.memory == b"\xff" * 128
    rig.nic.reset()
    assert rig.mac_read(mac.ADDRH) == 0xFFFF, "no signature, no address"


def test_phy(rig: Rig) -> None:
    assert (rig.phy_read(phy.ID1), rig.phy_read(phy.ID2)) == (0x0007, 0xC0D1)
    assert rig.phy_read(phy.BMSR) == 0x782D, "the link is up, negotiated"
    assert rig.phy_read(phy.BMCR) == 0x3000
    assert rig.phy_read(phy.SPECIAL_STATUS) >> 2 & 7 == 6, "100 Mbit/s, full duplex"
    assert rig.phy_read(phy.BMSR, address=3) == 0xFFFF
    rig.write(r.INT_EN, r.PHY_INT)
    rig.phy_write(phy.MASK, phy.DONE)
    assert not rig.irq
    rig.phy_write(phy.BMCR, phy.NEGOTIATE | phy.RESTART)
    assert rig.irq and rig.read(r.INT_STS) & r.PHY_INT
    rig.write(r.INT_STS, r.PHY_INT)
    assert rig.irq, "it is the PHY's to clear"
    assert rig.phy_read(phy.SOURCE) == phy.DONE
    assert not rig.irq
    rig.phy_write(phy.BMCR, phy.SPEED)
    assert rig.phy_read(phy.BMSR) == 0x780D
    assert rig.phy_read(phy.SPECIAL_STATUS) >> 2 & 7 == 2
    rig.phy_write(phy.BMCR, phy.POWER_DOWN)
    assert rig.phy_read(phy.BMSR) == 0x7809
    rig.write(r.PMT_CTRL, r.PHY_RST)
    assert rig.phy_read(phy.BMCR) == 0x3000


def test_sending(rig: Rig) -> None:
    packet = frame(OTHER, 61)
    rig.send(packet, command_b=0xBEEF0000)
    assert rig.net.sent == [packet]
    assert rig.read(r.TX_FIFO_INF) == 1 << 16 | 4608
    assert rig.read(r.TX_PEEK) == rig.read(r.TX_STATUS) == 0xBEEF0000
    assert rig.read(r.TX_STATUS) == 0


@pytest.mark.parametrize("offset", [1, 3, 4, 18, 31])
def test_data_offset(rig: Rig, offset: int) -> None:
    packet = frame(OTHER, 75)
    rig.send(packet, offset=offset)
    assert rig.net.sent == [packet]


def test_buffers_with_alignment(rig: Rig) -> None:
    packet = frame(OTHER, 100)
    total = len(packet)
    rig.write(r.TX_DATA, 1 << 24 | 3 << 16 | A_FIRST | 33)
    rig.write(r.TX_DATA, total)
    rig.words((bytes(3) + packet[:33]).ljust(48, b"\xee"))
    assert rig.net.sent == []
    rig.write(r.TX_DATA, 2 << 24 | 2 << 16 | 7)
    rig.write(r.TX_DATA, total)
    rig.words((bytes(2) + packet[33:40]).ljust(32, b"\xee"))
    rig.write(r.TX_DATA, A_LAST | A_IOC | 60)
    rig.write(r.TX_DATA, total)
    rig.words(packet[40:])
    assert rig.net.sent == [packet]
    assert rig.read(r.INT_STS) & lib.LAN9118_TX_IOC


def test_padding_and_checksum(rig: Rig) -> None:
    rig.send(b"x" * 20)
    rig.send(b"y" * 20, command_b=fifo.B_NO_PADDING)
    rig.send(frame(OTHER, 64), command_b=fifo.B_NO_CRC)
    assert rig.net.sent == [b"x" * 20 + bytes(40), b"y" * 20, frame(OTHER, 64)[:60]]


def test_commands_that_contradict_each_other(rig: Rig) -> None:
    rig.write(r.TX_DATA, A_FIRST | A_LAST | 4)
    rig.write(r.TX_DATA, 8)
    rig.words(b"abcd")
    assert rig.net.sent == [] and rig.read(r.INT_STS) & lib.LAN9118_TXE
    rig.send(frame(OTHER))
    assert len(rig.net.sent) == 1, "the next packet is sent"


def test_transmitter_off_holds_packets(rig: Rig) -> None:
    rig.write(r.TX_CFG, r.STOP_TX)
    assert rig.read(r.INT_STS) & r.TXSTOP_INT
    rig.send(frame(OTHER))
    rig.send(frame(OTHER, 99))
    assert rig.net.sent == []
    assert rig.read(r.TX_FIFO_INF) == 4608 - (8 + 60) - (8 + 100)
    rig.write(r.TX_CFG, r.TX_ON)
    assert [len(packet) for packet in rig.net.sent] == [60, 99]
    rig.mac_write(mac.MAC_CR, mac.RXEN)
    rig.send(frame(OTHER))
    rig.write(r.TX_CFG, r.TX_ON | r.TXD_DUMP)
    rig.mac_write(mac.MAC_CR, mac.TXEN)
    assert len(rig.net.sent) == 2, "dumped"


def test_full_fifos_when_sending(rig: Rig) -> None:
    for _ in range(130):
        rig.send(frame(OTHER))
    assert len(rig.net.sent) == 128, "there is no room for more statuses"
    assert rig.read(r.INT_STS) & lib.LAN9118_TSFF
    rig.read(r.TX_STATUS)
    assert len(rig.net.sent) == 129
    rig.write(r.TX_CFG, r.TX_ON | r.TXSAO)
    assert len(rig.net.sent) == 130
    rig.write(r.TX_CFG, r.STOP_TX)
    for _ in range(4):
        rig.send(frame(OTHER, 1500))
    assert rig.read(r.INT_STS) & (r.TDFO | lib.LAN9118_TXE) == r.TDFO | lib.LAN9118_TXE
    rig.write(r.TX_CFG, r.TXS_DUMP | r.TXD_DUMP)
    assert rig.read(r.TX_FIFO_INF) == 4608


def test_receiving(rig: Rig) -> None:
    packet = frame(size=61)
    assert rig.net.can_receive(61)
    rig.net.receive(packet)
    assert rig.read(r.RX_FIFO_INF) == 1 << 16 | 68
    assert rig.nic.peek(r.RX_DATA, 4) == rig.nic.peek(r.RX_DATA, 4)
    assert rig.read(r.RX_PEEK) == 65 << 16 | mac.IS_TYPE
    found, status = rig.receive()
    assert found == packet + crc32(packet).to_bytes(4, "little")
    assert status == 65 << 16 | mac.IS_TYPE
    assert rig.read(r.RX_FIFO_INF) == 0
    assert not rig.read(r.INT_STS) & lib.LAN9118_RXE
    assert rig.read(r.RX_DATA) == 0
    assert rig.read(r.INT_STS) & lib.LAN9118_RXE, "there was nothing to be read"


def test_short_packets_are_padded(rig: Rig) -> None:
    rig.net.receive(frame(size=42))
    found, _ = rig.receive()
    assert found[:60] == frame(size=42) + bytes(18)
    assert found[60:] == crc32(found[:60]).to_bytes(4, "little")
    rig.mac_write(mac.MAC_CR, mac.RXEN | mac.PADSTR)
    rig.net.receive(frame(size=60, kind=20))
    assert rig.receive()[0] == frame(size=60, kind=20)[:34]


@pytest.mark.parametrize("offset", [0, 2, 7, 31])
@pytest.mark.parametrize("align", [0, 1, 2])
def test_receive_offset_and_alignment(rig: Rig, offset: int, align: int) -> None:
    rig.write(r.RX_CFG, align << 30 | offset << 8)
    packets = [frame(size=61), frame(size=100)]
    for packet in packets:
        rig.net.receive(packet)
    for packet in packets:
        length = rig.read(r.RX_STATUS) >> 16
        unit = (4, 16, 32)[align]
        words = rig.data(-(-(offset + length) // unit) * unit)
        assert words[offset:][: len(packet)] == packet
    assert rig.read(r.RX_FIFO_INF) == 0


def test_fast_forward_and_dump(rig: Rig) -> None:
    for size in (60, 70):
        rig.net.receive(frame(size=size))
    rig.read(r.RX_STATUS)
    rig.read(r.RX_DATA)
    rig.write(r.RX_DP_CTRL, r.RX_FFWD)
    assert rig.receive()[0][:70] == frame(size=70)
    rig.net.receive(frame())
    rig.write(r.RX_CFG, r.RX_DUMP)
    assert rig.read(r.RX_FIFO_INF) == 0


def test_back_pressure_and_drops(rig: Rig) -> None:
    count = 0
    while rig.net.can_receive(1514):
        rig.net.receive(frame(size=1514))
        count += 1
    assert count == 6
    assert rig.net.can_receive(60), "a small one still fits"
    rig.net.receive(frame(size=1514))
    assert rig.read(r.RX_DROP) == 1 and rig.read(r.INT_STS) & r.RXDF_INT
    assert rig.read(r.RX_DROP) == 0, "read clears"
    assert not rig.net.can_receive(1514)
    before = rig.net.readies
    assert rig.net.can_receive(9000), "what never fits does not block the rest"
    rig.net.receive(bytes(9000))
    rig.net.receive(b"")
    assert rig.read(r.RX_DROP) == 2
    rig.receive()
    assert rig.net.readies == before, "it is still more than half full"
    assert rig.net.can_receive(1514)
    for _ in range(4):
        rig.receive()
    assert rig.net.readies == before + 1, "who was refused hears of room, once"


def test_status_fifo_bounds_small_packets(rig: Rig) -> None:
    rig.write(r.HW_CFG, 14 << 16)
    assert rig.read(r.TX_FIFO_INF) == 13824
    count = 0
    while rig.net.can_receive(60):
        rig.net.receive(frame())
        count += 1
    assert count == 29, "1920 bytes of data, 4 words less"
    rig.write(r.HW_CFG, 3 << 16)
    assert rig.net.can_receive(60)


FILTERS = [
    (0, {"own", "broadcast"}),
    (mac.BCAST, {"own"}),
    (mac.PRMS, {"own", "other", "group", "broadcast"}),
    (mac.MCPAS, {"own", "group", "broadcast"}),
    (mac.INVFILT, {"other", "group", "broadcast"}),
    (mac.HPFILT, {"own", "group", "broadcast"}),
    (mac.HFILT, {"group", "broadcast"}),
    (mac.HFILT | mac.HPFILT, {"group", "broadcast"}),
]


@pytest.mark.parametrize("control, passing", FILTERS)
def test_address_filter(control: int, passing: set[str]) -> None:
    rig = Rig(mac.RXEN | control)
    index = mac.hash_index(GROUP)
    rig.mac_write(mac.HASHH if index >= 32 else mac.HASHL, 1 << index % 32)
    addresses = {"own": DEFAULT_MAC, "other": OTHER, "group": GROUP, "broadcast": BROADCAST}
    found = set()
    for name, address in addresses.items():
        rig.net.receive(frame(address))
        if rig.read(r.RX_FIFO_INF):
            found.add(name)
            _, status = rig.receive()
            marks = status & (mac.IS_BROADCAST | mac.IS_MULTICAST)
            assert marks == {"broadcast": mac.IS_BROADCAST, "group": mac.IS_MULTICAST}.get(name, 0)
    assert found == passing
    rig.mac_write(mac.MAC_CR, mac.RXEN | control | mac.RXALL)
    rig.net.receive(frame(OTHER))
    assert bool(rig.receive()[1] & mac.FILTER_FAIL) == ("other" not in passing)


def test_hash_is_the_upper_bits_of_the_ethernet_crc() -> None:
    def bitwise(data: bytes) -> int:
        crc = 0xFFFFFFFF
        for byte in data:
            for bit in range(8):
                top = crc >> 31 ^ byte >> bit & 1
                crc = crc << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if top else 0)
        return crc >> 26

    for address in (GROUP, OTHER, DEFAULT_MAC, BROADCAST, bytes(6)):
        assert mac.hash_index(address) == bitwise(address)


def test_status_of_odd_frames() -> None:
    rig = Rig(mac.RXEN | mac.PRMS)
    rig.net.receive(frame(size=1515))
    assert rig.receive()[1] & (mac.TOO_LONG | mac.RX_ERROR) == mac.TOO_LONG | mac.RX_ERROR
    rig.net.receive(frame(size=60, kind=100))
    assert rig.receive()[1] & (mac.LENGTH_ERROR | mac.IS_TYPE) == mac.LENGTH_ERROR


@pytest.mark.parametrize("how", ["mac", "phy"])
def test_loopback(rig: Rig, how: str) -> None:
    if how == "mac":
        rig.mac_write(mac.MAC_CR, mac.TXEN | mac.RXEN | mac.LOOPBK)
    else:
        rig.phy_write(phy.BMCR, phy.LOOPBACK)
        assert not rig.net.can_receive(60), "the cable is cut off"
    rig.send(frame())
    assert rig.net.sent == []
    assert rig.receive()[0][:60] == frame()


def test_receive_interrupt_by_level(rig: Rig) -> None:
    rig.write(r.FIFO_INT, 1)
    rig.write(r.INT_EN, lib.LAN9118_RSFL)
    rig.net.receive(frame())
    assert not rig.irq
    rig.net.receive(frame())
    assert rig.irq and rig.read(r.IRQ_CFG) & r.IRQ_INT
    rig.write(r.INT_STS, lib.LAN9118_RSFL)
    assert rig.irq, "there still are two"
    rig.read(r.RX_STATUS)
    rig.write(r.INT_STS, lib.LAN9118_RSFL)
    assert not rig.irq
    rig.write(r.IRQ_CFG, r.IRQ_POL | r.IRQ_TYPE)
    rig.net.receive(frame())
    assert not rig.irq, "not enabled"


def test_send_interrupts(rig: Rig) -> None:
    rig.write(r.FIFO_INT, 0x47010000)
    assert rig.read(r.INT_STS) & lib.LAN9118_TDFA
    rig.send(frame(OTHER))
    assert not rig.read(r.INT_STS) & lib.LAN9118_TSFL
    rig.send(frame(OTHER))
    assert rig.read(r.INT_STS) & lib.LAN9118_TSFL


def test_software_interrupt_and_receive_count(rig: Rig) -> None:
    rig.write(r.INT_EN, r.SW_INT)
    assert rig.irq
    rig.write(r.INT_STS, r.SW_INT)
    rig.write(r.INT_EN, r.SW_INT)
    assert not rig.irq, "only when it becomes enabled"
    rig.net.receive(frame())
    rig.write(r.RX_CFG, 3 << 16)
    rig.data(8)
    assert not rig.read(r.INT_STS) & lib.LAN9118_RXD_INT
    rig.data(4)
    assert rig.read(r.INT_STS) & lib.LAN9118_RXD_INT
    rig.mac_write(mac.MAC_CR, 0)
    assert rig.read(r.INT_STS) & r.RXSTOP_INT


def test_deassertion_interval(rig: Rig) -> None:
    rig.write(r.IRQ_CFG, 2 << 24 | r.IRQ_EN | r.IRQ_POL | r.IRQ_TYPE)
    rig.write(r.INT_EN, r.SW_INT)
    rig.write(r.INT_STS, r.SW_INT)
    assert not rig.irq and rig.read(r.IRQ_CFG) & r.DEAS_STS
    rig.write(r.INT_EN, 0)
    rig.write(r.INT_EN, r.SW_INT)
    assert not rig.irq, "quiet for 20 us"
    advance(rig.nic, rig.clock, 19_999)
    assert not rig.irq
    advance(rig.nic, rig.clock, 20_000)
    assert rig.irq
    rig.write(r.INT_STS, r.SW_INT)
    rig.write(r.INT_EN, 0)
    rig.write(r.INT_EN, r.SW_INT)
    rig.write(r.IRQ_CFG, 2 << 24 | r.DEAS_CLR | r.IRQ_EN | r.IRQ_POL | r.IRQ_TYPE)
    assert rig.irq, "the interval was cut short"


def test_general_purpose_timer(rig: Rig) -> None:
    rig.write(r.INT_EN, r.GPT_INT)
    rig.write(r.GPT_CFG, r.TIMER_EN | 30)
    advance(rig.nic, rig.clock, 1_000_000)
    assert rig.read(r.GPT_CNT) == 20
    advance(rig.nic, rig.clock, 2_999_999)
    assert not rig.irq
    advance(rig.nic, rig.clock, 3_000_000)
    assert rig.irq
    advance(rig.nic, rig.clock, 3_100_000)
    assert rig.read(r.GPT_CNT) == 0xFFFF
    rig.write(r.GPT_CFG, 5)
    assert rig.read(r.GPT_CFG) == rig.read(r.GPT_CNT) == 0xFFFF
    assert rig.nic.deadline() is None
    assert rig.read(r.FREE_RUN) == 3_100_000 // 40


def test_software_reset(rig: Rig) -> None:
    rig.net.receive(frame())
    rig.phy_write(phy.BMCR, phy.SPEED)
    rig.write(r.WORD_SWAP, 0xFFFFFFFF)
    rig.write(r.HW_CFG, r.SRST)
    assert not rig.read(r.HW_CFG) & r.SRST
    assert rig.read(r.RX_FIFO_INF) == rig.read(r.WORD_SWAP) == 0
    assert rig.mac_read(mac.MAC_CR) == mac.PRMS
    assert rig.mac_read(mac.ADDRH) == 0x5634
    assert rig.read(r.IRQ_CFG) == r.IRQ_POL | r.IRQ_TYPE, "these survive"
    assert rig.phy_read(phy.BMCR) == phy.SPEED, "the PHY too"


OFFSETS = st.sampled_from([0, 0x20, 0x20, 0x20, 0x40, 0x44, 0x48, *range(0x50, 0xB8, 4)])
VALUES = st.one_of(
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from([0x80000001, 0x80000006, 0xC0000001, A_FIRST | A_LAST | 8, 8, 0x842]),
)
ACCESSES = st.lists(
    st.one_of(
        st.tuples(st.just("read"), OFFSETS),
        st.tuples(st.just("write"), st.tuples(OFFSETS, VALUES)),
        st.tuples(st.just("send"), st.integers(1, 200)),
        st.tuples(st.just("receive"), st.integers(0, 200)),
        st.tuples(st.just("wait"), st.integers(0, 300_000)),
    ),
    max_size=40,
)


def exercise(rig: Rig, accesses: list) -> list:  # type: ignore[type-arg]
    found: list[object] = []
    for kind, what in accesses:
        if kind == "read":
            found.append(rig.read(what))
        elif kind == "write":
            rig.write(*what)
        elif kind == "send":
            rig.send(frame(OTHER, 200)[:what])
        elif kind == "receive":
            if rig.net.can_receive(what):
                rig.net.receive(frame(size=200)[:what])
        else:
            advance(rig.nic, rig.clock, rig.clock.ns + what)
        found.append(rig.irq)
    return found


@settings(max_examples=examples(60), deadline=None)
@given(before=ACCESSES, after=ACCESSES)
def test_state_is_data_and_all_of_it(before: list, after: list) -> None:  # type: ignore[type-arg]
    rig = Rig()
    exercise(rig, before)
    state = rig.nic.save()
    packed = msgpack.packb(state)

    other = Rig()
    other.trace.events.clear()
    other.clock.ns = rig.clock.ns
    other.nic.load(msgpack.unpackb(packed))
    assert msgpack.packb(other.nic.save()) == packed
    assert other.trace.events == [], "restoring drives no line"
    assert other.nic.deadline() == rig.nic.deadline()
    for offset in range(0, 0xB8, 4):
        assert other.nic.peek(offset, 4) == rig.nic.peek(offset, 4)
    assert rig.nic.save() == state, "looking as a debugger changes nothing"

    rig.net.sent.clear()
    assert exercise(rig, after) == exercise(other, after), "it goes on like the first"
    assert rig.net.sent == other.net.sent


@settings(max_examples=examples(30), deadline=None)
@given(accesses=ACCESSES)
def test_reset_forgets_all_but_the_eeprom(accesses: list) -> None:  # type: ignore[type-arg]
    clock = HandClock()
    fresh = Lan9118("eth", clock, Nic(HandNet()), Trace(clock).line("irq")).save()
    rig = Rig()
    exercise(rig, accesses)
    rig.clock.ns = 0
    memory = rig.nic.eeprom.memory
    rig.nic.reset()
    if memory == fresh["eeprom_state"]["memory"]:
        assert rig.nic.save() == fresh
