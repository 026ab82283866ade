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
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, Self

from ttd.debugger.marks import Marks
from ttd.errors import UserError, reason
from ttd.gdbstub import GdbSession
from ttd.monitor import Events, Question
from ttd.rsp.framing import Ack, Decoder, Event, Interrupt, Nack, Packet, encode
from ttd.rsp.link import ClientGone
from ttd.target import PACKET_SIZE
from ttd.timeline_api import TimelineApi
from ttd.values import dataclass

log = logging.getLogger("ttd.rsp")
packet_log = logging.getLogger("ttd.rsp.packets")

NO_AUTHENTICATION = (
    "The GDB protocol has no authentication: whoever can connect can read and control the machine."
)
_POLL = 0.2
"""Seconds until a request to stop is noticed."""
_GRACE = 1.0
"""Seconds that a second client waits in case the first is just about to go."""
PATIENCE = 5.0
"""Seconds for which a client may take none of our bytes, or leave no room for more of its own."""
_MOST_WAITING = 1000
"""Events read and not dealt with yet: a client that sends on has to wait."""
_ROOM = 0.0005
"""Seconds between two looks at whether there is room again."""
_CHUNK = 4096
"""Bytes written at once to what is no socket: with room for any, there is room for these."""
_BACKLOG = 128
_NOT_YET = ".new"
"""Behind the name of a Unix socket that nobody should connect to yet."""
_MOST_AT_DOOR = 32
"""Clients that wait at once."""
REFUSAL = b"E.another debugger is connected to ttd"

_Send = Callable[[bytes], None]


class Connection(Protocol):
    """A stream of bytes to one client. Both methods raise `OSError` when it is gone."""

    def read(self) -> bytes | None:
        """Wait a moment until there is something: None if there is nothing, empty at the end."""
        ...

    def write(self, data: bytes) -> None:
        """`TimeoutError` if the client takes nothing for `PATIENCE`, or when the server ends."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What clients get besides the timeline."""

    events: Events | None = None
    questions: Sequence[Question] = ()
    keep_calls: bool = False
    """A function that is called in the past leaves a branch."""
    idle: Callable[[], None] = lambda: None
    """Called again and again while nobody asks for anything."""


NOTHING_MORE = Offer()


