"""Speed and latencies on the benchmark firmware, beside QEMU where it is installed.

The firmware is a Cortex-M3's, without and with interrupts, and a RISC-V's with page tables.

Times of ttd and QEMU alternate within one run, and what counts is the median of their ratios: a
machine that is busy with other things slows both down.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from rich.console import Console
from rich.table import Table
from rspclient import RspClient

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "tests" / "firmware"
TTD = str(Path(sys.executable).parent / "ttd")
WORKLOADS = (
    "bench/bench-notimer.elf",
    "bench/bench-systick.elf",
    "bench-sv39/bench-sv39.elf",
)
STEPS_IN_A_ROW = 100
PLACES = (1, 50, 99)
"""Where in the run `bs` is measured, in percent."""
Numbers = dict[str, Any]


def timed(command: list[str]) -> float:
    """Wall-clock seconds of a command that must succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        words = " ".join(command)
        raise SystemExit(f"bench: {words}\nended with {done.returncode}: {done.stderr.decode()}")
    return seconds


@dataclass(frozen=True)
class Machine:
    """What a firmware runs on: options of `ttd record`, and QEMU's."""

    ttd: tuple[str, ...]
    qemu: tuple[str, ...]

    def qemu_command(self, elf: Path, mode: str, log: Path) -> list[str]:
        """QEMU's command line for recording or replaying into, or from, `log`."""
        return [
            *(*self.qemu, "-display", "none", "-monitor", "none", "-net", "none"),
            *("-serial", f"file:{log}.{mode}.txt"),
            *("-kernel", str(elf), "-icount", f"shift=3,rr={mode},rrfile={log}"),
        ]


# 8 ns a step is what shift=3 is for QEMU: the same virtual time, the same interrupts.
MACHINES = {
    "EM_ARM": Machine(
        ("--board", "mps2-an385", "--clock", "8", "--semihosting"),
        ("qemu-system-arm", "-M", "mps2-an385", "-semihosting-config", "enable=on,target=native"),
    ),
    "EM_RISCV": Machine(
        ("--board", "virt", "--clock", "8"),
        ("qemu-system-riscv64", "-M", "virt", "-cpu", "sifive-u54", "-bios", "none"),
    ),
}
"""By the machine of the ELF file."""


def machine_of(elf: Path) -> Machine:
    with elf.open("rb") as file:
        return MACHINES[ELFFile(file)["e_machine"]]


def speed(elf: Path, folder: Path, rounds: int) -> Numbers:
    """Record and replay, ttd and QEMU in turns."""
    recording, log = folder / f"{elf.stem}.ttd", folder / f"{elf.stem}.rr"
    machine = machine_of(elf)
    ttd_record = [
        *(TTD, "record", *machine.ttd, "-o", str(recording)),
        *("--serial", f"file:{folder / 'uart.txt'}", str(elf)),
    ]
    ttd_replay = [TTD, "replay", str(recording)]
    have_qemu = shutil.which(machine.qemu[0]) is not None
    times: dict[str, list[float]] = {"record": [], "replay": [], "q_record": [], "q_replay": []}
    for _ in range(rounds):
        # A file that is there already might be asked about, or appended to.
        for stale in folder.glob(f"{recording.name}*"):
            stale.unlink()
        times["record"].append(timed(ttd_record))
        if have_qemu:
            times["q_record"].append(timed(machine.qemu_command(elf, "record", log)))
        times["replay"].append(timed(ttd_replay))
        if have_qemu:
            times["q_replay"].append(timed(machine.qemu_command(elf, "replay", log)))
    result: Numbers = {}
    for what in ("record", "replay"):
        result[f"{what}_s"] = statistics.median(times[what])
        if have_qemu:
            pairs = zip(times[what], times[f"q_{what}"], strict=True)
            result[f"qemu_{what}_s"] = statistics.median(times[f"q_{what}"])
            result[f"{what}_ratio"] = statistics.median(mine / its for mine, its in pairs)
    if have_qemu:
        result["qemu_log_bytes"] = log.stat().st_size
    return result | size(recording)


