"""Measure networks: packets per second from the log in play, bytes per packet event.

First the layer alone, then whole guests that echo datagrams: tests/firmware/net-echo on the LAN9118
(a word at a time, an interrupt for each packet or a few), and tests/firmware/virtio-net. Of those
it is the time of the processor that counts, which other work on the machine does not change.

Usage: python scripts/measure_net.py [PACKETS]
"""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

from ttd.boards import BOARDS
from ttd.boards.extras import Extra
from ttd.boards.networks import Networks
from ttd.capture.pcap import PcapWriter
from ttd.devices.net import DEFAULT_MAC
from ttd.host.files import Null
from ttd.host.net_pcap import Capture
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import HostSides, RecordedMachine, RecordOptions
from ttd.recording.config import MachineConfig
from ttd.recording.recording import Recording
from ttd.replay.net import Netdev, PacketFlags
from ttd.replay.replay import Replay
from ttd.replay.terms import Checkpoint, Mode

SIZE = 64
STEPS = 500
"""Steps between two packets, about."""
FIRMWARE = Path(__file__).resolve().parents[1] / "tests" / "firmware"
BOARD = BOARDS["mps2-an385"]
PEER, GUEST_IP, PEER_IP = bytes.fromhex("020000000001"), bytes((10, 0, 2, 15)), bytes((10, 0, 2, 2))
CONFIG = MachineConfig("none", "none", 40)


class Machine:
    """Takes a packet in, and sends one of the same size."""

    def __init__(self, mode: Mode, recording: Recording) -> None:
        self.step = 0
        self.received = 0
        self.replay = Replay()
        self.replay.configure(mode, recording)
        self.replay.attach(lambda: self.step, lambda: 0)
        self.net = self.replay.register_net(Netdev("net0"))
        self.net.connect(self.take, lambda size: True)
        self.replay.start()

    def take(self, packet: bytes) -> None:
        self.received += 1
        self.net.send(packet[::-1])

    def checkpoint(self) -> None:
        self.replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)


def record(path: str, count: int) -> tuple[int, int]:
    """Record `count` random packets; returns the size of the file and their bytes."""
    dice = random.Random(1)
    machine = Machine(Mode.RECORD, Recording.create(path, CONFIG))
    for _ in range(count):
        machine.step += STEPS + dice.randrange(STEPS // 10)
        machine.net.packet_event(PacketFlags.RAW, (dice.randbytes(SIZE),))
        machine.checkpoint()
    machine.replay.finish("measured")
    return os.path.getsize(path), count * SIZE


def play(path: str) -> tuple[int, float]:
    """Play everything; returns packets and seconds."""
    machine = Machine(Mode.PLAY, Recording.open(path))
    start = time.perf_counter()
    while not machine.replay.at_end:
        room = machine.replay.get_instructions()
        assert room is not None
        machine.step += room
        machine.checkpoint()
    return machine.received, time.perf_counter() - start


def datagram(data: bytes, mac: bytes) -> bytes:
    """A UDP packet to the guest's port 7."""
    head = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(data), 1, 0, 64, 17, 0) + PEER_IP + GUEST_IP
    total = sum(struct.unpack(">10H", head))
    check = ~(total % 0xFFFF) & 0xFFFF
    head = head[:10] + struct.pack(">H", check) + head[12:]
    return mac + PEER + b"\x08\0" + head + struct.pack(">4H", 4000, 7, 8 + len(data), 0) + data


def whole_guest(folder: str, name: str, extras: list[Extra], mac: bytes, count: int) -> None:
    """Record a guest that echoes `count` datagrams as fast as it can, and play that."""
    capture, path = os.path.join(folder, "in.pcap"), os.path.join(folder, f"{name}.ttd")
    data = [b"quiet", *(b"%022d" % number for number in range(count)), b"quit"]
    with open(capture, "wb") as file:
        writer = PcapWriter(file)
        for number, text in enumerate(data):
            writer.write(number, datagram(text, mac))
    options = RecordOptions(
        BOARD,
        load_image(str(FIRMWARE / name / f"{name}.elf")),
        BOARD.ns_per_step,
        semihosting=True,
        extras=extras,
        networks=Networks(("net0",), None if extras else "net0"),
    )
    host = HostSides(nets={"net0": Capture(capture, in_time=False)})
    lines = {BOARD.serials[0]: Null()}
    live = RecordedMachine.record(options, path, lines, SemihostFiles(None), bytes, host)
    begin = time.process_time()
    ended = live.run(None, lambda step: None)
    recorded = time.process_time() - begin
    live.finish(ended.reason, ended.code)
    live.close()
    played = RecordedMachine.open(path, SemihostFiles(None))
    begin = time.process_time()
    played.run(None, lambda step: None)
    seconds = time.process_time() - begin
    received, sent, _ = played.replay.filters[0].save()
    played.close()
    assert (received, sent) == (count + 2, count + 1)
    both = received + sent
    print(
        f"{name}, the whole guest: {both / seconds:,.0f} packets/s in play (as many in as out),"
        f" {both / recorded:,.0f} recorded"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.ttd")
        size, data = record(path, count)
        received, seconds = play(path)
        whole_guest(folder, "net-echo", [], DEFAULT_MAC, count // 10)
        mac = bytes.fromhex("525400123457")
        nic = Extra("virtio-net", "net", {"netdev": "net0", "mac": mac.hex()})
        whole_guest(folder, "virtio-net", [nic], mac, count // 4)
    assert received == count
    print(f"the layer: {count} packets of {SIZE} random bytes in, as many out")
    print(f"  play: {2 * count / seconds:,.0f} packets/s (as many in as out)")
    print(f"  file: {(size - data) / count:.1f} bytes per pair besides the {SIZE} of the contents")


if __name__ == "__main__":
    main()