def listen(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """Listen for clients; port 0 takes any free one. `UserError` with one sentence if that cannot
    be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:  # the latter for a name that cannot be one
        raise UserError(f"{host}:{port} cannot be listened on: {reason(error)}") from error


class UnixListener(socket.socket):
    """A Unix socket that listens; its name goes with it."""

    def __init__(self, path: str) -> None:
        """Nobody finds it at `path` yet."""
        super().__init__(socket.AF_UNIX)
        self._path = path
        self._name = ""
        """Where it is."""

    def begin(self) -> None:
        """Bind it, and listen."""
        made = self._path + _NOT_YET
        self.bind(made)
        self._name = made
        self.listen(_BACKLOG)

    def publish(self) -> None:
        """From now on clients find it."""
        os.rename(self._name, self._path)
        self._name = self._path

    def close(self) -> None:
        super().close()
        name, self._name = self._name, ""
        if name:
            os.unlink(name)


def listen_unix(path: str) -> UnixListener:
    """A Unix socket for `serve_unix`, which lets clients find it at `path`. `UserError` with one
    sentence if that cannot be, or if there is something already."""
    if os.path.lexists(path):
        raise UserError(f"{path} exists already: a socket is made there")
    listener = UnixListener(path)
    try:
        listener.begin()
    except OSError as error:
        listener.close()
        raise UserError(f"{path} cannot be listened on: {reason(error)}") from error
    return listener


def serve_tcp(
    timeline: TimelineApi,
    listener: socket.socket,
    *,
    ready: Callable[[int], None] | None = None,
    once: bool = False,
    stop: threading.Event | None = None,
    offer: Offer = NOTHING_MORE,
) -> None:
    """Serve one client of `listener` after another until `stop` is set, or, with `once`, one only.

    The listener is closed then.

    A client that comes while another is there is told so and turned away.

    `ready` is called with the port once clients are served. The timeline, its checkpoints and its
    trail outlive each client; breakpoints do not. `stop` also ends a movement under way, at once if
    `timeline.interrupt()` is called after it was set.
    """
    stop = stop or threading.Event()
    begin = _sessions(timeline, stop, offer)
    with listener:
        host, bound = listener.getsockname()[:2]
        log.info("Listening on %s port %d. %s", host, bound, NO_AUTHENTICATION)
        if ready is not None:
            ready(bound)
        _serve_clients(listener, stop, begin, offer.idle, once)


def serve_unix(
    timeline: TimelineApi,
    listener: UnixListener,
    *,
    stop: threading.Event | None = None,
    offer: Offer = NOTHING_MORE,
) -> None:
    """As `serve_tcp`, with what `listen_unix` has made.

    Who may connect is who may write to the socket. It is where clients look for it as long as they
    are served: a file that has come to be there is for them to connect to.
    """
    stop = stop or threading.Event()
    with listener:
        listener.publish()
        begin = _sessions(timeline, stop, offer)
        _serve_clients(listener, stop, begin, offer.idle, False)


def _serve_clients(
    listener: socket.socket,
    stop: threading.Event,
    begin: Callable[[_Send], GdbSession],
    idle: Callable[[], None],
    once: bool,
) -> None:
    """One client after another, until `stop` is set."""
    waiting: list[socket.socket] = []
    while not stop.is_set():
        if not waiting and not select.select([listener], [], [], _POLL)[0]:
            continue
        client = waiting.pop(0) if waiting else _accept(listener)
        if client is None:
            continue
        with client, _Doorkeeper(listener, waiting) as door:
            log.info("client connected")
            if client.family != socket.AF_UNIX:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = _Socket(client, door.gone, stop)
            try:
                _serve(connection, stop, begin, idle)
            finally:
                connection.hang_up()
        waiting = door.waiting
        if once:
            break
    for client in waiting:
        _refuse(client)


def serve_stdio(
    timeline: TimelineApi,
    *,
    input_fd: int = 0,
    output_fd: int = 1,
    stop: threading.Event | None = None,
    offer: Offer = NOTHING_MORE,
) -> None:
    """Serve one client on standard input and output, for GDB's `target remote | COMMAND`.

    Nothing else may print on standard output meanwhile. `stop`: see `serve_tcp`.
    """
    stop = stop or threading.Event()
    with _sigint_ignored():
        connection = _Pipe(input_fd, output_fd, stop)
        _serve(connection, stop, _sessions(timeline, stop, offer), offer.idle)


def _sessions(
    timeline: TimelineApi, stop: threading.Event, offer: Offer
) -> Callable[[_Send], GdbSession]:
    """What makes each session, all with the same marks."""
    marks = Marks()
    return lambda send: GdbSession(
        timeline,
        send,
        marks=marks,
        events=offer.events,
        questions=offer.questions,
        stop=stop,
        keep_calls=offer.keep_calls,
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
    """Turns clients away while one is served; those that wait when it has gone are kept."""

    def __init__(self, listener: socket.socket, waiting: list[socket.socket]) -> None:
        self.gone = threading.Event()
        """The client that is served has gone: the next one will be served soon."""
        self._listener = listener
        until = time.monotonic() + _GRACE
        self._waiting = [(client, until) for client in waiting]
        """Those that came, and when each is turned away."""
        self._bell, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="ttd-rsp-door", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bell.close()
        self._thread.join()
        self._wake.close()

    @property
    def waiting(self) -> list[socket.socket]:
        """Afterwards: those that have not been turned away."""
        return [client for client, _ in self._waiting]

    def _run(self) -> None:
        while True:
            left = self._waiting[0][1] - time.monotonic() if self._waiting else None
            patience = None if left is None else max(left, _POLL)
            ready = select.select([self._listener, self._wake], [], [], patience)[0]
            if self._wake in ready:
                return
            if self._listener in ready and (client := _accept(self._listener)) is not None:
                self._waiting.append((client, time.monotonic() + _GRACE))
            now = time.monotonic()
            late = [one for one, until in self._waiting if until <= now and not self.gone.is_set()]
            for client in late or [one for one, _ in self._waiting[:-_MOST_AT_DOOR]]:
                self._waiting.pop(0)
                log.warning("another client is turned away")
                _refuse(client)


def _accept(listener: socket.socket) -> socket.socket | None:
    """The next client; None if it has gone again, or there are no descriptors left."""
    try:
        return listener.accept()[0]
    except OSError as e:
        log.warning("a client could not be connected: %s", e.strerror)
        time.sleep(_POLL)
        return None


def _refuse(client: socket.socket) -> None:
    """Answer the first packet, which should be there by now, with an error, which GDB shows."""
    decoder = Decoder(limit=2 * PACKET_SIZE)
    with client:
        try:
            client.setblocking(False)
            data = client.recv(1 << 16)
            if any(isinstance(event, Packet) for event in decoder.feed(data)):
                client.sendall(b"+" + encode(REFUSAL))
        except OSError as e:
            log.debug("turning a client away: %s", e)


class _Stream:
    """Waits for descriptors, no longer than is good."""

    def __init__(self, input_fd: int, output_fd: int, stop: threading.Event) -> None:
        self._readable = _poll(input_fd, select.POLLIN)
        self._writable = _poll(output_fd, select.POLLOUT)
        self._stop = stop

    def await_data(self) -> bool:
        """True if there is something to read."""
        return bool(self._readable.poll(1000 * _POLL))

    def await_room(self) -> None:
        """Until something can be written."""
        give_up = time.monotonic() + PATIENCE
        while not self._writable.poll(1000 * _POLL):
            if self._stop.is_set() or time.monotonic() > give_up:
                raise TimeoutError("it does not read what it is sent")


def _poll(fd: int, events: int) -> select.poll:
    poll = select.poll()
    poll.register(fd, events)
    return poll


class _Socket:
    def __init__(self, client: socket.socket, gone: threading.Event, stop: threading.Event) -> None:
        self._client = client
        self._gone = gone
        self._stream = _Stream(client.fileno(), client.fileno(), stop)

    def read(self) -> bytes | None:
        data: bytes | None = b""
        try:
            data = self._client.recv(1 << 16) if self._stream.await_data() else None
        finally:
            if data == b"":
                self._gone.set()
        return data

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._client.send(view, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                self._stream.await_room()

    def hang_up(self) -> None:
        """Wake the reader, which may be blocked in `read`."""
        try:
            self._client.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the client had closed the connection already")


class _Pipe:
    def __init__(self, input_fd: int, output_fd: int, stop: threading.Event) -> None:
        self._input = input_fd
        self._output = output_fd
        self._stream = _Stream(input_fd, output_fd, stop)

    def read(self) -> bytes | None:
        return os.read(self._input, 1 << 16) if self._stream.await_data() else None

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._stream.await_room()
            view = view[os.write(self._output, view[:_CHUNK]) :]


@dataclass(frozen=True, slots=True)
class _Heard:
    """An event from the client; how often something had been sent to it when that was read."""

    event: Event
    sent: int


_Incoming = queue.SimpleQueue[_Heard | None]


def _serve(
    connection: Connection,
    stop: threading.Event,
    begin: Callable[[_Send], GdbSession],
    idle: Callable[[], None],
) -> None:
    """One session, to its end."""

    def send(data: bytes) -> None:
        packet_log.debug("-> %r", data)
        try:
            connection.write(data)
        except OSError as e:
            raise ClientGone(e.strerror or str(e)) from e

    session = begin(send)
    incoming: _Incoming = queue.SimpleQueue()
    reader = threading.Thread(
        target=_read,
        args=(connection, session, incoming, stop),
        name="ttd-rsp-reader",
        daemon=True,
    )
    reader.start()
    try:
        while not session.over and not stop.is_set():
            try:
                heard = incoming.get(timeout=_POLL)
            except queue.Empty:
                idle()
                continue
            if heard is None:
                log.info("client went away")
                break
            session.handle(heard.event, heard.sent)
    except ClientGone as e:
        log.warning("client lost: %s", e)
    finally:
        session.close()


def _read(
    connection: Connection, session: GdbSession, incoming: _Incoming, stop: threading.Event
) -> None:
    """The reading thread."""
    # Binary data may be escaped byte by byte.
    decoder = Decoder(limit=2 * PACKET_SIZE)
    try:
        while not session.over and not stop.is_set() and (data := connection.read()) != b"":
            if data is None:
                continue
            packet_log.debug("<- %r", data)
            sent = session.sent
            last: Event | None = None
            for event in decoder.feed(data):
                if event == last and isinstance(event, (Nack, Ack)):
                    continue  # noise, which there may be much of
                last = event
                if isinstance(event, Interrupt) or event == Packet(b"vCtrlC"):
                    session.interrupts.seen()
                elif isinstance(event, Packet):
                    session.overtaken()
                if not isinstance(event, Interrupt):
                    _make_room(incoming, session, stop)
                    incoming.put(_Heard(event, sent))
            if session.interrupts.pending:
                session.interrupts.deliver()
    except OSError as e:
        log.debug("reading from the client: %s", e)
    # Nobody waits for the end of a movement any more.
    session.interrupts.seen()
    incoming.put(None)
    session.interrupts.deliver()


def _make_room(incoming: _Incoming, session: GdbSession, stop: threading.Event) -> None:
    """Let a client wait that sends faster than it is answered, until it has to be given up."""
    waiting, since = incoming.qsize(), time.monotonic()
    while incoming.qsize() >= _MOST_WAITING and not session.over and not stop.is_set():
        time.sleep(_ROOM)
        if incoming.qsize() < waiting:
            waiting, since = incoming.qsize(), time.monotonic()
        elif time.monotonic() > since + PATIENCE:
            raise TimeoutError("it sends on without waiting for answers")
