"""The FIFOs of the LAN9118: packets on their way in and out. Sections are of its data sheet.

SMSC LAN9118, "High Performance Single-Chip 10/100 Non-PCI Ethernet Controller", revision 1.5.
All of it is plain data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

FIFO_BYTES = 16 << 10
"""Memory shared by all FIFOs (5.3.9.1)."""
TX_STATUS_WORDS = 128
DEFAULT_TX_KB = 5

# TX command A (3.12.2.1)
A_IOC, A_FIRST, A_LAST, A_SIZE = 1 << 31, 1 << 13, 1 << 12, 0x7FF
# TX command B (3.12.2.2)
B_NO_CRC, B_NO_PADDING, B_SIZE = 1 << 13, 1 << 12, 0x7FF
_ALIGNMENT = (4, 16, 32, 4)


@cache
def rx_sizes(tx_kb: int) -> tuple[int, int]:
    """Bytes of the RX data FIFO and words of the RX status FIFO for HW_CFG.TX_FIF_SZ (table 5.3).

    The data FIFO is full 4 words before its end.
    """
    total = FIFO_BYTES - (tx_kb << 10)
    return total - total // 16 - 16, total // 64


@cache
def tx_size(tx_kb: int) -> int:
    """Bytes of the TX data FIFO (table 5.3)."""
    return (tx_kb << 10) - 4 * TX_STATUS_WORDS


@dataclass(slots=True)
class TxPacket:
    """A packet as the host has written it, waiting to be sent."""

    command_b: int
    data: bytes
    used: int
    """Bytes of the FIFO that it takes up."""


@dataclass(slots=True)
class TxBuilder:
    """Takes the words written to the TX data FIFO apart (3.12, "Transmit data path operation").

    A packet is one or more buffers; each is command A, command B, bytes to be skipped up to the
    offset, data, and padding up to the alignment.
    """

    command_a: int = 0
    command_b: int = 0
    packet_b: int = 0
    """Command B of the packet's first buffer; those of the others must be the same."""
    commands: int = 0
    """How many of this buffer's commands have come."""
    skip: int = 0
    """Bytes in front of the data that are not part of it."""
    left: int = 0
    """Bytes of data of this buffer still to come."""
    words: int = 0
    """Words of this buffer still to come."""
    data: bytes = b""
    used: int = 0
    """Bytes of the FIFO that the packet takes up so far (3.12.5)."""
    faulty: bool = False
    """Its commands contradict each other (3.12.2)."""

    def put(self, word: int) -> bool:
        """Take a word; True when a buffer is complete."""
        if self.commands == 0:
            self.command_a, self.commands = word, 1
            return False
        if self.commands == 1:
            self._begin_buffer(word)
        else:
            self.take(word.to_bytes(4, "little"))
        if self.words:
            return False
        self.commands = 0
        return True

    def finish(self) -> TxPacket | None:
        """The packet, if the buffer that is complete was its last; None as well if it is faulty."""
        if not self.command_a & A_LAST:
            return None
        self.faulty = self.faulty or len(self.data) != self.packet_b & B_SIZE
        packet = TxPacket(self.packet_b, self.data, self.used)
        self.data, self.used = b"", 0
        return None if self.faulty else packet

    def _begin_buffer(self, word: int) -> None:
        self.command_b, self.commands = word, 2
        size, offset = self.command_a & A_SIZE, self.command_a >> 16 & 0x1F
        alignment = _ALIGNMENT[self.command_a >> 24 & 3]
        if self.command_a & A_FIRST:
            self.data, self.used, self.packet_b, self.faulty = b"", 4, word, False
        elif word != self.packet_b:
            self.faulty = True
        self.used += 4
        self.skip, self.left = offset, size
        # The buffer in the host's memory begins and ends at an aligned address.
        self.words = -(-(offset + size) // alignment) * (alignment // 4)

    def take(self, words: bytes) -> None:
        """Take words of the present buffer, behind its commands."""
        self.words -= len(words) // 4
        whole = min(self.skip & ~3, len(words))
        self.skip -= whole
        if whole == len(words):
            return
        part = words[whole + self.skip :][: self.left]
        if part:
            self.left -= len(part)
            self.used += -(-(self.skip + len(part)) // 4) * 4
            self.data += part
        self.skip = 0


@dataclass
class RxFifo:
    """Received packets and their status words (3.13, "Receive data path operation")."""

    packets: list[bytes] = field(default_factory=list)
    """As whole words."""
    statuses: list[int] = field(default_factory=list)
    at: int = 0
    """Bytes of the first packet that were read, with what is put in front of it."""
    lead: int = 0
    """Bytes in front of the packet that is being read."""

    def __post_init__(self) -> None:
        self._held = sum(map(len, self.packets))
        """Bytes of all packets: what is no field follows from those."""

    @property
    def used(self) -> int:
        """Bytes of data in the FIFO."""
        if self.at <= self.lead or not self.packets:
            return self._held
        return self._held - min(self.at - self.lead, len(self.packets[0]))

    def put(self, frame: bytes, status: int, shift: int) -> None:
        """Store a frame; its first byte is number `shift` (0 to 3) of its first word."""
        words = bytes(shift) + frame
        self.packets.append(words + bytes(-len(words) % 4))
        self._held += len(self.packets[-1])
        self.statuses.append(status)

    def peek(self, lead: int) -> int:
        """The word that is read next; zero outside of packets.

        `lead`: bytes, whole words, in front of a packet of which nothing was read yet.
        """
        at = self.at - (self.lead if self.at else lead)
        if not self.packets or at < 0:
            return 0
        return int.from_bytes(self.packets[0][at : at + 4], "little")

    def pop(self, lead: int, alignment: int) -> int:
        """Read a word; behind the packet come zeros up to a multiple of `alignment` bytes."""
        word = self.peek(lead)
        if self.packets:
            if not self.at:
                self.lead = lead
            self.at += 4
            length = self.lead + len(self.packets[0])
            if self.at >= -(-length // alignment) * alignment:
                self.drop_first()
        return word

    def ahead(self, lead: int, alignment: int) -> bytes:
        """What is left of the packet that is read next, but for its last word; `lead`: as there."""
        if not self.packets:
            return b""
        packet, lead = self.packets[0], self.lead if self.at else lead
        length = lead + len(packet)
        count = max(0, -(-length // alignment) * alignment - self.at - 4)
        start = self.at - lead
        return (bytes(max(0, -start)) + packet[max(0, start) :])[:count].ljust(count, b"\0")

    def skip(self, lead: int, words: bytes) -> None:
        """So much of `ahead` was read."""
        if not self.at:
            self.lead = lead
        self.at += len(words)

    def drop_first(self) -> None:
        """Forget the rest of the first packet (3.13.1.1, "fast forward")."""
        if self.packets:
            self._held -= len(self.packets.pop(0))
            self.at = self.lead = 0
