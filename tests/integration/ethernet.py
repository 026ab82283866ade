"""Packets for the guest `net-echo`, and a peer of its network."""

from __future__ import annotations

import socket
import struct
import time

GUEST = bytes.fromhex("525400123456")
HERE = bytes.fromhex("020000000001")
GUEST_IP, HERE_IP = bytes((10, 0, 2, 15)), bytes((10, 0, 2, 2))
ARP, IPV4, ICMP, UDP = b"\x08\x06", b"\x08\x00", 1, 17
PATIENCE = 60.0


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    words = struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def arp(to: bytes = GUEST_IP) -> bytes:
    """Who has this address?"""
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + HERE + HERE_IP + bytes(6) + to
    return b"\xff" * 6 + HERE + ARP + body


def ip(protocol: int, body: bytes) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0)
    total = checksum(head + HERE_IP + GUEST_IP)
    return GUEST + HERE + IPV4 + head[:10] + struct.pack(">H", total) + HERE_IP + GUEST_IP + body


def ping(data: bytes) -> bytes:
    head = struct.pack(">BBHHH", 8, 0, 0, 1, 1)
    return ip(ICMP, head[:2] + struct.pack(">H", checksum(head + data)) + head[4:] + data)


def udp(data: bytes) -> bytes:
    return ip(UDP, struct.pack(">HHHH", 4000, 7, 8 + len(data), 0) + data)


def payload(packet: bytes) -> bytes:
    """What a UDP packet brings."""
    assert packet[12:14] == IPV4 and packet[23] == UDP
    return packet[42 : 14 + struct.unpack(">H", packet[16:18])[0]]


class Peer:
    """The other end of a `dgram` network."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)
        self.port: int = self.socket.getsockname()[1]
        self.said: list[bytes] = []
        self.heard: list[bytes] = []
        self.to = ("127.0.0.1", 0)

    def spec(self, local: int = 0) -> str:
        return f"dgram,id=net0,local=127.0.0.1:{local},remote=127.0.0.1:{self.port}"

    def say(self, packet: bytes) -> None:
        self.said.append(packet)
        self.socket.sendto(packet, self.to)

    def ask(self, packet: bytes) -> bytes:
        """Send a packet and wait for the answer."""
        self.say(packet)
        self.heard.append(self.socket.recv(2000))
        return self.heard[-1]

    def converse(self, count: int) -> None:
        """ARP, ping, `count` echoes one by one, a burst, and the end."""
        answer = self.ask(arp())
        assert answer[:14] == HERE + GUEST + ARP and answer[28:32] == GUEST_IP
        assert self.ask(ping(b"ping!"))[34:36] == b"\0\0"
        for number in range(count):
            data = b"%d " % number * (number * 13 % 90)
            assert payload(self.ask(udp(data))) == data
            if number % 7 == 0:
                time.sleep(0.002)
        for number in range(12):
            self.say(udp(b"burst %d" % number))
        self.heard += [self.socket.recv(2000) for _ in range(12)]
        assert [payload(packet) for packet in self.heard[-12:]] == [
            b"burst %d" % n for n in range(12)
        ]
        self.say(udp(b"quit"))
