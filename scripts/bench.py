"""Speed, latencies and start-up on the benchmark firmware, beside QEMU where it is installed.

Times of ttd and QEMU alternate within one run, and what counts is the median of their ratios: a
machine that is busy with other things slows both down. `--quick` is one round of what is short.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_back import PLACES, latencies
from bench_far import far, far_rows
from bench_index import index_rows, indexed
from bench_long import LONG_RUN, long_rows, long_run
from bench_speed import WORKS, Numbers, Work, speed
from bench_start import start_up
from rich.console import Console
from rich.table import Table

ROUNDS = 3
BACK = ("no interrupts", "9 909 interrupts", "page tables")
"""Work in whose recordings going back is measured: those that have the symbols for it."""
INDEXED = "no interrupts"
"""Work whose recording is indexed, asked questions, and gone back in by half."""
LONG = ("9 909 interrupts", "an hour asleep at 1 kHz", "page tables")
"""Not in a quick run."""


def pair(work: Work, numbers: Numbers, what: str) -> str:
    """What counts first; of the rest the ratio in processor seconds."""
    kind = f"{what}_cpu_" if work.cpu else f"{what}_"
    mine = f"{numbers[f'{kind}s']:.2f}"
    if f"{kind}ratio" not in numbers:
        return f"{mine} s"
    its = f"{numbers[f'qemu_{kind}s']:.2f}"
    beside = "" if work.cpu else f" (CPU {numbers[f'{what}_cpu_ratio']:.2f})"
    return f"{mine} / {its} s = {numbers[f'{kind}ratio']:.2f}{beside}"


def speed_table(works: list[Work], numbers: dict[str, Numbers]) -> Table:
    """One row a work."""
    table = Table("ttd / QEMU", "record", "replay", "events", "bytes each", "snaps", "file")
    for work in works:
        n = numbers[work.name]
        each = f"{n['event_bytes'] / n['events']:.2f}" if n["events"] else "-"
        its = f" / {n['qemu_log_bytes'] / 1024:,.0f}" if "qemu_log_bytes" in n else ""
        table.add_row(
            work.name + (" (CPU)" if work.cpu else ""),
            *(pair(work, n, what) for what in ("record", "replay")),
            *(f"{n['events']:,}", each, f"{n['snapshots']}"),
            f"{n['file_bytes'] / 1024:,.0f}{its} KiB",
        )
    return table


def back_rows(n: Numbers) -> Iterator[tuple[str, str]]:
    """The lines of the table of one recording: title and value."""
    yield "bs in a row, p50 / p99", f"{n['bs_p50_ms']:.2f} / {n['bs_p99_ms']:.2f} ms"
    for percent in PLACES:
        bs = [n[f"bs_{percent}_{key}_ms"] for key in ("p50", "p99", "first")]
        yield f"bs at {percent} %: p50 / p99 / first", "{:.2f} / {:.2f} / {:.2f} ms".format(*bs)
    seeks = [f"{n[f'seek_{percent}_ms']:.0f}" for percent in PLACES]
    yield f"seek to {' / '.join(map(str, PLACES))} %", " / ".join(seeks) + " ms"
    for what, name in (
        ("breakpoint half a run away", "break"),
        ("watchpoint half a run away", "watch"),
        ("breakpoint 1/10 of a run away", "milestone"),
    ):
        both = f"{n[f'bc_{name}_s']:.2f} / {n[f'bc_{name}_again_s']:.2f} s"
        yield f"reverse-continue, {what}: first / again", both
    yield "reverse-continue to the start", f"{n['bc_start_s']:.2f} s"


def start_table(numbers: Numbers) -> Table:
    table = Table("start-up", "ms", "CPU ms")
    for name, what in (
        ("record", "ttd record: the guest's first character"),
        ("info", "ttd info: its answer"),
        ("serve", "ttd serve: a client is accepted"),
        ("python", "python -c pass, which is in all of these"),
    ):
        table.add_row(what, *(f"{numbers[f'start_{name}_{key}']:.0f}" for key in ("ms", "cpu_ms")))
    return table


def far_table(numbers: Numbers) -> Table:
    columns = ("first", "again, in another session", "QEMU", "goal")
    table = Table("half of the run back: s, of them processors", *columns)
    for row in far_rows(numbers):
        table.add_row(*row)
    return table


def goals_table(title: str, rows: Iterator[tuple[str, str, str]]) -> Table:
    table = Table(title, "", "goal")
    for row in rows:
        table.add_row(*row)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"of record and replay (default {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="one round, without what is long")
    parser.add_argument("--long", action="store_true", help="a recording of 10^10 steps, too")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON")
    parser.add_argument("work", nargs="*", help=", ".join(repr(work.name) for work in WORKS))
    options = parser.parse_args()
    if unknown := set(options.work) - {work.name for work in WORKS}:
        parser.error(f"there is no {', '.join(map(repr, sorted(unknown)))}; see --help")
    works = [
        work
        for work in WORKS
        if work.name in options.work
        or (not options.work and not (options.quick and work.name in LONG))
    ]
    rounds = options.rounds or (1 if options.quick else ROUNDS)
    console = Console(stderr=options.json, width=None if sys.stdout.isatty() else 130)
    numbers: dict[str, Numbers] = {}
    with tempfile.TemporaryDirectory(prefix="ttd-bench-") as name:
        folder = Path(name)
        with console.status("start-up"):
            start = start_up(folder)
        for work in works:
            with console.status(f"{work.name}: record and replay"):
                numbers[work.name] = speed(work, folder, rounds)
            recording = folder / f"{work.path.stem}.ttd"
            if work.name == INDEXED:  # before there is anything in it of what was searched
                with console.status(f"{work.name}: questions"):
                    numbers[work.name] |= indexed(recording)
                with console.status(f"{work.name}: going back half of the run"):
                    steps = numbers[work.name]["steps"]
                    numbers[work.name] |= far(work, recording, steps, folder, not options.quick)
            if work.name in BACK:
                with console.status(f"{work.name}: going back"):
                    numbers[work.name] |= latencies(work.path, recording)
        if options.long:
            with console.status(LONG_RUN.name):
                numbers[LONG_RUN.name] = long_run(folder)
    if options.json:
        print(json.dumps({"start-up": start, **numbers}, indent=2))
        return 0
    console.print(start_table(start))
    console.print(speed_table(works, numbers))
    back = [work.name for work in works if work.name in BACK]
    if back:
        table = Table("going back", *back)
        for lines in zip(*(back_rows(numbers[name]) for name in back), strict=True):
            table.add_row(lines[0][0], *(value for _, value in lines))
        console.print(table)
    if INDEXED in numbers:
        console.print(far_table(numbers[INDEXED]))
        console.print(goals_table(f"questions: {INDEXED}", index_rows(numbers[INDEXED])))
    if options.long:
        console.print(goals_table(LONG_RUN.name, long_rows(numbers[LONG_RUN.name])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
