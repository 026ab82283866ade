"""Packets that devices send natively (`native/outbox.h`)."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from ttd.engine._native import ffi


class Outbox:
    """Of one network: what native code sends there is in the log, or was compared with it."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        """`take` gets each packet that is kept, later than it was sent, in order."""
        self.native = ffi.new("ttd_outbox *")
        self._take = take
        self._handle = ffi.new_handle(self)
        self.native.owner = self._handle

    def open(self, device: int | None, *, kept: bool) -> None:
        """Packets of this number in the log are taken from now on, and `kept` for the host; None:
        Python is asked for each."""
        self.native.open = device is not None
        self.native.device = device or 0
        self.native.kept = kept

    @property
    def sent(self) -> int:
        """How many packets there were."""
        return self.native.sent  # type: ignore[no-any-return]

    @property
    def crc(self) -> int:
        """CRC-32 of them all, one after another."""
        return self.native.crc  # type: ignore[no-any-return]

    def count(self, sent: int, crc: int) -> None:
        """So it is now."""
        self.native.sent, self.native.crc = sent, crc

    def follow(self, packet: bytes) -> None:
        """Python sends this one, behind those that wait."""
        native = self.native
        if native.waiting:
            self.give()
        native.sent += 1
        native.crc = crc32(packet, native.crc)

    def give(self) -> None:
        """Hand on what waits."""
        data = ffi.buffer(self.native.data, self.native.waiting)[:]
        self.native.waiting = 0
        at = 0
        while at < len(data):
            start = at + 4
            at = start + int.from_bytes(data[at:start], "little")
            self._take(data[start:at])
