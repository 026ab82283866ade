"""Measure disks: megabytes per second that a guest reads, recorded and in play.

tests/firmware/disk-reads reads an image from its beginning to its end over virtio-blk, two requests
at a time. The time is that of the processor, all threads together, which other work on the machine
does not change; in play with all that a replay compares.

Usage: python scripts/measure_block.py [MEGABYTES]
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
from ttd.boards.extras import Drive, Extra
from ttd.host.drive import RawImage
from ttd.host.files import Null
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import HostSides, RecordedMachine, RecordOptions

SECTOR, MEGABYTE = 512, 1 << 20
SIZES = (4 << 10, 64 << 10, 1 << 20)
"""Bytes of a request."""
ELF = Path(__file__).resolve().parents[1] / "tests" / "firmware" / "disk-reads" / "disk-reads.elf"
BOARD = BOARDS["mps2-an385"]


def contents(kind: str, size: int) -> bytes:
    """An image's, but for its first words."""
    dice = random.Random(1)
    if kind == "random":
        return dice.randbytes(size)
    words = [b"%08x " % dice.randrange(1 << 12) for _ in range(1 << 12)]
    text = b"".join(dice.choices(words, k=size // 9 + 1))
    return text[:size]


def record(image: str, path: str) -> float:
    """Seconds of it."""
    options = RecordOptions(
        BOARD,
        load_image(str(ELF)),
        BOARD.ns_per_step,
        semihosting=True,
        extras=[Extra("virtio-blk", "blk0", {"drive": "disk0"})],
        drives=[Drive("disk0", os.path.getsize(image), "")],
    )
    lines = {BOARD.serials[0]: Null()}
    host = HostSides(disks={"disk0": RawImage(image)})
    live = RecordedMachine.record(options, path, lines, SemihostFiles(None), bytes, host)
    begin = time.process_time()
    ended = live.run(None, lambda step: None)
    live.finish(ended.reason, ended.code)
    live.close()
    seconds = time.process_time() - begin
    assert ended.code == 0, ended
    return seconds


def play(path: str) -> float:
    """Seconds of it."""
    played = RecordedMachine.open(path, SemihostFiles(None))
    begin = time.process_time()
    played.run(None, lambda step: None)
    played.compare_end()
    seconds = time.process_time() - begin
    played.close()
    return seconds


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    size = megabytes * MEGABYTE
    with tempfile.TemporaryDirectory() as folder:
        image, path = os.path.join(folder, "disk.img"), os.path.join(folder, "run.ttd")
        for kind in ("random", "text"):
            data = contents(kind, size)
            for request in SIZES:
                first = struct.pack("<II", request // SECTOR, size // SECTOR)
                Path(image).write_bytes(first + data[len(first) :])
                recorded, played = record(image, path), play(path)
                stored = os.path.getsize(path) / size
                print(
                    f"{kind}, {request >> 10} KiB a request: {megabytes / played:,.0f} MB/s in"
                    f" play, {megabytes / recorded:,.0f} recorded; file {stored:.2f} of the disk"
                )


if __name__ == "__main__":
    main()
