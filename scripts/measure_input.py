"""Measure what a received byte costs: CPU time in record and in play, for each UART and each way in
which `tests/firmware/swallow` waits for bytes.

Usage: python scripts/measure_input.py [BYTES]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ttd.host.files import Null
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine, RecordOptions

HOME = Path(__file__).resolve().parents[1] / "tests/firmware/swallow"
WAYS = {"s": "asleep", "b": "busy", "m": "asleep, masked", "p": "polled", "x": "in turn"}
END = bytes((4,)) * 3
# The way is said twice: what has come before the FIFO of the ns16550 is switched on is lost.


def choices() -> dict[str, MachineChoice]:
    def elf(name: str) -> str:
        return str(HOME / f"swallow-{name}.elf")

    raw = MachineChoice(
        "raw",
        cpu="cortex-m3",
        ram=["0:64K", "0x20000000:64K"],
        load=[elf("pl011")],
        uart=["pl011@0x40004000,irq=5"],
    )
    return {
        "CMSDK UART": MachineChoice("mps2-an385", elf("mps2")),
        "PL011": raw,
        "nRF51 UART": MachineChoice("microbit", elf("microbit")),
        "ns16550, RV64": MachineChoice("virt", elf("virt")),
        "ns16550, RV32": MachineChoice("virt32", elf("virt32")),
    }


class Typist(Null):
    """Has a text that comes at once."""

    def start(self, on_input: Callable[[bytes], None]) -> None:
        self.type = on_input


def record(choice: MachineChoice, text: bytes, path: Path) -> float:
    """Record it, the text being typed before it begins; returns CPU seconds."""
    board, loads = choice.make()
    typist = Typist()
    options = RecordOptions(board, loads, board.ns_per_step, semihosting=True)
    live = RecordedMachine.record(
        options, str(path), {board.serials[0]: typist}, SemihostFiles(None), bytes, HostSides()
    )
    typist.type(text)
    begin = time.process_time()
    ended = live.run(None, lambda step: None)
    seconds = time.process_time() - begin
    live.finish(ended.reason, ended.code)
    live.close()
    return seconds


def play(path: Path) -> float:
    played = RecordedMachine.open(str(path), SemihostFiles(None))
    begin = time.process_time()
    played.run(None, lambda step: None)
    seconds = time.process_time() - begin
    played.compare_end()
    played.close()
    return seconds


def main(count: int) -> None:
    text = bytes(random.Random(1).choices(range(32, 127), k=count))
    print(f"us of CPU time for each of {count} bytes: record, play")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ttd"
        for name, choice in choices().items():
            for way, what in WAYS.items():
                recorded = record(choice, way.encode() * 2 + text + END, path)
                played = play(path)
                print(f"{name}, {what}: {recorded / count * 1e6:.1f} {played / count * 1e6:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
