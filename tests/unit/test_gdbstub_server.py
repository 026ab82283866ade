"""Sessions over real sockets and pipes: threads, Ctrl-C, and clients that behave badly."""

from __future__ import annotations

import logging
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.unit.gdbstub_fake import LOAD, FakeTimeline
from ttd.gdbserver import NO_AUTHENTICATION, REFUSAL, listen, serve_stdio, serve_tcp
from ttd.rsp.framing import Decoder, Packet, encode

HANG = 60.0
"""Seconds after which a test is taken to hang."""


@contextmanager
def server(timeline: FakeTimeline, **options: bool) -> Iterator[int]:
    """A server in a thread; yields its port."""
    ready, stop = threading.Event(), threading.Event()
    ports: list[int] = []

    def listening(port: int) -> None:
        ports.append(port)
        ready.set()

    thread = threading.Thread(
        target=serve_tcp,
        args=(timeline, listen()),
        kwargs={"ready": listening, "stop": stop, **options},
    )
    thread.start()
    assert ready.wait(HANG)
    try:
        yield ports[0]
    finally:
        stop.set()
        thread.join(HANG)
        assert not thread.is_alive()


class Client:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        self._decoder = Decoder(1 << 20)
        self._packets: list[bytes] = []

    def receive(self) -> str:
        while not self._packets:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._packets += [
                event.payload for event in self._decoder.feed(data) if isinstance(event, Packet)
            ]
        return self._packets.pop(0).decode()

    def ask(self, request: bytes) -> str:
        self.socket.sendall(encode(request))
        return self.receive()

    def stop_reply(self) -> str:
        while (reply := self.receive()).startswith("O"):
            pass
        return reply.partition("thread:")[0]