def size(recording: Path) -> Numbers:
    """What the recording holds, and how large that is."""
    text = subprocess.run([TTD, "info", str(recording), "--json"], capture_output=True, check=True)
    info: Numbers = json.loads(text.stdout)
    events = sum(info["events"].values())
    snapshots = info["snapshots"]
    return {
        "steps": info["steps"],
        "instructions": info["instructions"],
        "events": events,
        "snapshots": snapshots if isinstance(snapshots, int) else len(snapshots),
        "file_bytes": recording.stat().st_size,
        # Snapshots and image are in it: an upper bound of what the log itself takes.
        "bytes_per_event": recording.stat().st_size / events if events else None,
        "event_bytes": info.get("event_bytes"),
    }


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
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection), f"{elf} has no symbols"
        found = table.get_symbol_by_name(name)
        assert found, f"{elf} has no {name}"
        return int(found[0]["st_value"])


def latencies(elf: Path, recording: Path) -> Numbers:
    """How long going back takes, as a debugger sees it."""
    result: Numbers = {}
    with served(recording) as client:
        for percent in PLACES:
            result[f"seek_{percent}_ms"] = 1e3 * clock(lambda: client.goto(f"{percent}%"))  # noqa: B023
            row = [1e3 * clock(lambda: client.request("bs")) for _ in range(STEPS_IN_A_ROW)]
            result[f"bs_{percent}_first_ms"] = row[0]
            result[f"bs_{percent}_p50_ms"] = statistics.median(row)
            result[f"bs_{percent}_p99_ms"] = sorted(row)[int(len(row) * 0.99) - 1]
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
    return result


def pair(numbers: Numbers, what: str) -> str:
    mine = f"{numbers[f'{what}_s']:.2f}"
    if f"{what}_ratio" not in numbers:
        return f"{mine} s / not installed"
    its = f"{numbers[f'qemu_{what}_s']:.2f}"
    return f"{mine} / {its} s = {numbers[f'{what}_ratio']:.2f}"


def per_event(numbers: Numbers) -> str:
    value = numbers["bytes_per_event"]
    exact = numbers["event_bytes"]
    if exact is not None and numbers["events"]:
        return f"{exact / numbers['events']:.2f} (log alone)"
    return "-" if value is None else f"{value:.1f} (whole file, snapshots too)"


def rows(n: Numbers) -> Iterator[tuple[str, str]]:
    """The lines of the table: title and value."""
    yield "instructions", f"{n['instructions']:,}"
    yield "record, ttd / QEMU rr", pair(n, "record")
    yield "replay, ttd / QEMU rr", pair(n, "replay")
    for percent in PLACES:
        bs = [n[f"bs_{percent}_{key}_ms"] for key in ("p50", "p99", "first")]
        yield f"bs at {percent} %: p50 / p99 / first", "{:.2f} / {:.2f} / {:.2f} ms".format(*bs)
    seeks = [f"{n[f'seek_{percent}_ms']:.0f}" for percent in PLACES]
    yield f"seek to {' / '.join(map(str, PLACES))} %", " / ".join(seeks) + " ms"
    yield "reverse-continue, breakpoint half a run away", f"{n['bc_break_s']:.2f} s"
    yield "reverse-continue, watchpoint half a run away", f"{n['bc_watch_s']:.2f} s"
    yield "reverse-continue, breakpoint 1/10 of a run away", f"{n['bc_milestone_s']:.2f} s"
    yield "reverse-continue to the start", f"{n['bc_start_s']:.2f} s"
    yield "events", f"{n['events']:,}"
    yield "bytes per event", per_event(n)
    yield "snapshots", str(n["snapshots"])
    log = f"{n['qemu_log_bytes'] / 1024:,.0f}" if "qemu_log_bytes" in n else "-"
    yield "file, ttd / QEMU's log", f"{n['file_bytes'] / 1024:,.0f} / {log} KiB"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of record and replay (default 3)")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON")
    parser.add_argument("elf", nargs="*", type=Path, help="other firmware with the same symbols")
    options = parser.parse_args()
    elfs = options.elf or [FIRMWARE / name for name in WORKLOADS]
    console = Console(stderr=options.json)
    numbers: dict[str, Numbers] = {}
    with tempfile.TemporaryDirectory(prefix="ttd-bench-") as name:
        folder = Path(name)
        for elf in elfs:
            with console.status(f"{elf.stem}: record and replay"):
                numbers[elf.stem] = speed(elf, folder, options.rounds)
            with console.status(f"{elf.stem}: going back"):
                numbers[elf.stem] |= latencies(elf, folder / f"{elf.stem}.ttd")
    if options.json:
        print(json.dumps(numbers, indent=2))
        return 0
    table = Table("", *numbers, title="ttd bench")
    for lines in zip(*map(rows, numbers.values()), strict=True):
        table.add_row(lines[0][0], *(value for _, value in lines))
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
