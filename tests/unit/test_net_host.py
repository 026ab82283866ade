"""Host sides of networks: UDP, TAP and captures, and what users may get wrong."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest

from ttd.boards import BOARDS
from ttd.capture.pcap import PcapError, PcapReader, PcapWriter
from ttd.devices.net import DEFAULT_MAC
from ttd.errors import UserError
from ttd.host.net import netdev_name, open_netdev, open_networks
from ttd.host.net_dgram import Datagrams
from ttd.host.net_pcap import Capture

BOARD = BOARDS["mps2-an385"]


class Inbox:
    """Collects what a backend brings."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.moments: list[float] = []
        self._changed = threading.Condition()

    def put(self, flags: int, iov: Sequence[bytes]) -> None:
        with self._changed:
            self.packets.append(b"".join(iov))
            self.moments.append(time.monotonic())
            self._changed.notify_all()

    def wait(self, count: int) -> list[bytes]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.packets) >= count, 30)
        return self.packets


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.1", 0))
        end.settimeout(30)
        yield end


def test_each_packet_is_a_datagram(peer: socket.socket) -> None:
    net = Datagrams(("127.0.0.1", 0), peer.getsockname())
    inbox = Inbox()
    net.start(inbox.put)
    for packet in (b"one", b"", bytes(1514)):
        peer.sendto(packet, ("127.0.0.1", net.port))
    assert inbox.wait(2) == [b"one", bytes(1514)], "empty ones are no packets"
    net.send(b"back")
    assert peer.recv(100) == b"back"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"stranger", ("127.0.0.1", net.port))
    peer.sendto(b"last", ("127.0.0.1", net.port))
    assert inbox.wait(3)[2:] == [b"last"], "only the remote side is heard"
    net.close()
    net.close()


def test_a_peer_that_is_gone_loses_packets_only(peer: socket.socket) -> None:
    address = peer.getsockname()
    net = Datagrams(("127.0.0.1", 0), address)
    inbox = Inbox()
    net.start(inbox.put)
    peer.close()
    for _ in range(3):
        net.send(b"lost")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(address)
        again.settimeout(30)
        again.sendto(b"here", ("127.0.0.1", net.port))
        assert inbox.wait(1) == [b"here"]
        net.send(b"found")
        assert again.recv(100) == b"found"
    net.close()


TAP = """
import socket, sys, time
sys.path[:0] = {path!r}
from ttd.host.net import open_netdev
opened = open_netdev("tap,id=net0,ifname=ttd0")
import subprocess
subprocess.run(["ip", "link", "set", "ttd0", "up"], check=True)
got = []
opened.backend.start(lambda flags, iov: got.append(b"".join(iov)))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("ttd0", 0))
wire.settimeout(20)
frame = b"\\xff" * 6 + b"\\x02\\0\\0\\0\\0\\1" + b"\\x88\\xb5" + b"to the host".ljust(46, b".")
opened.backend.send(frame)
while wire.recv(2000) != frame:
    pass
back = frame[:14] + b"to the guest".ljust(46, b".")
wire.send(back)
end = time.monotonic() + 20
while back not in got and time.monotonic() < end:
    time.sleep(0.001)
opened.backend.close()
print("both ways" if back in got else "nothing came")
"""


def test_tap_in_a_network_namespace() -> None:
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("needs unshare and ip")
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("this kernel has no /dev/net/tun")
    probe = (
        "import fcntl,os,struct;"
        "fcntl.ioctl(os.open('/dev/net/tun',2),0x400454CA,struct.pack('16sH22x',b'ttd1',0x1002))"
    )
    inside = ["unshare", "-rn", sys.executable, "-c"]
    tried = subprocess.run([*inside, probe], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"TAP is not permitted here: {tried.stderr.strip().splitlines()[-1]}")
    script = TAP.format(path=sys.path)
    done = subprocess.run([*inside, script], capture_output=True, text=True, check=False)
    assert done.stdout == "both ways\n", done.stderr


def capture(packets: list[tuple[int, bytes]], order: str = "<", nanoseconds: bool = False) -> bytes:
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1)
    for ns, packet in packets:
        stamp = (ns // 10**9, ns % 10**9 // unit)
        data += struct.pack(order + "IIII", *stamp, len(packet), len(packet)) + packet
    return data


PACKETS = [(1_700_000_000_123_456_000, b"one"), (1_700_000_000_143_456_000, b"second")]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_captures_of_all_kinds_are_read(order: str, nanoseconds: bool) -> None:
    reader = PcapReader(BytesIO(capture(PACKETS, order, nanoseconds)), "x.pcap")
    assert list(reader.packets()) == PACKETS


def test_what_is_written_can_be_read() -> None:
    file = BytesIO()
    writer = PcapWriter(file)
    for ns, packet in PACKETS:
        writer.write(ns, packet)
    assert writer.packets == 2
    assert file.getvalue() == capture(PACKETS).replace(
        struct.pack("<II", 65535, 1), struct.pack("<II", 65536, 1)
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "x.pcap is not a pcap capture"),
        (b"hello, world, this is a text file", "x.pcap is not a pcap capture"),
        (b"\x0a\x0d\x0d\x0a".ljust(28, b"\0"), "editcap -F pcap"),
        (capture([])[:20] + b"\x69\0\0\0", "its link type is 105"),
        (capture(PACKETS)[:-1], "ends in the middle of packet 2"),
        (capture(PACKETS)[:30], "ends in the middle of packet 1"),
        (capture([]) + b"\xff" * 16, "packet 1 has 4294967295 bytes"),
    ],
)
def test_what_is_no_capture_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(PcapError, match=says):
        list(PcapReader(BytesIO(data), "x.pcap").packets())