def test_says_that_there_is_no_authentication(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ttd.rsp")
    with server(FakeTimeline()) as port:
        assert f"Listening on 127.0.0.1 port {port}. {NO_AUTHENTICATION}" in caplog.messages


@pytest.mark.parametrize("resume", [b"c", b"bc"])
def test_ctrl_c_in_both_directions(resume: bytes) -> None:
    timeline = FakeTimeline(steps=20_000, slow=True)
    timeline.seek(10_000)
    with server(timeline) as port:
        client = Client(port)
        client.socket.sendall(encode(resume))
        assert timeline.moving.wait(HANG)
        client.socket.sendall(b"\x03")
        assert client.stop_reply() == "T02"
        assert timeline.position not in (0, timeline.end)
        # Right behind the resume packet: it may arrive before the movement has begun.
        client.socket.sendall(encode(resume) + b"\x03")
        assert client.stop_reply() == "T02"
        # Without a movement it is meant for the next one, and only for that.
        client.socket.sendall(b"\x03" + encode(b"?") + encode(b"s"))
        assert client.stop_reply() == "T05"
        assert client.stop_reply() == "T02"
        client.socket.sendall(encode(b"s"))
        assert client.stop_reply() == "T05"
        client.socket.sendall(encode(b"QTFrame:pc:8") + b"\x03")
        assert client.receive() == "F-1"


def test_reconnect_after_detach_kill_and_disconnect() -> None:
    timeline = FakeTimeline()
    with server(timeline) as port:
        for goodbye in (b"D", b"k", None):
            client = Client(port)
            assert client.ask(b"Z0,%x,2" % LOAD) == "OK"
            before = timeline.position
            client.ask(b"s")
            assert timeline.position == before + 1
            if goodbye:
                client.socket.sendall(encode(goodbye))
                while client.socket.recv(100):
                    pass
            client.socket.close()
        client = Client(port)
        assert timeline.position == 3
        client.socket.sendall(encode(b"c"))
        assert client.stop_reply() == "T05replaylog:end;"  # the breakpoints are gone


def test_a_second_client_is_turned_away() -> None:
    timeline = FakeTimeline()
    with server(timeline) as port:
        first = Client(port)
        assert first.ask(b"qC") == "QC1"
        for _ in range(2):
            second = Client(port)
            assert second.ask(b"qSupported:swbreak+") == REFUSAL.decode()
            with pytest.raises((EOFError, ConnectionError)):
                second.receive()
        silent = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        assert silent.recv(1) == b""
        before = timeline.position
        first.ask(b"s")
        assert timeline.position == before + 1
        waiting = Client(port)
        first.socket.close()
        assert waiting.ask(b"qC") == "QC1"


def test_a_hello_that_is_said_again_is_answered_once() -> None:
    with server(FakeTimeline()) as port:
        client = Client(port)
        client.socket.sendall(3 * encode(b"qSupported:swbreak+") + encode(b"qC"))
        assert client.receive().startswith("PacketSize=")
        assert client.receive() == "QC1"


def test_once() -> None:
    with server(FakeTimeline(), once=True) as port:
        client = Client(port)
        client.ask(b"D")
        with pytest.raises(EOFError):
            client.receive()
        with pytest.raises(ConnectionRefusedError):
            for _ in range(100):
                Client(port).socket.close()
                threading.Event().wait(0.02)


def test_disconnect_in_the_middle_of_a_continue() -> None:
    timeline = FakeTimeline(steps=60_000, slow=True)
    with server(timeline) as port:
        client = Client(port)
        client.socket.sendall(encode(b"c"))
        assert timeline.moving.wait(HANG)
        client.socket.close()
        assert Client(port).ask(b"qC") == "QC1"
        assert timeline.position < timeline.end


def test_stop_ends_a_movement_too() -> None:
    timeline = FakeTimeline(steps=60_000, slow=True)
    ports: queue.SimpleQueue[int] = queue.SimpleQueue()
    stop = threading.Event()
    thread = threading.Thread(
        target=serve_tcp, args=(timeline, listen()), kwargs={"ready": ports.put, "stop": stop}
    )
    thread.start()
    client = Client(ports.get(timeout=HANG))
    client.socket.sendall(encode(b"c"))
    assert timeline.moving.wait(HANG)
    stop.set()
    timeline.interrupt()
    assert client.stop_reply() == "T02"
    thread.join(HANG)
    assert not thread.is_alive()
    assert timeline.position < timeline.end


@pytest.mark.slow
def test_rude_clients_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(1)
    with server(FakeTimeline()) as port:
        for rudeness in (
            b"GET / HTTP/1.0\r\n\r\n",
            b"$m20000000,4",
            b"$" + b"A" * 600_000,
            b"$m20000000,4#zz",
            b"$mffffffffffffffff,ffffffffffffffff#00" * 50,
            encode(b"X20000000,ffffffff:") * 50,
            encode(b"QTFrame:" + b"f" * 16) + encode(b"vCont;r") + encode(b"Hgz"),
            rng.randbytes(100_000),
            b"\x03\x03\x03",
            b"$" * 5_000_000,
            b"-" * 500_000,
            b"+-" * 100_000,
            b"$#00" * 10_000,
            b"}" * 100_000 + b"$}#7d",
            encode(b"")[:-1] + b"x",
            b"",
        ):
            client = Client(port)
            client.socket.sendall(rudeness)
            client.socket.close()
        served_soon(port)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert 1 <= len(warnings) <= 20
    assert not any(record.exc_info for record in caplog.records)


def served_soon(port: int) -> None:
    """A client that comes again when it is turned away."""
    give_up = time.monotonic() + HANG
    while Client(port).ask(b"qC") != "QC1":
        assert time.monotonic() < give_up


class Large(FakeTimeline):
    """Has much to say."""

    def read_memory(self, address: int, size: int) -> bytes:
        return random.Random(1).randbytes(size)


def test_a_client_that_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttd.gdbserver.PATIENCE", 0.5)
    with server(Large()) as port:
        rude = socket.socket()
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        rude.connect(("127.0.0.1", port))
        rude.sendall(b"".join(encode(b"m%x,ffff" % at) for at in range(2000)))
        served_soon(port)
        rude.close()


def test_a_client_that_does_not_read_does_not_hold_up_the_end() -> None:
    with server(Large()) as port:
        rude = socket.socket()
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        rude.connect(("127.0.0.1", port))
        rude.sendall(b"".join(encode(b"m%x,ffff" % at) for at in range(2000)))
    rude.close()


def test_a_client_that_sends_on_and_on_during_a_movement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttd.gdbserver.PATIENCE", 0.5)
    timeline = FakeTimeline(steps=60_000, slow=True)
    with server(timeline) as port:
        rude = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        rude.sendall(encode(b"c") + 5000 * encode(b"qC"))
        while rude.recv(1 << 16):  # it is left, as nobody can see whether it is still there
            pass
        assert timeline.position < timeline.end
        assert Client(port).ask(b"qC") == "QC1"


def test_a_crowd_at_the_door() -> None:
    with server(FakeTimeline()) as port:
        first = Client(port)
        assert first.ask(b"qC") == "QC1"
        crowd = [socket.create_connection(("127.0.0.1", port), timeout=HANG) for _ in range(200)]
        for one in crowd:
            one.close()
        assert first.ask(b"qC") == "QC1"
        first.socket.close()
        served_soon(port)


def test_stdio_ends_with_its_input() -> None:
    to_server, our_end = os.pipe()
    from_server, its_end = os.pipe()
    timeline = FakeTimeline()
    thread = threading.Thread(
        target=serve_stdio, args=(timeline,), kwargs={"input_fd": to_server, "output_fd": its_end}
    )
    thread.start()
    os.write(our_end, encode(b"s"))
    reply = b""
    while b"#" not in reply:
        reply += os.read(from_server, 1000)
    assert reply.startswith(b"+$T05thread:1;")
    os.close(our_end)
    thread.join(HANG)
    assert not thread.is_alive()
    for fd in (to_server, from_server, its_end):
        os.close(fd)
    assert timeline.position == 1


def test_packets_are_traced_on_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ttd.rsp.packets")
    with server(FakeTimeline()) as port:
        assert Client(port).ask(b"qC") == "QC1"
    traced = [r.getMessage() for r in caplog.records if r.name == "ttd.rsp.packets"]
    assert traced == ["<- b'$qC#b4'", "-> b'+'", "-> b'$QC1#c5'"]
