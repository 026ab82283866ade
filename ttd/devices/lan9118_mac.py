"""The MAC of the LAN9118: its registers, and which frames it lets in. Sections: its data sheet."""

from __future__ import annotations

from zlib import crc32

from ttd.devices.net import BROADCAST
from ttd.devices.registers import WORD
from ttd.values import dataclass

# Indices of the registers (5.4)
MAC_CR, ADDRH, ADDRL, HASHH, HASHL, MII_ACC, MII_DATA = 1, 2, 3, 4, 5, 6, 7
FLOW, VLAN1, VLAN2, WUFF, WUCSR = 8, 9, 10, 11, 12

# MAC_CR (5.4.1)
RXALL, LOOPBK, MCPAS, PRMS, INVFILT = 1 << 31, 1 << 21, 1 << 19, 1 << 18, 1 << 17
HFILT, HPFILT, BCAST, PADSTR = 1 << 15, 1 << 13, 1 << 11, 1 << 8
TXEN, RXEN = 1 << 3, 1 << 2
_CR_MASK = 0x90BFBDFC

# RX status (3.13.3)
FILTER_FAIL, RX_ERROR, IS_BROADCAST, LENGTH_ERROR = 1 << 30, 1 << 15, 1 << 13, 1 << 12
IS_MULTICAST, TOO_LONG, IS_TYPE = 1 << 10, 1 << 7, 1 << 5
_HEADER, _SHORTEST, _LONGEST = 14, 60, 1514
_MASKS = {
    MAC_CR: _CR_MASK, ADDRH: 0xFFFF, ADDRL: WORD, HASHH: WORD, HASHL: WORD, MII_DATA: 0xFFFF,
    FLOW: 0xFFFF0007, VLAN1: 0xFFFF, VLAN2: 0xFFFF, WUCSR: 0x266,
}  # fmt: skip
"""Bits of the registers that keep what is written; those of the MII are elsewhere."""


def hash_index(address: bytes) -> int:
    """Which of the 64 bits of HASHH:HASHL an address has: the CRC's upper 6 bits (3.4.2)."""
    # The CRC register of the hardware is crc32's, mirrored and not inverted.
    crc = ~crc32(address) & WORD
    return int(f"{crc:032b}"[::-1][:6], 2)


@dataclass(slots=True)
class Mac:
    """The registers behind MAC_CSR_CMD and MAC_CSR_DATA."""

    control: int = PRMS
    address: bytes = BROADCAST
    hash_low: int = 0
    hash_high: int = 0
    mii_access: int = 0
    mii_data: int = 0
    flow: int = 0
    vlan1: int = 0xFFFF
    vlan2: int = 0xFFFF
    wake_up: int = 0

    @property
    def receives(self) -> bool:
        return bool(self.control & RXEN)

    @property
    def transmits(self) -> bool:
        return bool(self.control & TXEN)

    def read(self, index: int) -> int:
        """A register, but for those of the MII; zero where there is none."""
        if index == ADDRL:
            return int.from_bytes(self.address[:4], "little")
        if index == ADDRH:
            return int.from_bytes(self.address[4:], "little")
        return int(getattr(self, _NAMES[index])) if index in _NAMES else 0

    def write(self, index: int, value: int) -> None:
        """Write a register, but for those of the MII."""
        value &= _MASKS.get(index, 0)
        if index == ADDRL:
            self.address = value.to_bytes(4, "little") + self.address[4:]
        elif index == ADDRH:
            self.address = self.address[:4] + value.to_bytes(2, "little")
        elif index in _NAMES:
            setattr(self, _NAMES[index], value)

    def passes(self, to: bytes) -> bool:
        """True if a frame to this address gets through the filter (table 3.1)."""
        control = self.control
        if control & PRMS:
            return True
        if to == BROADCAST:
            return not control & BCAST
        if to[0] & 1:
            if control & MCPAS:
                return True
            hashed = control & (HFILT | HPFILT)
        else:
            hashed = control & HFILT
        if hashed:
            index = hash_index(to)
            return bool((self.hash_high << 32 | self.hash_low) >> index & 1)
        return (to == self.address) != bool(control & INVFILT)

    def receive(self, packet: bytes) -> tuple[bytes, int] | None:
        """The frame as the host will read it, with its RX status; None if it is filtered out.

        Short packets are padded, as they were by whoever put them on a wire, and get their
        checksum.
        """
        to = packet[:6]
        passes = self.passes(to)
        if not passes and not self.control & RXALL:
            return None
        frame = packet + bytes(max(0, _SHORTEST - len(packet)))
        status = 0 if passes else FILTER_FAIL
        if to == BROADCAST:
            status |= IS_BROADCAST
        elif to[0] & 1:
            status |= IS_MULTICAST
        kind = int.from_bytes(frame[12:_HEADER], "big")
        if kind > 1500:
            status |= IS_TYPE
        elif kind > len(frame) - _HEADER:
            status |= LENGTH_ERROR
        if len(frame) > _LONGEST:
            status |= TOO_LONG | RX_ERROR
        if self.control & PADSTR and kind < 46:
            frame = frame[: _HEADER + kind]
        else:
            frame += crc32(frame).to_bytes(4, "little")
        return frame, status | len(frame) << 16


_NAMES = {
    MAC_CR: "control", HASHH: "hash_high", HASHL: "hash_low", MII_ACC: "mii_access",
    MII_DATA: "mii_data", FLOW: "flow", VLAN1: "vlan1", VLAN2: "vlan2", WUCSR: "wake_up",
}  # fmt: skip