def test_a_capture_comes_in_at_its_pace(tmp_path: Path) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(capture(PACKETS))
    net, inbox = Capture(str(path), in_time=True), Inbox()
    before = time.monotonic()
    net.start(inbox.put)
    net.send(b"lost")
    assert inbox.wait(2) == [b"one", b"second"]
    assert inbox.moments[1] - before >= 0.019, "20 ms lie between them"
    net.close()


def test_a_capture_ends_early_and_can_be_fast(tmp_path: Path) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(capture([(0, b"now"), (10**15, b"in 11 days")]))
    net, inbox = Capture(str(path), in_time=True), Inbox()
    net.start(inbox.put)
    inbox.wait(1)
    net.close()
    assert inbox.packets == [b"now"]
    net = Capture(str(path), in_time=False)
    net.start(inbox.put)
    assert inbox.wait(3)[2] == b"in 11 days"
    net.close()


DGRAM = "dgram,id=net0,local=127.0.0.1:0,remote=127.0.0.1:9"


def test_the_port_that_was_found_is_said() -> None:
    said: list[str] = []
    opened = open_netdev(DGRAM, said.append)
    assert isinstance(opened.backend, Datagrams)
    assert said == [f"net0 is on 127.0.0.1 port {opened.backend.port}"]
    assert opened.filtered and not open_netdev(DGRAM + ",filter=off").filtered
    assert netdev_name(DGRAM) == "net0"
    opened.backend.close()


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("user,id=net0", "'user' is none of dgram, tap, pcap"),
        ("dgram,local=:1,remote=:2", "id=... is missing"),
        ("dgram,id=n,remote=:2", "local=... is missing"),
        ("dgram,id=n,local=x,remote=:2", "local is HOST:PORT, not 'x'"),
        ("dgram,id=n,local=:1,remote=:2,mode=x", "there is no 'mode' here"),
        ("dgram,id=n,local=192.0.2.1:5,remote=:2", "there can be no such connection: Cannot"),
        ("tap,id=n", "ifname=... is missing"),
        ("tap,id=n,ifname=much-too-long-name", "at most 15 bytes"),
        ("pcap,id=n,file=/no/such.pcap", "cannot be read: No such file"),
        ("pcap,id=n,file=/,pace=slow", "pace is one of time, fast, not 'slow'"),
    ],
)
def test_what_is_wrong_with_a_netdev_is_one_sentence(spec: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        open_netdev(spec)
    assert str(caught.value).startswith(f"--netdev {spec}: ") and "\n" not in str(caught.value)


def dgram(name: str) -> str:
    return DGRAM.replace("net0", name)


def test_the_first_netdev_is_the_boards() -> None:
    networks, backends = open_networks(
        BOARD, [dgram("a"), dgram("b"), dgram("c")], None, ["a", "c"]
    )
    assert (networks.netdevs, networks.nic, networks.mac) == (("a", "b", "c"), "b", DEFAULT_MAC)
    assert list(backends) == ["a", "b", "c"]
    for backend in backends.values():
        backend.close()


def test_hardware_address() -> None:
    networks, _ = open_networks(BOARD, [], "mac=02:00:00:00:00:FE")
    assert (networks.nic, networks.mac) == (None, bytes.fromhex("0200000000fe"))


@pytest.mark.parametrize(
    ("netdevs", "nic", "says"),
    [
        ([dgram("a"), dgram("a")], None, "there already is a netdev a"),
        ([dgram("a"), dgram("b")], None, "netdev b has no device connected to it"),
        ([dgram("a")], "netdev=b", "there is no netdev b; there are a"),
        ([], "netdev=b", "there is no netdev b; there are none"),
        ([], "mac=1:2:3:4:5:6", "mac is like 52:54:00:12:34:56, not '1:2:3:4:5:6'"),
        ([], "mac=02:00:00:00:00", "mac is like 52:54"),
        ([], "mac=0x:00:00:00:00:00", "mac is like 52:54"),
        ([], "mac=01:00:5e:00:00:01", "is a group's address"),
        ([], "model=e1000", "there is no 'model' here; there are netdev, mac"),
    ],
)
def test_what_is_wrong_with_networks_is_one_sentence(
    netdevs: list[str], nic: str | None, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        open_networks(BOARD, netdevs, nic)
