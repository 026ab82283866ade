"""Firmware recorded and replayed by ttd and by QEMU, in turns."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "tests" / "firmware"
TTD = str(Path(sys.executable).parent / "ttd")
Numbers = dict[str, Any]


class Took(NamedTuple):
    """What a command took, in seconds."""

    wall: float
    cpu: float
    """Of processors, in user and kernel mode."""


def timed(command: list[str]) -> Took:
    """Run a command that must succeed; nothing else of ours may end meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        words = " ".join(command)
        raise SystemExit(f"bench: {words}\nended with {done.returncode}: {done.stderr.decode()}")
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


@dataclass(frozen=True)
class Machine:
    """What a firmware runs on: options of `ttd record`, and QEMU's."""

    ttd: tuple[str, ...]
    qemu: tuple[str, ...]


M3 = Machine(
    ("--board", "mps2-an385", "--semihosting"),
    ("qemu-system-arm", "-M", "mps2-an385", "-semihosting-config", "enable=on,target=native"),
)
RV64 = Machine(
    ("--board", "virt"),
    ("qemu-system-riscv64", "-M", "virt", "-cpu", "sifive-u54", "-bios", "none"),
)


@dataclass(frozen=True)
class Work:
    """A firmware to record and replay. A step takes 2 ** `shift` ns, as an instruction of QEMU's
    does: the same virtual time, the same interrupts."""

    name: str
    elf: str
    shift: int = 3
    machine: Machine = M3
    cpu: bool = False
    """What counts are seconds of processors: QEMU waits where it need not."""
    beside: bool = True
    """QEMU does the same."""
    more: tuple[str, ...] = field(default=())
    """Further words for `-icount`."""

    @property
    def path(self) -> Path:
        return FIRMWARE / self.elf

    def record(self, recording: Path, serial: Path) -> list[str]:
        """ttd's command line."""
        return [
            *(TTD, "record", *self.machine.ttd, "--clock", str(1 << self.shift)),
            *("-o", str(recording), "--force", "--serial", f"file:{serial}", str(self.path)),
        ]

    def qemu(self, mode: str, log: Path) -> list[str]:
        """QEMU's for recording or replaying into, or from, `log`."""
        icount = ",".join((f"shift={self.shift}", *self.more, f"rr={mode}", f"rrfile={log}"))
        return [
            *(*self.machine.qemu, "-display", "none", "-monitor", "none", "-net", "none"),
            *("-serial", f"file:{log}.{mode}.txt", "-kernel", str(self.path), "-icount", icount),
        ]


ASLEEP = ("sleep=off",)
WORKS = (
    Work("no interrupts", "bench/bench-notimer.elf"),
    Work("9 909 interrupts", "bench/bench-systick.elf"),
    Work("158 664 interrupts", "bench/bench-systick.elf", shift=7),
    Work("60 000 ticks asleep", "bench-wait/idle.elf", cpu=True, more=ASLEEP),
    Work("300 000 characters", "bench-wait/console.elf", cpu=True, more=ASLEEP),
    Work("an hour asleep at 1 kHz", "bench-wait/hour.elf", cpu=True, beside=False),
    Work("page tables", "bench-sv39/bench-sv39.elf", machine=RV64),
)


def speed(work: Work, folder: Path, rounds: int) -> Numbers:
    """Record and replay, ttd and QEMU in turns: medians, and the median of the ratios."""
    recording, log = folder / f"{work.path.stem}.ttd", folder / f"{work.path.stem}.rr"
    beside = work.beside and shutil.which(work.machine.qemu[0]) is not None
    commands = {
        "record": (work.record(recording, folder / "uart.txt"), work.qemu("record", log)),
        "replay": ([TTD, "replay", str(recording)], work.qemu("replay", log)),
    }
    mine: dict[str, list[Took]] = {what: [] for what in commands}
    its: dict[str, list[Took]] = {what: [] for what in commands}
    for _ in range(rounds):
        for what, (ours, theirs) in commands.items():
            mine[what].append(timed(ours))
            if beside:
                its[what].append(timed(theirs))
    result: Numbers = {}
    for what in commands:
        for kind, of in _KINDS:
            result[f"{what}_{kind}s"] = statistics.median(map(of, mine[what]))
            if beside:
                result[f"qemu_{what}_{kind}s"] = statistics.median(map(of, its[what]))
                pairs = zip(map(of, mine[what]), map(of, its[what]), strict=True)
                ratios = [one / other for one, other in pairs]
                result[f"{what}_{kind}ratio"] = statistics.median(ratios)
    if beside:
        result["qemu_log_bytes"] = log.stat().st_size
    return result | size(recording)


_KINDS = (("", attrgetter("wall")), ("cpu_", attrgetter("cpu")))
"""Prefixes of the numbers that are of processors."""


def size(recording: Path) -> Numbers:
    """What the recording holds, and how large that is."""
    text = subprocess.run([TTD, "info", str(recording), "--json"], capture_output=True, check=True)
    info: Numbers = json.loads(text.stdout)
    return {
        "steps": info["steps"],
        "instructions": info["instructions"],
        "events": sum(info["events"].values()),
        "event_bytes": info["event_bytes"],
        "snapshots": info["snapshots"],
        "file_bytes": os.path.getsize(recording),
    }
