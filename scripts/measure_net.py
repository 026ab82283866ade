"""Measure the network layer: packets per second from the log in play, bytes per packet event.

Usage: python scripts/measure_net.py [PACKETS]
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time

from ttd.replay import Checkpoint, MachineConfig, Mode, Netdev, Recording, Replay
from ttd.replay.net import PacketFlags

SIZE = 64
STEPS = 500
"""Steps between two packets, about."""
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


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.ttd")
        size, data = record(path, count)
        received, seconds = play(path)
    assert received == count
    print(f"{count} packets of {SIZE} random bytes in, as many out")
    print(f"play: {count / seconds:,.0f} packets/s in and out")
    print(f"file: {(size - data) / count:.1f} bytes per pair besides the {SIZE} of the contents")


if __name__ == "__main__":
    main()
