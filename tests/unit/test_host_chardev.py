"""Host sides of serial lines against real files, sockets and terminals."""

import errno
import os
import pty
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ttd.errors import UserError
from ttd.host.chardev import open_chardev
from ttd.host.errors import ChardevError
from ttd.host.tcp import TcpServer
from ttd.replay.chars import CharBackend

ROOT = str(Path(__file__).parents[2])

PATIENCE = 60.0
"""Seconds after which something has gone wrong."""


class Input:
    """Collects what a backend reads."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._changed = threading.Condition()

    def __call__(self, data: bytes) -> None:
        with self._changed:
            self.data += data
            self._changed.notify_all()

    def wait(self, data: bytes) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: bytes(self.data) == data, PATIENCE), self.data


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "stdin",
        "file:",
        "file",
        "tcp:",
        "tcp:localhost",
        "tcp:localhost:x",
        "tcp:localhost:99999",
        "tcp:localhost:1,client",
        "tcp:localhost:1,nowait",
        "file:/no/such/folder/x",
        "tcp:127.0.0.1:1",
    ],
)
def test_what_cannot_be_opened_is_told_in_one_sentence(spec: str) -> None:
    with pytest.raises(ChardevError) as error:
        open_chardev(spec)
    assert "\n" not in str(error.value)
    assert isinstance(error.value, UserError)


def test_null() -> None:
    null = open_chardev("null")
    null.start(Input())
    assert null.write(b"abc") == 3
    assert null.read_all(5) == b""
    null.close()


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old contents")
    backend = open_chardev(f"file:{path}")
    assert backend.write(b"ab") == 2
    assert backend.write(b"c") == 1
    backend.close()
    backend.close()
    assert path.read_bytes() == b"abc"


def test_a_file_is_not_touched_before_the_start(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"old contents")
    for path in (old, new):
        open_chardev(f"file:{path}").close()
    assert old.read_bytes() == b"old contents" and not new.exists()
    for path in (old, new):
        backend = open_chardev(f"file:{path}")
        backend.start(lambda data: None)
        assert path.read_bytes() == b""
        assert backend.write(b"ab") == 2
        backend.close()
        assert path.read_bytes() == b"ab"


def test_a_full_disk_is_an_errno() -> None:
    backend = open_chardev("file:/dev/full")
    assert backend.write(b"ab") == -errno.ENOSPC
    backend.close()


def test_tcp_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        backend = open_chardev(f"tcp:127.0.0.1:{port}")
        peer, _ = listener.accept()
        got = Input()
        peer.sendall(b"early")
        assert backend.read_all(100) == b"early"
        backend.start(got)
        assert backend.write(b"hello") == 5
        assert peer.recv(100) == b"hello"
        peer.sendall(b"world")
        got.wait(b"world")
        results = []
        while (result := backend.write(bytes(1 << 16))) > 0:
            results.append(result)
        assert result == -errno.EAGAIN
        peer.close()
        eventually(lambda: backend.write(b"x") in (-errno.EPIPE, -errno.ECONNRESET))
        backend.close()


def connect(backend: CharBackend) -> socket.socket:
    assert isinstance(backend, TcpServer)
    return socket.create_connection(("127.0.0.1", backend.port))


def test_tcp_server_takes_one_connection_after_the_other() -> None:
    said: list[str] = []
    backend = open_chardev("tcp:127.0.0.1:0,server,nowait", said.append)
    assert "port" in said[0]
    assert backend.write(b"lost") == 4
    got = Input()
    backend.start(got)
    for text in (b"one", b"two"):
        got.data.clear()
        with connect(backend) as peer:
            peer.sendall(text)
            got.wait(text)
            assert backend.write(text) == 3
            assert peer.recv(100) == text
        eventually(lambda: backend._peer is None)  # type: ignore[attr-defined]
    backend.close()
    with pytest.raises(OSError):
        connect(backend)


def test_tcp_server_waits_for_the_first_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    opened: list[CharBackend] = []
    spec = f"tcp:127.0.0.1:{port},server"
    thread = threading.Thread(target=lambda: opened.append(open_chardev(spec)), daemon=True)
    thread.start()
    thread.join(0.1)
    assert not opened
    peers: list[socket.socket] = []

    def reached() -> bool:
        try:
            peers.append(socket.create_connection(("127.0.0.1", port)))
        except ConnectionRefusedError:
            return False
        return True

    eventually(reached)
    thread.join(PATIENCE)
    assert opened[0].write(b"hi") == 2
    assert peers[0].recv(10) == b"hi"
    opened[0].close()
    peers[0].close()


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ChardevError, match="cannot be listened on"):
            open_chardev(f"tcp:127.0.0.1:{port},server,nowait")


def test_pty() -> None:
    said: list[str] = []
    backend = open_chardev("pty", said.append)
    path = said[0].split()[-1]
    got = Input()
    backend.start(got)
    assert backend.write(b"nobody listens") == 14
    for text in (b"abc\r\n", b"\x03\x04"):
        got.data.clear()
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, text)
        got.wait(text)
        assert backend.write(b"a\nb") == 3
        assert os.read(fd, 10) == b"a\nb"
        os.close(fd)
    backend.close()


STDIO = """
import sys, time
from ttd.host.chardev import open_chardev
backend = open_chardev("stdio")
got = bytearray()
backend.start(got.extend)
backend.write(b"ready")
while b"!" not in got: time.sleep(0.01)
backend.write(b"<" + bytes(got) + b">")
if b"?" in got: raise RuntimeError("no close")
backend.close()
"""


def test_stdio_through_pipes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STDIO], input=b"ab\n!", capture_output=True, check=True, cwd=ROOT
    )
    assert done.stdout == b"ready<ab\n!>"


@pytest.mark.parametrize("keys", [b"a\x01\r!", b"a?\r!"])
def test_stdio_on_a_terminal_gives_it_back(keys: bytes) -> None:
    """Keys come one by one, as they are, without an echo; settings come back after errors too."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [sys.executable, "-c", STDIO],
        stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, cwd=ROOT, close_fds=True,
    )  # fmt: skip
    try:
        seen = b""
        while not seen.endswith(b"ready"):
            seen += os.read(master, 100)
        during = termios.tcgetattr(slave)
        assert not during[3] & (termios.ICANON | termios.ECHO)
        assert during[3] & termios.ISIG
        os.write(master, keys)
        while not seen.endswith(b">"):
            seen += os.read(master, 100)
        assert seen == b"ready<" + keys + b">"
        assert process.wait(PATIENCE) == (1 if b"?" in keys else 0)
        assert termios.tcgetattr(slave) == before
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def test_stdio_serves_one_line_only() -> None:
    code = (
        "from ttd.host.chardev import open_chardev\n"
        "open_chardev('stdio')\n"
        "try: open_chardev('stdio')\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout == "stdio can be the backend of one serial line only\n"
