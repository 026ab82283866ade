"""The sending side: acknowledgments, console output, and errors in the words a client knows."""

from __future__ import annotations

from collections.abc import Callable

from ttd.rsp.framing import compress, encode, escape

_CONSOLE_CHUNK = 4096
_SHORT = 1500
"""Bytes of a packet that are sent faster than they are compressed."""
_LONGEST_ERROR = 400
"""Characters of an error's text: clients have buffers for one line."""


class ClientGone(Exception):
    """Nothing can be sent to the client any more."""


class Link:
    """What goes to one client. `send_bytes` takes what is to go on the wire.

    What is read may have been sent long before, when the client had no answer and grew impatient:
    everything that asks for a repetition is therefore compared with `sent` as it was when that was
    read.
    """

    def __init__(self, send_bytes: Callable[[bytes], None]) -> None:
        self.acks = True
        self.error_messages = False
        """The client has said `error-message+`."""
        self.error_strings = False
        """The client has sent `QEnableErrorStrings` (LLDB)."""
        self.sent = 0
        """How many times something was sent, acknowledgments included; read by any thread."""
        self._send_bytes = send_bytes
        self._last_frame = b""
        self._framed = 0
        """`sent` after the last frame."""
        self._unanswered = 0
        """Frames of which the client has not said that it got them."""
        self._taken: tuple[bytes, int] | None = None
        """The last packet that was acknowledged, and `sent` after that."""

    def _send(self, data: bytes) -> None:
        self._send_bytes(data)
        self.sent += 1

    def accept(self, payload: bytes, intact: bool, heard: int) -> bool:
        """A packet has come, read when `sent` was `heard`; True if it is to be looked at.

        Section "Packet Acknowledgment". Without acknowledgments checksums do not count: nothing
        could be sent again.
        """
        if self._taken is not None and self._taken[0] == payload and heard < self._taken[1]:
            # Sent again because no acknowledgment came in time: an answer would be a second one.
            if self.acks:
                self._send(b"+" if intact else b"-")
            return False
        self._unanswered = 0  # the client has gone on
        if not self.acks:
            return True
        self._send(b"+" if intact else b"-")
        if intact:
            self._taken = (payload, self.sent)
        return intact

    def arrived(self) -> None:
        """The client has got a packet."""
        self._unanswered = max(self._unanswered - 1, 0)

    def repeat(self, heard: int) -> None:
        """The client did not get the last packet, it said when `sent` was `heard`."""
        if self.acks and self._unanswered and heard >= self._framed:
            self._send(self._last_frame)
            self._framed = self.sent

    def send(self, payload: bytes) -> None:
        """Send a reply that is escaped already, where it has to be."""
        # A repeat count could split an escape, and escapes are rare outside of binary data.
        plain = len(payload) < _SHORT or b"}" in payload or b"*" in payload
        body = payload if plain else compress(payload)
        self._last_frame = encode(body)
        self._unanswered += 1
        self._send(self._last_frame)
        self._framed = self.sent

    def console(self, text: str) -> None:
        """Section "Stop Reply Packets", `O`: only while running or in a monitor command."""
        data = text.encode("utf-8", "backslashreplace")
        for at in range(0, len(data), _CONSOLE_CHUNK):
            self.send(b"O" + data[at : at + _CONSOLE_CHUNK].hex().encode())

    def error(self, text: str, *, quoted: bool = False) -> bytes:
        """An error reply. Section "Standard Replies".

        `quoted`: it is for a packet of which GDB shows whatever it gets for an error, without
        having said `error-message+`.
        """
        data = text[:_LONGEST_ERROR].encode("utf-8", "backslashreplace")
        if self.error_strings:
            return b"E0d;" + data.hex().encode()
        if self.error_messages or quoted:
            return b"E." + escape(data)
        return b"E0d"
