"""How long it takes until commands do something: what a person waits for who types them."""

from __future__ import annotations

import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench_speed import FIRMWARE, TTD, Numbers

ROUNDS = 11
CONSOLE = FIRMWARE / "bench-wait" / "console.elf"
"""Prints at once."""


def start_up(folder: Path) -> Numbers:
    """Milliseconds, medians: until it is so, and of processors until the command is over, which is
    then (`record` and `serve` are ended when they have begun)."""
    recording = folder / "start.ttd"
    record = [TTD, "record", "--board", "mps2-an385", "-o", str(recording), "--force"]
    ways: dict[str, Callable[[], float]] = {
        "python": lambda: ended([sys.executable, "-c", "pass"]),
        "record": lambda: _first_byte([*record, str(CONSOLE)]),
        "info": lambda: ended([TTD, "info", str(recording)]),
        "serve": lambda: accepts(recording, folder / "socket"),
    }
    short = [*record, "--steps", "100000", "--serial", "null", str(CONSOLE)]
    found: dict[str, list[float]] = {name: [] for name in ways}
    used: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            if name == "info":  # of a recording that is whole
                subprocess.run(short, check=True, capture_output=True, stdin=subprocess.DEVNULL)
            before = _processors()
            found[name].append(1e3 * way())
            used[name].append(1e3 * (_processors() - before))
    walls = {f"start_{name}_ms": statistics.median(times) for name, times in found.items()}
    return walls | {
        f"start_{name}_cpu_ms": statistics.median(times) for name, times in used.items()
    }


def _processors() -> float:
    """Seconds of processors that commands have had."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ended(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - start


def _first_byte(command: list[str]) -> float:
    """Until the guest has printed something."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.read(1)
    seconds = time.perf_counter() - start
    process.kill()
    process.stdout.close()
    process.wait()
    return seconds


def accepts(recording: Path, address: Path) -> float:
    """Until somebody can connect."""
    start = time.perf_counter()
    command = [TTD, "serve", str(recording), "--socket", str(address)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with socket.socket(socket.AF_UNIX) as client:
        while process.poll() is None:
            with suppress(OSError):
                client.connect(str(address))
                break
            time.sleep(0.0005)
    seconds = time.perf_counter() - start
    process.terminate()
    process.wait()
    return seconds
