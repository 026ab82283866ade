"""How third-party guests do: steps to their prompt, speed of recording, size of the file.

Each guest of Debian's packages is recorded until its prompt appears, beside QEMU recording the same
image in turns; what counts is the median of the ratios, as these machines are noisy. `--write` puts
the table into docs/guests.md.

    python scripts/bench_guests.py [--rounds N] [--write]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine

ROOT = Path(__file__).resolve().parents[1]
TTD = str(Path(sys.executable).parent / "ttd")
INSTALL = ROOT / "scripts" / "apt-install"
PAGE = ROOT / "docs" / "guests.md"
BEGIN, END = "<!-- bench-guests: begin -->\n", "<!-- bench-guests: end -->\n"
PATIENCE = 120.0
"""Seconds until a guest without a prompt is given up."""
UBOOT = "/usr/lib/u-boot"
OPENSBI = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
MICROPYTHON = "/usr/share/firmware-microbit-micropython/firmware.hex"


@dataclass(frozen=True)
class Guest:
    """One guest: how ttd and QEMU start it, and what its prompt is."""

    name: str
    board: str
    package: str
    files: tuple[str, ...]
    ttd: tuple[str, ...]
    qemu: tuple[str, ...]
    prompt: bytes

    @property
    def there(self) -> bool:
        return all(Path(file).exists() for file in self.files)


_VIRT = ("qemu-system-riscv64", "-M", "virt", "-cpu", "sifive-u54")
GUESTS = (
    Guest(
        "MicroPython",
        "microbit",
        "firmware-microbit-micropython",
        (MICROPYTHON,),
        (MICROPYTHON,),
        ("qemu-system-arm", "-M", "microbit", "-device", f"loader,file={MICROPYTHON}"),
        b">>> ",
    ),
    Guest(
        "U-Boot, M-mode",
        "virt",
        "u-boot-qemu",
        (f"{UBOOT}/qemu-riscv64/u-boot.bin",),
        ("--bios", f"{UBOOT}/qemu-riscv64/u-boot.bin"),
        (*_VIRT, "-bios", f"{UBOOT}/qemu-riscv64/u-boot.bin"),
        b"\r\n=> ",
    ),
    Guest(
        "OpenSBI, U-Boot in S-mode",
        "virt",
        "opensbi, u-boot-qemu",
        (OPENSBI, f"{UBOOT}/qemu-riscv64_smode/u-boot.bin"),
        ("--bios", OPENSBI, "--kernel", f"{UBOOT}/qemu-riscv64_smode/u-boot.bin"),
        (*_VIRT, "-bios", OPENSBI, "-kernel", f"{UBOOT}/qemu-riscv64_smode/u-boot.bin"),
        b"\r\n=> ",
    ),
)


def until_prompt(command: list[str], prompt: bytes) -> float:
    """Seconds from the start of `command` to its prompt; it is then interrupted."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    seen = b""
    try:
        while prompt not in seen:
            if time.perf_counter() - began > PATIENCE or process.poll() is not None:
                words = " ".join(command)
                raise SystemExit(f"bench-guests: no prompt from {words}; last: {seen[-200:]!r}")
            seen += process.stdout.read() or b""
            time.sleep(0.001)
        return time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


def steps_to_prompt(recording: Path, prompt: bytes) -> int:
    """The step at which the guest has written its prompt, by replaying."""
    seen = bytearray()
    found: list[int] = []

    def echo(name: str, data: bytes) -> None:
        seen.extend(data)
        if not found and prompt in seen:
            found.append(session.machine.engine.step)
            session.machine.interrupt()

    session = RecordedMachine.open(str(recording), SemihostFiles(None), echo)
    try:
        session.run(None, lambda step: None)
    finally:
        session.close()
    return found[0]


def measure(guest: Guest, rounds: int, folder: Path) -> dict[str, str]:
    """One row of the table."""
    recording, log = folder / "guest.ttd", folder / "guest.rr"
    ours: list[float] = []
    ratios: list[float] = []
    have_qemu = shutil.which(guest.qemu[0]) is not None
    for _ in range(rounds):
        for stale in folder.iterdir():
            stale.unlink()
        record = [TTD, "record", "--board", guest.board, "-o", str(recording), *guest.ttd]
        ours.append(until_prompt(record, guest.prompt))
        if have_qemu:
            replay = f"shift=auto,rr=record,rrfile={log}"
            its = [*guest.qemu, "-display", "none", "-net", "none", "-icount", replay]
            ratios.append(ours[-1] / until_prompt([*its, "-serial", "stdio"], guest.prompt))
    steps = steps_to_prompt(recording, guest.prompt)
    seconds = statistics.median(ours)
    return {
        "Guest": guest.name,
        "Board": f"`{guest.board}`",
        "Debian package": guest.package,
        "Steps to prompt": f"{steps:,}",
        "Seconds": f"{seconds:.2f}",
        "Million steps/s": f"{steps / seconds / 1e6:.0f}",
        "Beside QEMU rr": f"{statistics.median(ratios):.2f}" if ratios else "-",
        "File": f"{recording.stat().st_size / 1024:.0f} kB",
    }


def as_markdown(rows: list[dict[str, str]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Measure all guests that are installed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (3)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/guests.md")
    arguments = parser.parse_args()
    missing = {name for guest in GUESTS if not guest.there for name in guest.package.split(", ")}
    if missing:
        subprocess.run([INSTALL, "guests are missing", *sorted(missing)], check=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for guest in track(GUESTS, description="guests", console=Console(stderr=True)):
            rows.append(measure(guest, arguments.rounds, Path(folder)))
    table = as_markdown(rows)
    print(table, end="")
    if arguments.write:
        text = PAGE.read_text()
        head, rest = text.split(BEGIN)
        PAGE.write_text(head + BEGIN + table + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
