"""A bare client of GDB's remote protocol, to measure the server without GDB's own time."""

from __future__ import annotations

import socket
import time


class RspClient:
    """One connection. `request` sends a packet and returns the reply, checksums and all."""

    def __init__(self, host: str, port: int, patience: float = 30.0) -> None:
        deadline = time.monotonic() + patience
        while True:
            try:
                self._socket = socket.create_connection((host, port), timeout=600)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._acks = True
        self.request("qSupported:swbreak+;hwbreak+;vContSupported+")
        if self.request("QStartNoAckMode") == "OK":
            self._acks = False
        self.request("?")

    def close(self) -> None:
        self._send("D")
        self._socket.close()

    def request(self, packet: str) -> str:
        """Send and wait for the reply; console output (`O` packets) on the way is dropped."""
        self._send(packet)
        while True:
            reply = self._receive()
            if not (reply.startswith("O") and reply != "OK"):
                return reply

    def monitor(self, command: str) -> str:
        """`monitor COMMAND`: all that it prints."""
        self._send("qRcmd," + command.encode().hex())
        text = ""
        while True:
            reply = self._receive()
            if reply == "OK":
                return text
            if reply.startswith("O"):
                text += bytes.fromhex(reply[1:]).decode(errors="replace")
            elif reply.startswith("E"):
                raise RuntimeError(f"monitor {command}: {reply}")
            else:
                return text + bytes.fromhex(reply).decode(errors="replace")

    def goto(self, place: str) -> None:
        """Move to `place`; the server does it with the next resume, and stops there at once."""
        self.monitor(f"goto {place}")
        self.request("vCont;s:1")

    def _send(self, packet: str) -> None:
        data = packet.encode()
        self._socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def _receive(self) -> str:
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start)
            if start >= 0 and end >= 0 and len(self._buffer) >= end + 3:
                packet = self._buffer[start + 1 : end]
                self._buffer = self._buffer[end + 3 :]
                if self._acks:
                    self._socket.sendall(b"+")
                return _expand(packet).decode("latin-1")
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("the server closed the connection")
            self._buffer += chunk


def _expand(packet: bytes) -> bytes:
    """Undo escapes and run lengths."""
    result = bytearray()
    at = 0
    while at < len(packet):
        byte = packet[at]
        if byte == ord("}"):
            at += 1
            result.append(packet[at] ^ 0x20)
        elif byte == ord("*"):
            at += 1
            result += result[-1:] * (packet[at] - 29)
        else:
            result.append(byte)
        at += 1
    return bytes(result)
