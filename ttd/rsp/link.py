"""The sending side: acknowledgments, console output, and errors in the words a client knows."""

from __future__ import annotations

from collections.abc import Callable

from ttd.rsp.framing import compress, encode, escape

_CONSOLE_CHUNK = 4096


class Link:
    """What goes to one client. `send_bytes` takes what is to go on the wire."""

    def __init__(self, send_bytes: Callable[[bytes], None]) -> None:
        self.acks = True
        self.error_messages = False
        """The client has said `error-message+`."""
        self.error_strings = False
        """The client has sent `QEnableErrorStrings` (LLDB)."""
        self._send_bytes = send_bytes
        self._last_frame = b""

    def acknowledge(self, intact: bool) -> bool:
        """Section "Packet Acknowledgment"; True if the packet is to be looked at.

        Without acknowledgments checksums do not count: nothing could be sent again.
        """
        if self.acks:
            self._send_bytes(b"+" if intact else b"-")
        return intact or not self.acks

    def repeat(self) -> None:
        """The client did not get the last packet."""
        if self.acks and self._last_frame:
            self._send_bytes(self._last_frame)

    def send(self, payload: bytes) -> None:
        """Send a reply that is escaped already, where it has to be."""
        # A repeat count could split an escape, and escapes are rare outside of binary data.
        body = payload if b"}" in payload or b"*" in payload else compress(payload)
        self._last_frame = encode(body)
        self._send_bytes(self._last_frame)

    def console(self, text: str) -> None:
        """Section "Stop Reply Packets", `O`: only while running or in a monitor command."""
        data = text.encode()
        for at in range(0, len(data), _CONSOLE_CHUNK):
            self.send(b"O" + data[at : at + _CONSOLE_CHUNK].hex().encode())

    @property
    def shows_errors(self) -> bool:
        """True when the text given to `error` reaches the user."""
        return self.error_messages or self.error_strings

    def error(self, text: str) -> bytes:
        """An error reply. Section "Standard Replies"."""
        if self.error_messages:
            return b"E." + escape(text.encode())
        if self.error_strings:
            return b"E0d;" + text.encode().hex().encode()
        return b"E0d"
