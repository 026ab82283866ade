"""Carries GDB sessions over TCP or over standard input and output.

One thread reads, so that Ctrl-C and a vanished client are noticed while the timeline moves; the
thread that called `serve_tcp` or `serve_stdio` does everything else, and owns the timeline.
"""

from __future__ import annotations

import logging
import os
import queue
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self

from ttd.gdbstub import PACKET_SIZE, ByteOrder, Session
from ttd.monitor import Bookmarks, Events
from ttd.rsp.framing import Decoder, Event, Interrupt, Packet, encode
from ttd.timeline import TimelineApi

log = logging.getLogger("ttd.rsp")
packet_log = logging.getLogger("ttd.rsp.packets")

NO_AUTHENTICATION = (
    "The GDB protocol has no authentication: whoever can connect can read and control the machine."
)
_POLL = 0.2
"""Seconds until a request to stop is noticed."""
_GRACE = 0.5
"""Seconds that a second client waits in case the first is just about to go."""
REFUSAL = b"E.another debugger is connected to ttd"

_Send = Callable[[bytes], None]


class Connection(Protocol):
    """A stream of bytes to one client. Both methods raise `OSError` when it is gone."""

    def read(self) -> bytes:
        """Block until there is something; empty at the end."""
        ...

    def write(self, data: bytes) -> None: ...


def check_port(host: str, port: int) -> None:
    """Raise `OSError` if the address cannot be listened on, before anything else is begun."""
    socket.create_server((host, port)).close()


def serve_tcp(
    timeline: TimelineApi,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    ready: Callable[[int], None] | None = None,
    once: bool = False,
    stop: threading.Event | None = None,
    events: Events | None = None,
    byte_order: ByteOrder = "little",
) -> None:
    """Serve one client after another until `stop` is set, or, with `once`, a single one.

    A client that comes while another is there is told so and turned away.

    `ready` is called with the port once clients can connect; port 0 takes any free one. The
    timeline, its checkpoints and its trail outlive each client; breakpoints do not. To end a
    movement under way as well, set `stop`, then call `timeline.interrupt()`. Raises `OSError` if
    the address cannot be listened on.
    """
    stop = stop or threading.Event()
    begin = _sessions(timeline, stop, events, byte_order)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=8) as listener:
        bound = listener.getsockname()[1]
        log.info("Listening on %s port %d. %s", host, bound, NO_AUTHENTICATION)
        if ready is not None:
            ready(bound)
        following: socket.socket | None = None
        while not stop.is_set():
            if following is None and not select.select([listener], [], [], _POLL)[0]:
                continue
            client = following or listener.accept()[0]
            with client, _Doorkeeper(listener) as door:
                log.info("client connected")
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                connection = _Socket(client, door.gone)
                try:
                    _serve(connection, stop, begin)
                finally:
                    connection.hang_up()
            following = door.following
            if once:
                break
        if following is not None:
            following.close()


def serve_stdio(
    timeline: TimelineApi,
    *,
    input_fd: int = 0,
    output_fd: int = 1,
    stop: threading.Event | None = None,
    events: Events | None = None,
    byte_order: ByteOrder = "little",
) -> None:
    """Serve one client on standard input and output, for GDB's `target remote | COMMAND`.

    Nothing else may print on standard output meanwhile. `stop`: see `serve_tcp`.
    """
    stop = stop or threading.Event()
    with _sigint_ignored():
        connection = _Pipe(input_fd, output_fd)
        _serve(connection, stop, _sessions(timeline, stop, events, byte_order))


def _sessions(
    timeline: TimelineApi, stop: threading.Event, events: Events | None, byte_order: ByteOrder
) -> Callable[[_Send], Session]:
    """What makes each session, all with the same bookmarks."""
    bookmarks = Bookmarks()
    return lambda send: Session(
        timeline, send, bookmarks=bookmarks, events=events, byte_order=byte_order, stop=stop
    )


@contextmanager
def _sigint_ignored() -> Iterator[None]:
    """A Ctrl-C typed into GDB also reaches its children; what counts is the 0x03 GDB sends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


class _Doorkeeper:
    """Turns clients away while one is served; the first that comes when it has gone is kept."""

    def __init__(self, listener: socket.socket) -> None:
        self.gone = threading.Event()
        """The client that is served has gone."""
        self.following: socket.socket | None = None
        self._listener = listener
        self._bell, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="ttd-rsp-door", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.gone.set()
        self._bell.close()
        self._thread.join()
        self._wake.close()

    def _run(self) -> None:
        while self.following is None:
            ready = select.select([self._listener, self._wake], [], [])[0]
            if self._wake in ready:
                return
            client, _ = self._listener.accept()
            if self.gone.wait(_GRACE):
                self.following = client
            else:
                log.warning("another client is turned away")
                with client:
                    _refuse(client)


def _refuse(client: socket.socket) -> None:
    """Answer the first packet with an error, which GDB shows."""
    client.settimeout(_GRACE)
    decoder = Decoder(limit=2 * PACKET_SIZE)
    try:
        while data := client.recv(1 << 16):
            if any(isinstance(event, Packet) for event in decoder.feed(data)):
                client.sendall(b"+" + encode(REFUSAL))
                return
    except OSError as e:
        log.debug("turning a client away: %s", e)


class _Socket:
    def __init__(self, client: socket.socket, gone: threading.Event) -> None:
        self._client = client
        self._gone = gone

    def read(self) -> bytes:
        data = b""
        try:
            data = self._client.recv(1 << 16)
        finally:
            if not data:
                self._gone.set()
        return data

    def write(self, data: bytes) -> None:
        self._client.sendall(data)

    def hang_up(self) -> None:
        """Wake the reader, which may be blocked in `read`."""
        try:
            self._client.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the client had closed the connection already")


class _Pipe:
    def __init__(self, input_fd: int, output_fd: int) -> None:
        self._input = input_fd
        self._output = output_fd

    def read(self) -> bytes:
        return os.read(self._input, 1 << 16)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._output, view) :]


def _serve(
    connection: Connection, stop: threading.Event, begin: Callable[[_Send], Session]
) -> None:
    """One session, to its end."""

    def send(data: bytes) -> None:
        packet_log.debug("-> %r", data)
        connection.write(data)

    session = begin(send)
    incoming: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    reader = threading.Thread(
        target=_read, args=(connection, session, incoming), name="ttd-rsp-reader", daemon=True
    )
    reader.start()
    try:
        while not session.over and not stop.is_set():
            try:
                event = incoming.get(timeout=_POLL)
            except queue.Empty:
                continue
            if event is None:
                log.info("client went away")
                break
            session.handle(event)
    except OSError as e:
        log.warning("client lost: %s", e)
    finally:
        session.close()


def _read(
    connection: Connection, session: Session, incoming: queue.SimpleQueue[Event | None]
) -> None:
    """The reading thread."""
    # Binary data may be escaped byte by byte.
    decoder = Decoder(limit=2 * PACKET_SIZE)
    try:
        while data := connection.read():
            packet_log.debug("<- %r", data)
            for event in decoder.feed(data):
                ctrl_c = isinstance(event, Interrupt) or event == Packet(b"vCtrlC")
                if ctrl_c:
                    session.interrupts.seen()
                incoming.put(event)
                if ctrl_c:
                    session.interrupts.deliver()
    except OSError as e:
        log.debug("reading from the client: %s", e)
    # Nobody waits for the end of a movement any more.
    session.interrupts.seen()
    incoming.put(None)
    session.interrupts.deliver()
