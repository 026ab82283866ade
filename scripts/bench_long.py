"""A recording of 10^10 steps: what its recorder takes, and how long it is to anywhere in it."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time
from pathlib import Path

from bench_back import clock, served
from bench_speed import TTD, Numbers, Work
from bench_start import accepts, ended
from measure_memory import resident

LONG = Work("10^10 steps", "bench/bench-long.elf")
SEEKS = 300
_SAMPLES_S = 0.2
_TRIES = 5
MEASURED = ("resident_first", "resident_last", "resident_most")


def long_run(folder: Path) -> Numbers:
    """Record, index, open, and seek to random places."""
    recording = folder / "long.ttd"
    found: Numbers = {}
    found |= _recorded(LONG.record(recording, folder / "uart.txt"))
    found["file_bytes"] = os.path.getsize(recording)
    found["open_info_s"] = statistics.median(
        ended([TTD, "info", str(recording)]) for _ in range(_TRIES)
    )
    found["open_serve_s"] = statistics.median(
        accepts(recording, folder / "socket") for _ in range(_TRIES)
    )
    dice = random.Random(1)
    with served(recording) as client:
        places = [f"{dice.randrange(10_000_000) / 100_000:.5f}%" for _ in range(SEEKS)]
        times = sorted(clock(lambda: client.goto(place)) for place in places)  # noqa: B023
    found["seek_p50_s"] = statistics.median(times)
    found["seek_p99_s"] = times[int(SEEKS * 0.99) - 1]
    found["seek_max_s"] = times[-1]
    return found


def _recorded(command: list[str]) -> Numbers:
    """MiB that the recorder has: after the first tenth of its time, at the end, and at most."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    samples = []
    while process.poll() is None:
        samples.append(resident(process.pid))
        time.sleep(_SAMPLES_S)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"bench: the recorder ended with {process.returncode}")
    later = samples[len(samples) // 10 : -1]
    sizes = (later[0], later[-1], max(later))
    return {"record_s": seconds} | dict(zip(MEASURED, sizes, strict=True))
