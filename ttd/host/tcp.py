"""A TCP connection as a serial line."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from errno import EPIPE
from threading import Lock, Thread

from ttd.errors import reason
from ttd.host.errors import ChardevError
from ttd.host.reader import READ_BYTES, Reader

SEND_SECONDS = 0.02
"""How long the guest is held up at most by a peer that does not read."""


class TcpClient:
    """Connects when it is opened. After the other side has gone, writes fail."""

    def __init__(self, host: str, port: int) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=10)
        except (OSError, UnicodeError) as error:  # the latter for a name that cannot be one
            raise ChardevError(f"tcp:{host}:{port} cannot be connected: {reason(error)}") from error
        _prepare(self._socket)
        self._reader = Reader(self._socket.fileno(), "tcp")

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Begin to read."""
        self._reader.start(on_input)

    @property
    def over(self) -> bool:
        """Nothing comes in any more."""
        return self._reader.over

    def write(self, data: bytes) -> int:
        """Bytes the connection took, or a negative errno."""
        return _send(self._socket, data)

    def room(self) -> int:
        """Nothing is certain: it is written at once."""
        return 0

    def put(self, data: bytes) -> None:
        """As `write`."""
        self.write(data)

    def read_all(self, count: int) -> bytes:
        """Up to `count` bytes, waiting for the first."""
        return self._reader.read(count)

    def close(self) -> None:
        """Hang up."""
        self._reader.stop()
        self._socket.close()


class TcpServer:
    """Listens; one connection at a time, a new one after each. Output without one is lost."""

    def __init__(self, host: str, port: int, wait: bool, say: Callable[[str], None]) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family, backlog=1)
        except (OSError, UnicodeError) as error:
            why = reason(error)
            raise ChardevError(f"tcp:{host}:{port} cannot be listened on: {why}") from error
        self.port: int = self._listener.getsockname()[1]
        self._lock = Lock()
        self._peer: socket.socket | None = None
        self._closed = False
        self._thread: Thread | None = None
        say(f"serial line on {host} port {self.port}" + ", waiting for a connection" * wait)
        if wait:
            self._accept()

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Begin to accept and to read."""
        self._thread = Thread(target=self._run, args=(on_input,), name="ttd-tcp", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> int:
        """Bytes the connection took, or a negative errno; all if there is none."""
        with self._lock:
            peer = self._peer
        return len(data) if peer is None else _send(peer, data)

    def room(self) -> int:
        """Nothing is certain: it is written at once."""
        return 0

    def put(self, data: bytes) -> None:
        """As `write`."""
        self.write(data)

    def read_all(self, count: int) -> bytes:
        """Up to `count` bytes, waiting for a connection and for the first."""
        while not self._closed:
            peer = self._peer or self._accept()
            if peer is not None and (data := _receive(peer, count)):
                return data
            self._hang_up()
        return b""

    def close(self) -> None:
        """Hang up and listen no more."""
        self._closed = True
        with self._lock:
            peer = self._peer
        for end in (peer, self._listener):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(timeout=2)
        self._hang_up()
        self._listener.close()

    def _run(self, on_input: Callable[[bytes], None]) -> None:
        while not self._closed:
            peer = self._peer or self._accept()
            if peer is None:
                return
            while data := _receive(peer, READ_BYTES):
                on_input(data)
            self._hang_up()

    def _accept(self) -> socket.socket | None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return None
        _prepare(peer)
        with self._lock:
            self._peer = peer
        return peer

    def _hang_up(self) -> None:
        with self._lock:
            peer, self._peer = self._peer, None
        if peer is not None:
            peer.close()


def _prepare(peer: socket.socket) -> None:
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.settimeout(None)


def _send(peer: socket.socket, data: bytes) -> int:
    try:
        # Each refusal is an event of the recording: let there be few of them.
        select.select([], [peer], [], SEND_SECONDS)
        return peer.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError as error:
        return -(error.errno or EPIPE)
    except ValueError:  # it was closed meanwhile
        return -EPIPE


def _receive(peer: socket.socket, count: int) -> bytes:
    try:
        select.select([peer], [], [])
        return peer.recv(count)
    except (OSError, ValueError):
        return b""
