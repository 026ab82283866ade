"""Captures of packets: the classic pcap file format (draft-ietf-opsawg-pcap), Ethernet only."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from ttd.errors import UserError
from ttd.replay.net import MAX_PACKET

MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
ETHERNET = 1
_NEXT_GENERATION = 0x0A0D0D0A
_HEADER = "IHHiIII"
_RECORD = "IIII"
_SECOND = 1_000_000_000


class PcapError(UserError):
    """A file is no capture that can be used; one sentence for people."""


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> object: ...


class PcapWriter:
    """Writes packets with their time in nanoseconds; the file keeps microseconds."""

    def __init__(self, file: Sink) -> None:
        self._file = file
        self.packets = 0
        file.write(struct.pack("<" + _HEADER, MICROSECONDS, 2, 4, 0, 0, MAX_PACKET, ETHERNET))

    def write(self, ns: int, packet: bytes) -> None:
        """Append a packet."""
        seconds, rest = divmod(ns, _SECOND)
        size = len(packet)
        self._file.write(struct.pack("<" + _RECORD, seconds, rest // 1000, size, size) + packet)
        self.packets += 1


class PcapReader:
    """Reads a capture of either byte order and resolution; `PcapError` names `path`."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self._path = path
        header = file.read(struct.calcsize("<" + _HEADER))
        if len(header) < struct.calcsize("<" + _HEADER):
            raise PcapError(f"{path} is not a pcap capture")
        for order in "<>":
            magic, _, _, _, _, _, link = struct.unpack(order + _HEADER, header)
            if magic in (MICROSECONDS, NANOSECONDS):
                break
        else:
            if magic == _NEXT_GENERATION:
                raise PcapError(f"{path} is a pcapng capture; save it as pcap (editcap -F pcap)")
            raise PcapError(f"{path} is not a pcap capture")
        if link & 0xFFFF != ETHERNET:
            raise PcapError(f"{path} is not a capture of Ethernet (its link type is {link})")
        self._order = order
        self._unit = 1000 if magic == MICROSECONDS else 1

    def packets(self) -> Iterator[tuple[int, bytes]]:
        """Time in nanoseconds, and packet, one after the other."""
        record = struct.Struct(self._order + _RECORD)
        number = 0
        while head := self._file.read(record.size):
            number += 1
            if len(head) < record.size:
                raise PcapError(f"{self._path} ends in the middle of packet {number}")
            seconds, rest, size, _ = record.unpack(head)
            if size > 4 * MAX_PACKET:
                raise PcapError(f"{self._path} is damaged: packet {number} has {size} bytes")
            packet = self._file.read(size)
            if len(packet) < size:
                raise PcapError(f"{self._path} ends in the middle of packet {number}")
            yield seconds * _SECOND + rest * self._unit, packet
