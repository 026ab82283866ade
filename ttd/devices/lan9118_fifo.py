"""The FIFOs of the LAN9118: packets on their way in and out. Sections are of its data sheet.

SMSC LAN9118, "High Performance Single-Chip 10/100 Non-PCI Ethernet Controller", revision 1.5.
They are native (`native/lan9118.c`); this is what Python sees of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttd.engine._native import ffi, lib
from ttd.engine.outbox import Outbox
from ttd.engine.registers import RegisterFile
from ttd.state import State
from ttd.values import dataclass

# TX command B (3.12.2.2)
B_NO_CRC, B_NO_PADDING = 1 << 13, 1 << 12
DEFAULT_TX_KB = 5
_TX_NUMBERS = (
    "command_a", "command_b", "packet_b", "commands", "skip", "left", "words", "used"
)  # fmt: skip


@dataclass(slots=True)
class TxPacket:
    """A packet as the host has written it, waiting to be sent."""

    command_b: int
    data: bytes
    used: int
    """Bytes of the FIFO that it takes up."""


class Fifos:
    """Those of one controller."""

    def __init__(self, registers: RegisterFile, outbox: Outbox | None) -> None:
        self._native = ffi.new("lan9118 *")
        self._native.registers = registers.native
        self._outbox = outbox
        if outbox is not None:
            self._native.outbox = outbox.native
        registers.call("lan9118_access", self._native)

    # -- received packets, and statuses of all -------------------------------------------

    def acceptable(self, size: int) -> bool:
        """A packet of this size has room in an empty FIFO."""
        return size + 8 <= lib.lan9118_rx_size(self._native)  # type: ignore[no-any-return]

    def has_room(self, size: int) -> bool:
        return lib.lan9118_has_room(self._native, size)  # type: ignore[no-any-return]

    def put(self, frame: bytes, status: int, shift: int) -> None:
        """Store a frame; its first byte is number `shift` (0 to 3) of its first word."""
        lib.lan9118_put(self._native, frame, len(frame), status, shift)

    def drop(self) -> None:
        """Forget the rest of the first packet (3.13.1.1, "fast forward")."""
        lib.lan9118_drop(self._native)

    def dump_rx(self) -> None:
        lib.lan9118_dump_rx(self._native)

    # -- packets to be sent --------------------------------------------------------------

    @property
    def tx_free(self) -> int:
        """Bytes of the TX data FIFO."""
        return lib.lan9118_tx_free(self._native)  # type: ignore[no-any-return]

    def dump_tx(self) -> None:
        lib.lan9118_dump_tx(self._native)

    def build(self, word: int) -> bool:
        """A word for the TX data FIFO. True: a packet is complete."""
        return lib.lan9118_build(self._native, word)  # type: ignore[no-any-return]

    def finish(self) -> TxPacket:
        """The packet that is complete; it leaves its place."""
        tx = self._native.tx
        packet = TxPacket(tx.packet_b, ffi.buffer(tx.data, tx.size)[:], tx.used)
        lib.lan9118_taken(self._native)
        return packet

    def wait(self, packets: Sequence[TxPacket]) -> None:
        """These are complete, and cannot be sent yet."""
        self._native.waiting = sum(packet.used for packet in packets)

    def note_sent(self, status: int) -> bool:
        """Store a status; False: there is no room."""
        return lib.lan9118_note_sent(self._native, status)  # type: ignore[no-any-return]

    @property
    def sent_full(self) -> bool:
        return self._native.nsent == lib.LAN9118_SENT  # type: ignore[no-any-return]

    @property
    def sent(self) -> list[int]:
        """The statuses of packets that have been sent."""
        native = self._native
        return [
            native.sent[(native.first_sent + n) % lib.LAN9118_SENT] for n in range(native.nsent)
        ]

    @sent.setter
    def sent(self, statuses: list[int]) -> None:
        self._native.sent[0 : len(statuses)] = statuses
        self._native.first_sent, self._native.nsent = 0, len(statuses)

    def take_sent(self) -> int:
        """The next of them, 0 if there is none."""
        found = self.sent
        self.sent = found[1:]
        return found[0] if found else 0

    # -- interrupts ----------------------------------------------------------------------

    def show(self) -> None:
        """Words that follow from the rest."""
        lib.lan9118_show(self._native)

    def update(self) -> bool:
        """After any change: interrupts. True: the pin has to keep quiet for an interval."""
        return lib.lan9118_update(self._native)  # type: ignore[no-any-return]

    def write_interrupts(self, what: int, value: int) -> bool:
        """INT_STS or INT_EN is written; as `update`."""
        return lib.lan9118_interrupts(self._native, what, value)  # type: ignore[no-any-return]

    # -- state ---------------------------------------------------------------------------

    @property
    def rx(self) -> State:
        rx = self._native.rx
        data, packets, at = ffi.buffer(rx.data), [], rx.start
        for number in range(rx.count):
            size = rx.sizes[(rx.first + number) % lib.LAN9118_PACKETS]
            packets.append((data[at : at + size] + data[: max(0, at + size - len(data))])[:size])
            at = (at + size) % len(data)
        found = [
            rx.statuses[(rx.first_status + n) % lib.LAN9118_STATUSES] for n in range(rx.nstatuses)
        ]
        return {"packets": packets, "statuses": found, "at": rx.at, "lead": rx.lead}

    @rx.setter
    def rx(self, state: State) -> None:
        rx, packets = self._native.rx, state["packets"]
        lib.lan9118_dump_rx(self._native)
        whole = b"".join(packets)
        rx.sizes[0 : len(packets)] = list(map(len, packets))
        ffi.buffer(rx.data)[0 : len(whole)] = whole
        if any(len(packet) % 4 for packet in packets):
            raise ValueError("a packet that is not whole words")
        rx.statuses[0 : len(state["statuses"])] = state["statuses"]
        rx.held, rx.count, rx.nstatuses = len(whole), len(packets), len(state["statuses"])
        rx.at, rx.lead = state["at"], state["lead"]

    @property
    def tx(self) -> State:
        tx = self._native.tx
        found: dict[str, Any] = {name: getattr(tx, name) for name in _TX_NUMBERS}
        return found | {"faulty": bool(tx.faulty), "data": ffi.buffer(tx.data, tx.size)[:]}

    @tx.setter
    def tx(self, state: State) -> None:
        tx = self._native.tx
        for name in (*_TX_NUMBERS, "faulty"):
            setattr(tx, name, state[name])
        ffi.buffer(tx.data)[0 : len(state["data"])] = state["data"]
        tx.size = len(state["data"])
