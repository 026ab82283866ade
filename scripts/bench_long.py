"""A recording of 10^10 steps: what its recorder takes, and how long it is to anywhere in it."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench_back import clock, served
from bench_speed import TTD, Numbers, Work
from bench_start import accepts, ended
from measure_memory import resident

LONG_RUN = Work("10^10 steps", "bench/bench-long.elf")
SEEKS = 300
_SAMPLES_S = 0.2
_TRIES = 5


def long_run(folder: Path) -> Numbers:
    """Record, open, and seek to random places."""
    recording = folder / "long.ttd"
    found: Numbers = {}
    found |= _recorded(LONG_RUN.record(recording, folder / "uart.txt"))
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


def long_rows(n: Numbers) -> Iterator[tuple[str, str, str]]:
    """The lines of the table: title, value and goal."""
    resident = (n[f"resident_{key}"] for key in ("first", "last", "most"))
    yield "record", f"{n['record_s']:.0f} s, {n['file_bytes'] / (1 << 20):.1f} MiB", ""
    yield (
        "memory: after a tenth, at the end, at most",
        "{:.1f}, {:.1f}, {:.1f} MiB".format(*resident),
        "flat",
    )
    yield "ttd info", f"{n['open_info_s']:.2f} s", "0.2 s"
    yield "ttd serve: a client is accepted", f"{n['open_serve_s']:.2f} s", "0.2 s"
    seeks = (1e3 * n[f"seek_{key}_s"] for key in ("p50", "p99", "max"))
    yield (
        f"seeks to {SEEKS} random steps: p50, p99, most",
        "{:.0f}, {:.0f}, {:.0f} ms".format(*seeks),
        "100 ms",
    )


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
    return {
        "record_s": seconds,
        "resident_first": later[0],
        "resident_last": later[-1],
        "resident_most": max(later),
    }
