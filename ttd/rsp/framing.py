"""Bytes on the wire <-> packets: framing, checksums, escapes and run-length encoding.

GDB manual, appendix "Remote Protocol": "Overview" (framing, escapes, run-length encoding),
"Packet Acknowledgment", "Interrupts".
"""

from __future__ import annotations

import re

from ttd.values import dataclass

INTERRUPT_BYTE = 0x03
_ESCAPE = 0x7D
_ESCAPED = re.compile(rb"[#$}*]")
_REPEATS = re.compile(rb"(.)\1{3,}", re.DOTALL)
_MAX_RUN = 97
"""Longest repeat count whose length character is still printable (126)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, unescaped. `intact` is False when its checksum was wrong."""

    payload: bytes
    intact: bool = True


@dataclass(frozen=True, slots=True)
class Ack:
    """`+`: the last packet arrived."""


@dataclass(frozen=True, slots=True)
class Nack:
    """`-`: the last packet is to be sent again."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The Ctrl-C byte, outside any packet."""


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes that belong to no packet, or a packet longer than allowed; they are dropped."""

    count: int


Event = Packet | Ack | Nack | Interrupt | Junk


def encode(payload: bytes) -> bytes:
    """Frame a payload that is already escaped where it has to be."""
    return b"$%b#%02x" % (payload, sum(payload) & 0xFF)


def escape(data: bytes) -> bytes:
    """Binary data as it may stand in a packet."""
    return _ESCAPED.sub(lambda m: bytes((_ESCAPE, m[0][0] ^ 0x20)), data)


def compress(text: bytes) -> bytes:
    """Run-length encode `text`, which must hold no escapes (a repeat count could split one)."""
    return _REPEATS.sub(_compress_run, text)


def _compress_run(match: re.Match[bytes]) -> bytes:
    char, left = match[1], len(match[0])
    out = bytearray()
    while left:
        out += char
        left -= 1
        repeat = min(left, _MAX_RUN)
        while repeat + 29 in b"#$}":
            repeat -= 1
        if repeat < 3:
            out += char * left
            break
        out += bytes((0x2A, repeat + 29))
        left -= repeat
    return bytes(out)


def decode_body(body: bytes) -> bytes:
    """Undo escapes and run-length encoding; raises `ValueError` on a dangling one."""
    if b"}" not in body and b"*" not in body:
        return body
    out = bytearray()
    chars = iter(body)
    for char in chars:
        if char not in (_ESCAPE, 0x2A):
            out.append(char)
            continue
        following = next(chars, None)
        if following is None:
            raise ValueError("packet ends inside an escape")
        if char == _ESCAPE:
            out.append(following ^ 0x20)
        elif not out or not 32 <= following <= 126:
            raise ValueError("repeat count without anything to repeat")
        else:
            out += out[-1:] * (following - 29)
    return bytes(out)


class Decoder:
    """Cuts a stream of bytes into events; never raises, never keeps more than one packet."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        """Longest packet body accepted, in bytes on the wire."""
        self._buffer = bytearray()
        self._scanned = 0

    def feed(self, data: bytes) -> list[Event]:
        """Return what is complete now."""
        self._buffer += data
        events: list[Event] = []
        while self._buffer and (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self) -> Event | None:
        first = self._buffer[0]
        if first == 0x24:
            return self._packet()
        if first in (0x2B, 0x2D, INTERRUPT_BYTE):
            del self._buffer[0]
            return Ack() if first == 0x2B else Nack() if first == 0x2D else Interrupt()
        junk = re.match(rb"[^$+\-\x03]+", self._buffer)
        assert junk is not None
        return self._drop(junk.end())

    def _drop(self, count: int) -> Junk:
        del self._buffer[:count]
        self._scanned = 0
        return Junk(count)

    def _packet(self) -> Event | None:
        end = self._buffer.find(b"#", max(self._scanned, 1))
        # An unescaped `$` never stands inside a packet: the one before it was cut off.
        # The last of them counts, so that any number of them costs one look.
        restart = self._buffer.rfind(b"$", max(self._scanned, 1), end if end >= 0 else None)
        if restart > 0:
            return self._drop(restart)
        if max(end, len(self._buffer) if end < 0 else 0) > self._limit:
            return self._drop(end if end >= 0 else len(self._buffer))
        if end < 0 or len(self._buffer) < end + 3:
            self._scanned = len(self._buffer) if end < 0 else end
            return None
        body = bytes(self._buffer[1:end])
        given = bytes(self._buffer[end + 1 : end + 3])
        del self._buffer[: end + 3]
        self._scanned = 0
        try:
            payload = decode_body(body)
        except ValueError:
            return Packet(body, intact=False)
        return Packet(payload, intact=given.lower() == b"%02x" % (sum(body) & 0xFF))
