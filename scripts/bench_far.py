"""Going back half of a run, packet to stop reply, beside QEMU's reverse debugging."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench_back import clock, symbol
from bench_speed import TTD, Numbers, Work
from rspclient import RspClient

GOALS = {"break": (0.06, 0.06), "nowhere": (0.06, 0.06), "watch": (0.5, 0.05)}
"""Seconds: the first time, and again in another session."""
TITLES = {
    "break": "breakpoint, its page executed all the time",
    "nowhere": "breakpoint that is reached nowhere",
    "watch": "watchpoint on a word, its page written all the time",
}
_PC = 15
"""Of the registers in a `g` packet, 8 digits each."""


class Debugged:
    """A program that serves a debugger, and its client."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        with log.open("w") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.client = RspClient("127.0.0.1", port)

    def cpu(self) -> float:
        """Seconds of processors so far, of its own and of its workers."""
        return _ticks(self._process.pid) / os.sysconf("SC_CLK_TCK")

    def go_back(self, packet: str) -> tuple[float, float, int]:
        """What `bc` takes with this stop, wall clock and processors, and PC there."""
        client, replies = self.client, list[str]()
        assert client.request(f"Z{packet}") == "OK"
        before = self.cpu()
        wall = clock(lambda: replies.append(client.request("bc")))
        cpu = self.cpu() - before
        if not replies[0].startswith("T"):
            raise SystemExit(f"bench: going back ended with {replies[0]}")
        found = client.request("g")[8 * _PC : 8 * _PC + 8]
        return wall, cpu, int.from_bytes(bytes.fromhex(found), "little")

    def end(self) -> None:
        """It has time to keep what it has found."""
        with suppress(OSError):
            self.client.close()
        self._process.terminate()
        self._process.wait()


def _ticks(pid: int) -> int:
    folder = Path(f"/proc/{pid}")
    own = sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:15]))
    children = (folder / f"task/{pid}/children").read_text().split()
    return own + sum(map(_ticks, map(int, children)))


@contextmanager
def debugged(command: list[str], where: str, log: Path) -> Iterator[Debugged]:
    """`where`: the option with the port in place of {}, which is the last of the command."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Debugged([*command, *where.format(port).split()], port, log)
    try:
        yield found
    finally:
        found.end()


def far(work: Work, recording: Path, steps: int, folder: Path, beside: bool) -> Numbers:
    """Of a recording of so many steps that nobody has searched yet, from its end. `beside`: QEMU
    does the same; half a minute."""
    address = symbol(work.path, "write_rare") & ~1
    packets = {
        "break": f"1,{address:x},2",
        "nowhere": f"1,{symbol(work.path, 'Default_Handler') & ~1:x},2",
        "watch": f"2,{symbol(work.path, 'rare_var'):x},4",
    }
    log, copy = folder / "far.log", folder / "far.ttd"
    result: Numbers = {}
    places: dict[str, int] = {}
    for name, packet in packets.items():
        shutil.copy(recording, copy)
        for time in ("first", "again"):
            with debugged([TTD, "serve", str(copy)], "--port {}", log) as ttd:
                ttd.client.goto("end")
                wall, cpu, places[name] = ttd.go_back(packet)
            result[f"far_{name}_{time}_s"], result[f"far_{name}_{time}_cpu_s"] = wall, cpu
    if places["break"] != address:
        raise SystemExit(f"bench: a breakpoint at {address:#x} was hit at {places['break']:#x}")
    if not beside or not all(map(shutil.which, (work.machine.qemu[0], "qemu-img"))):
        return result
    disk = folder / "snapshots.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "64M"], check=True)
    # QEMU keeps its snapshots on a disk, and goes back from the one at the begin.
    more = ["-drive", f"file={disk},if=none,id=snapshots"]
    rr = folder / "far.rr"
    command, icount = [*work.qemu("record", rr), *more], "rrsnapshot=begin"
    command[command.index("-icount") + 1] += f",{icount}"
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    command = [*work.qemu("replay", rr), *more, "-S"]
    command[command.index("-icount") + 1] += f",{icount}"
    for name, packet in packets.items():
        with debugged(command, "-gdb tcp:127.0.0.1:{}", log) as qemu:
            qemu.client.monitor(f"replay_break {steps - 1000}")
            qemu.client.request("c")
            wall, cpu, place = qemu.go_back(packet)
        if name == "break" and place != address:
            raise SystemExit(f"bench: QEMU stops at {place:#x} instead of {address:#x}")
        result[f"qemu_far_{name}_s"], result[f"qemu_far_{name}_cpu_s"] = wall, cpu
    return result


def far_rows(n: Numbers) -> Iterator[tuple[str, ...]]:
    """Title; seconds, of the server's processors in brackets: first, again, QEMU's; the goal."""
    for name, title in TITLES.items():
        keys = (f"far_{name}_first", f"far_{name}_again", f"qemu_far_{name}")
        cells = (
            f"{n[f'{key}_s']:.3f} ({n[f'{key}_cpu_s']:.2f})" if f"{key}_s" in n else "-"
            for key in keys
        )
        first, again = GOALS[name]
        goal = f"{first}" if first == again else f"{first} / {again}"
        yield title, *cells, f"{goal} s"
