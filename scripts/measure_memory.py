"""Measure memory: of `ttd record` while a guest dirties pages, of `ttd serve` while it seeks.

Records a guest that never ends (tests/firmware/dirty) for some minutes and samples the resident set
of the process, without the pages of files that the system has mapped for it, after each of ten
parts of them; then serves the recording and goes to steps chosen at random. Flat is what stays
within 5 % after the first of the ten parts, in which caches fill.

Usage: python scripts/measure_memory.py [MINUTES [SNAPSHOT_MEMORY [GUEST...]]]
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rspclient import RspClient

FIRMWARE = Path(__file__).resolve().parents[1] / "tests" / "firmware"
GUESTS = {
    "all": "dirty/dirty-all.elf",
    "some": "dirty/dirty-some.elf",
    "ticks": "bench/bench-systick.elf",
}
PARTS = 10
SEEKS = 100


def resident(pid: int) -> float:
    """MiB that only this process has."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the process is gone")


def record(image: Path, run: Path, minutes: float, memory: str) -> None:
    """Record for so long, and say what it took."""
    command = [sys.executable, "-m", "ttd", "record", "--board", "mps2-an385", "--serial", "null",
               "--snapshot-memory", memory, "-o", str(run), str(image)]  # fmt: skip
    recorder = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    found = []
    for _ in range(PARTS):
        time.sleep(minutes * 60 / PARTS)
        found.append(resident(recorder.pid))
    recorder.send_signal(signal.SIGINT)
    recorder.wait()
    growth = max(found[1:]) / min(found[1:]) - 1
    print(f"  record: {', '.join(f'{mib:.0f}' for mib in found)} MiB; {growth:.1%} between the")
    print(f"    lowest and the highest; a file of {os.path.getsize(run) / (1 << 20):.0f} MiB")


def serve(run: Path, memory: str) -> None:
    """Serve the recording, go to and fro in it, and say what that took."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ttd", "serve", "--snapshot-memory", memory,
               "--port", str(port), str(run)]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        gdb = RspClient("127.0.0.1", port)
        dice = random.Random(1)
        found = []
        for number in range(SEEKS):
            gdb.goto(f"{dice.randrange(10_000) / 100}%")
            if number % (SEEKS // PARTS) == 0:
                found.append(resident(server.pid))
        print(f"  serve:  {', '.join(f'{mib:.0f}' for mib in found)} MiB, {SEEKS} seeks")
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    memory = sys.argv[2] if len(sys.argv) > 2 else "512M"
    for name in sys.argv[3:] or GUESTS:
        print(f"{name}, --snapshot-memory {memory}, {minutes:g} minutes")
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run.ttd"
            record(FIRMWARE / GUESTS[name], run, minutes, memory)
            serve(run, memory)


if __name__ == "__main__":
    main()
