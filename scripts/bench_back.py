"""How long going back takes, as a debugger sees it: packet to stop reply."""

from __future__ import annotations

import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_speed import TTD, Numbers
from rspclient import RspClient

from ttd.elf import Elf

STEPS_IN_A_ROW = 100
PLACES = (1, 50, 99)
"""Where in the run `bs` is measured, in percent."""


@contextmanager
def served(recording: Path) -> Iterator[RspClient]:
    """A client of `ttd serve` on this recording."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = recording.with_suffix(".log")
    with log.open("w") as output:
        server = subprocess.Popen(
            [TTD, "serve", str(recording), "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        client = RspClient("127.0.0.1", port)
        yield client
        client.close()
    except ConnectionError as error:
        raise SystemExit(f"bench: {error}; the server said:\n{log.read_text()}") from error
    finally:
        server.terminate()
        server.wait()


def clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def symbol(elf: Path, name: str) -> int:
    """The address of a symbol of the firmware."""
    found = [symbol.value for symbol in Elf(elf.read_bytes()).symbols() if symbol.name == name]
    assert found, f"{elf} has no {name}"
    return found[0]


def latencies(elf: Path, recording: Path) -> Numbers:
    """Steps back in a row, seeks, and searches from the end."""
    result: Numbers = {}
    rows: list[float] = []
    with served(recording) as client:
        for percent in PLACES:
            result[f"seek_{percent}_ms"] = 1e3 * clock(lambda: client.goto(f"{percent}%"))  # noqa: B023
            row = [1e3 * clock(lambda: client.request("bs")) for _ in range(STEPS_IN_A_ROW)]
            result[f"bs_{percent}_first_ms"] = row[0]
            result[f"bs_{percent}_p50_ms"] = statistics.median(row)
            result[f"bs_{percent}_p99_ms"] = sorted(row)[int(len(row) * 0.99) - 1]
            rows += row
    result["bs_p50_ms"] = statistics.median(rows)
    result["bs_p99_ms"] = sorted(rows)[int(len(rows) * 0.99) - 1]
    # `write_rare` was called for the last time half-way: from the end that is half the run.
    address = symbol(elf, "write_rare") & ~1
    hot = symbol(elf, "milestone") & ~1
    variable = symbol(elf, "rare_var")
    for name, packet in (
        ("bc_break", f"0,{address:x},2"),
        ("bc_milestone", f"0,{hot:x},2"),
        ("bc_watch", f"2,{variable:x},4"),
        ("bc_start", ""),
    ):
        # A new server each: what the last one found out does not help.
        with served(recording) as client:
            client.goto("end")
            if packet:
                client.request(f"Z{packet}")
            replies: list[str] = []
            result[f"{name}_s"] = clock(lambda: replies.append(client.request("bc")))  # noqa: B023
            result[f"{name}_stop"] = client.monitor("when").splitlines()[0]
            if not replies[0].startswith("T"):
                raise SystemExit(f"bench: {name}: not a stop: {replies[0]}")
        with served(recording) as client:  # what was found is in the recording
            client.goto("end")
            if packet:
                client.request(f"Z{packet}")
            result[f"{name}_again_s"] = clock(lambda: client.request("bc"))
    return result
