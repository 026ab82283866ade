"""Debian's U-Boot on `virt`, in M mode and under OpenSBI in S mode, beside QEMU."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.integration.cli_tools import info, ttd, verify
from tests.integration.ethernet import ARP, HERE, ICMP, IPV4, UDP, checksum
from tests.integration.guests import install, qemu, record, talk

pytestmark = pytest.mark.slow

UBOOT = Path("/usr/lib/u-boot")
M_MODE = UBOOT / "qemu-riscv64" / "u-boot.bin"
S_MODE = UBOOT / "qemu-riscv64_smode" / "u-boot.bin"
OPENSBI = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic")
PROMPT = b"=> "
GUESTS = {
    "M mode": ("--bios", M_MODE),
    "M mode, without firmware": (f"{M_MODE}@0x80000000",),
    "S mode, fw_dynamic": ("--kernel", S_MODE),
    "S mode, fw_jump": ("--bios", OPENSBI / "fw_jump.bin", "--kernel", S_MODE),
}
SAME_IN_QEMU = {
    "M mode": ("-bios", M_MODE),
    "M mode, without firmware": ("-bios", "none", "-kernel", M_MODE),
    "S mode, fw_dynamic": ("-bios", OPENSBI / "fw_dynamic.bin", "-kernel", S_MODE),
    "S mode, fw_jump": ("-bios", OPENSBI / "fw_jump.bin", "-kernel", S_MODE),
}
MACHINE = ("-M", "virt", "-cpu", "sifive-u54", "-global", "virtio-mmio.force-legacy=false")


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    install([M_MODE, S_MODE], "u-boot-qemu")
    install([OPENSBI / "fw_jump.bin"], "opensbi")


@pytest.mark.parametrize("name", GUESTS)
def test_a_typed_session_is_that_of_qemu(tmp_path: Path, name: str) -> None:
    lines = [b"", b"printenv", b"md 80200000 20", b"virtio scan", b"virtio info", b"bdinfo"]
    lines += [b"md.l 30000000 10", b"dm tree"]
    path = tmp_path / "run.ttd"
    said = talk(record("virt", path, *GUESTS[name]), PROMPT, lines)
    assert b"Unknown command" not in said
    assert b"bootdelay=2" in said and b"0x0000000080000000" in said
    assert "the same" in verify(path)
    echo = ttd("replay", path, "--echo")
    assert echo.code == 0 and echo.out == said
    other = qemu("qemu-system-riscv64", *MACHINE, *SAME_IN_QEMU[name])
    assert said == talk(other, PROMPT, lines)


def test_a_reset_loads_everything_again(tmp_path: Path) -> None:
    """U-Boot runs from a copy of itself: it can destroy what a reset starts."""
    lines = [b"mw.l 80000000 0 100", b"mw.l 87e00000 0 100", b"md 80000000 4", b"reset"]
    path = tmp_path / "run.ttd"
    typist = record("virt", path, "--bios", M_MODE)
    said = talk(typist, PROMPT, [*lines, b"md 80000000 4"])
    assert said.count(b"U-Boot 2") == 2
    first, second = re.findall(rb"^80000000: (.{35})", said, re.M)
    assert first == b"00000000 00000000 00000000 00000000" != second
    assert info(path)["events"]["checkpoint"] >= 3
    assert "the same" in verify(path)


def test_it_switches_the_machine_off(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    typist = record("virt", path, "--bios", M_MODE, "--append", "console=ttyS0")
    typist.expect(PROMPT)
    typist.type(b"fdt addr ${fdtcontroladdr}; fdt print /chosen\r")
    assert b'bootargs = "console=ttyS0"' in typist.expect(PROMPT)
    typist.type(b"poweroff\r")
    assert typist.end() == 0
    assert info(path)["end"] == "the guest switched the machine off with code 0"
    assert "the same" in verify(path)


def test_memory_initrd_and_disk(tmp_path: Path) -> None:
    disk, initrd = tmp_path / "disk.img", tmp_path / "initrd"
    disk.write_bytes(bytes(range(256)) * 512)
    initrd.write_bytes(b"the initial RAM disk" * 50)
    lines = [
        b"virtio info",
        b"virtio read 84000000 3 2",
        b"md.b 84000000 20",
        b"md.b 88200000 20",
        b"bdinfo",
    ]
    path = tmp_path / "run.ttd"
    ours = (*GUESTS["S mode, fw_jump"], "--initrd", initrd, "--memory", "256M")
    said = talk(record("virt", path, *ours, "--device", f"virtio-blk,file={disk}"), PROMPT, lines)
    assert b"2 blocks read: OK" in said and b"88200000: 74 68 65 20 69" in said
    disk.unlink()
    assert "the same" in verify(path)
    disk.write_bytes(bytes(range(256)) * 512)
    theirs = (*SAME_IN_QEMU["S mode, fw_jump"], "-initrd", initrd, "-m", "256M")
    drive = (
        "-drive",
        f"file={disk},if=none,format=raw,id=d",
        "-device",
        "virtio-blk-device,drive=d",
    )
    assert said == talk(qemu("qemu-system-riscv64", *MACHINE, *theirs, *drive), PROMPT, lines)


# -- a network ----------------------------------------------------------------------------

FILE = b"this came by TFTP\n" * 20
TFTP = 69


def answer(packet: bytes) -> bytes | None:
    """What a host with a TFTP server says to a packet: ARP, ping, requests to read `FILE`."""
    guest, kind, body = packet[6:12], packet[12:14], packet[14:]
    head = guest + HERE + kind
    if kind == ARP and body[7] == 1:
        return head + body[:7] + b"\2" + HERE + body[24:28] + body[8:18]
    if kind != IPV4:
        return None
    to, payload = body[12:16] + body[16:20], body[20 : struct.unpack(">H", body[2:4])[0]]
    if body[9] == ICMP and payload[0] == 8:
        echo = b"\0\0\0\0" + payload[4:]
        payload = echo[:2] + struct.pack(">H", checksum(echo)) + echo[4:]
    elif body[9] == UDP and struct.unpack(">H", payload[2:4])[0] == TFTP:
        data = struct.pack(">HH", 3, 1) + FILE
        payload = b"\x10\0" + payload[:2] + struct.pack(">HH", 8 + len(data), 0) + data
    else:
        return None
    source, target = to[4:], to[:4]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, body[9], 0)
    ip = ip[:10] + struct.pack(">H", checksum(ip + source + target)) + source + target
    return head + ip + payload


@contextmanager
def host() -> Iterator[str]:
    """A host on the other end of a `dgram` network; yields what `--netdev` is told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                packet, guest = ours.recvfrom(2000)
                if not packet:
                    return
                found = answer(packet)
                if found is not None:
                    ours.sendto(found, guest)

        server = Thread(target=serve, daemon=True)
        server.start()
        here = f"127.0.0.1:{ours.getsockname()[1]}"
        yield f"dgram,id=net0,local=127.0.0.1:0,remote={here}"
        ours.sendto(b"", ours.getsockname())
        server.join()


@pytest.mark.parametrize("name", ["M mode", "S mode, fw_dynamic"])
def test_ping_and_tftp(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.ttd"
    network = ("setenv ipaddr 10.0.2.15; setenv serverip 10.0.2.2", "ping 10.0.2.2")
    load = ("tftpboot 84000000 file", "md.b 84000000 12", "crc32 84000000 ${filesize}")
    with host() as netdev:
        typist = record(
            "virt", path, *GUESTS[name], "--netdev", netdev, "--device", "virtio-net,netdev=net0"
        )
        typist.expect(b"any key")
        typist.type(b" ")
        said = talk(typist, PROMPT, [line.encode() for line in (*network, *load)])
    assert b"host 10.0.2.2 is alive" in said
    assert b"Bytes transferred = %d" % len(FILE) in said
    assert FILE[:16] in said
    assert "the same" in verify(path)
    assert info(path)["events"]["net"] >= 3
