"""Measure what the log costs: bytes per character, timer interrupt and packet in the finished file,
and how fast a guest can poll a clock.

Usage: python scripts/measure_log.py
"""

from __future__ import annotations

import random
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ttd.boards import BOARDS
from ttd.boards.base import Board
from ttd.boards.extras import Extra
from ttd.boards.networks import Networks
from ttd.capture.pcap import PcapWriter
from ttd.host.clocks import HostClocks
from ttd.host.files import Null
from ttd.host.machine_choice import MachineChoice
from ttd.host.net_pcap import Capture
from ttd.host.semihost_files import SemihostFiles
from ttd.images import Image, Load
from ttd.loader import load_image
from ttd.recorded import HostSides, RecordedMachine, RecordOptions
from ttd.recording.events import Kind

BOARD = BOARDS["mps2-an385"]
FIRMWARE = Path(__file__).resolve().parents[1] / "tests" / "firmware"
CHARACTERS = 20_000
PACKETS, RANDOM = 4_000, 50
READS = 10_000_000
TIMER_STEPS = 300_000_000
PL031, TIMER0 = 0x40110000, 0x40000004
GOLDFISH = 0x00101000


class Typist(Null):
    """Types a text: all of it at once, or a little whenever the guest sleeps."""

    def __init__(self, text: bytes) -> None:
        self.left = bytearray(text)
        self.dice = random.Random(2)

    def start(self, on_input: Callable[[bytes], None]) -> None:
        self.type = on_input

    def type_some(self, count: int | None = None) -> bool:
        count = count or self.dice.choice((1, 1, 1, 1, 2, 5))
        self.type(bytes(self.left[:count]))
        del self.left[:count]
        return True


def session(
    image: Image | Sequence[Load],
    path: Path,
    uart: Null,
    host: HostSides | None = None,
    board: Board = BOARD,
    **more: object,
) -> RecordedMachine:
    options = RecordOptions(board, image, board.ns_per_step, semihosting=True, **more)  # type: ignore[arg-type]
    return RecordedMachine.record(
        options,
        str(path),
        {board.serials[0]: uart},
        SemihostFiles(None),
        bytes,
        host or HostSides(),
    )


def finish(session: RecordedMachine, steps: int | None = None) -> None:
    ended = session.run(steps, lambda step: None)
    session.finish(ended.reason, ended.code)
    session.close()


def wait(live: RecordedMachine, idle: Callable[[], object]) -> None:
    """Let `idle` be called when the guest sleeps, instead of waiting."""

    def instead(timeout: float) -> bool:
        idle()
        return True

    live.replay.wait = instead  # type: ignore[method-assign]


def firmware(name: str, elf: str = "") -> Image:
    return load_image(str(FIRMWARE / name / f"{elf or name}.elf"))


def log_of(path: Path, kind: Kind) -> tuple[int, int]:
    """Bytes of all events in the finished file, and how many there are of `kind`."""
    played = RecordedMachine.open(str(path), SemihostFiles(None))
    size = played.recording.event_bytes()
    count = sum(1 for _ in played.replay.log.select([kind]))
    played.close()
    return size, count


def text_of(count: int) -> bytes:
    dice, words = random.Random(1), bytearray()
    while len(words) < count:
        words += dice.choice((b"the ", b"quick ", b"brown ", b"fox ", b"jumps\n", b"over\n"))
    return bytes(words) + b"\nquit\n"


def characters(path: Path) -> None:
    text = text_of(CHARACTERS)
    for how in ("pasted", "typed"):
        typist = Typist(text)
        live = session(firmware("echo"), path, typist)
        if how == "pasted":
            typist.type_some(len(text))
        else:
            wait(live, typist.type_some)
        finish(live)
        size, _ = log_of(path, Kind.CHAR_READ)
        print(f"{how} characters: {size / len(text):.2f} bytes each, with their interrupts")


def timer(path: Path) -> None:
    finish(session(firmware("bench", "bench-systick"), path, Null()), TIMER_STEPS)
    size, count = log_of(path, Kind.INTERRUPT)
    print(f"timer interrupts: {size / count:.2f} bytes each ({count} of them)")


def packets(path: Path, capture: Path) -> None:
    """To an Ethernet controller: a header that is always the same, and random bytes."""
    dice = random.Random(3)
    with capture.open("wb") as file:
        writer = PcapWriter(file)
        for number in range(PACKETS):
            writer.write(number, b"\xff" * 6 + b"\2" * 6 + b"\x88\xb5" + dice.randbytes(RANDOM))
    net = Capture(str(capture), in_time=False)
    live = session(
        firmware("net-echo"),
        path,
        Null(),
        HostSides(nets={"net0": net}),
        networks=Networks(("net0",), "net0"),
    )
    wait(live, live.machine.interrupt)
    while live.replay.filters[0].save()[0] < PACKETS:
        live.machine.run(live.machine.engine.step + 100_000)
        time.sleep(0.001)
    live.finish("measured", None)
    live.close()
    size, count = log_of(path, Kind.NET)
    print(f"packets in: {size / count - RANDOM:.2f} bytes each beside {RANDOM} random ones")


def polled(path: Path, what: str, address: int, clock: str) -> None:
    """ldr r0, [pc]; loop: ldr r1, [r0]; adds r2, r1; b loop"""
    code = struct.pack("<2I4HI", 0x20001000, 9, 0x4801, 0x6801, 0x1852, 0xE7FC, address)
    program = path.with_suffix(".bin")
    program.write_bytes(code)
    extras = [Extra("pl031", "rtc0", {"clock": clock})] if clock else []
    host = HostSides(time=HostClocks())
    polls(path, what, session(load_image(f"{program}@0"), path, Null(), host, extras=extras))


def polled_on_virt(path: Path, what: str, address: int) -> None:
    """lui t0; loop: lw t1, (t0); add t2, t2, t1; j loop"""
    code = struct.pack("<4I", address | 0x2B7, 0x0002A303, 0x006383B3, 0xFF9FF06F)
    program = path.with_suffix(".bin")
    program.write_bytes(code)
    board, loads = MachineChoice("virt", f"{program}@0x80000000").make()
    polls(path, what, session(loads, path, Null(), HostSides(time=HostClocks()), board))


def polls(path: Path, what: str, live: RecordedMachine) -> None:
    """Three steps a read."""
    begin = time.perf_counter()
    finish(live, 3 * READS)
    recorded = time.perf_counter() - begin
    played = RecordedMachine.open(str(path), SemihostFiles(None))
    begin = time.perf_counter()
    played.run(None, lambda step: None)
    seconds = time.perf_counter() - begin
    played.compare_end()
    size = played.recording.event_bytes()
    played.close()
    print(
        f"{what}: {READS / recorded / 1e6:.1f} M reads/s recorded, {READS / seconds / 1e6:.1f} M in"
        f" play; log {size} bytes"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ttd"
        characters(path)
        timer(path)
        packets(path, Path(folder) / "in.pcap")
        polled(path, "PL031, the host's clock", PL031, "host")
        polled(path, "PL031, the host's clock while running", PL031, "rt")
        polled(path, "PL031, virtual time", PL031, "vm")
        polled_on_virt(path, "Goldfish RTC, the host's clock", GOLDFISH)
        polled(path, "a CMSDK timer", TIMER0, "")


if __name__ == "__main__":
    main()
