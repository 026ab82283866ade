"""Recording in this process, with host sides that do what a test says; replaying it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from errno import EIO
from pathlib import Path
from random import Random

import pytest

from tests.integration.gdb_mi import ROOT
from tests.snapshots import snapshots_every
from ttd.boards import BOARDS
from ttd.boards.base import Board, BootFiles
from ttd.boards.extras import Drive, Extra
from ttd.boards.networks import Networks
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import HostSides, RecordedMachine, RecordOptions
from ttd.recording.blob import digest
from ttd.replay.chars import CharBackend

FIRMWARE = ROOT / "tests" / "firmware"
BOARD = BOARDS["mps2-an385"]
UART = "uart0"


class Line:
    """A serial backend that takes everything, or as much as `plan` says, write by write."""

    def __init__(self, plan: Callable[[bytes], int] = len) -> None:
        self.plan = plan
        self.output = bytearray()
        self.closed = False

    def start(self, on_input: Callable[[bytes], None]) -> None:
        self.type = on_input

    def write(self, data: bytes) -> int:
        taken = self.plan(data)
        self.output += data[: max(0, taken)]
        return taken

    def room(self) -> int:
        return 0

    def put(self, data: bytes) -> None:
        self.write(data)

    def read_all(self, count: int) -> bytes:
        raise OSError(EIO, "unplugged")

    def close(self) -> None:
        self.closed = True


class Clocks:
    """Host time that goes on by `tick` ns at each look."""

    def __init__(self, tick: int = 1_000_000) -> None:
        self.now = 1_700_000_000_000_000_000
        self.running = 0
        self.tick = tick

    def host_ns(self) -> int:
        self.now += self.tick
        return self.now

    def running_ns(self) -> int:
        self.running += self.tick
        return self.running

    def resume(self) -> None:
        pass

    def pause(self) -> None:
        pass


Done = Callable[[list[bytes], int], None]


class Image:
    """An image in memory; requests wait until they are completed by hand, or not at all."""

    def __init__(self, data: bytes, at_once: bool = True) -> None:
        self.data = bytearray(data)
        self.at_once = at_once
        self.waiting: list[tuple[list[tuple[int, int]], Done]] = []
        self.fail = lambda offset: 0

    def submit(self, spans: Sequence[tuple[int, int]], done: Done) -> None:
        self.waiting.append((list(spans), done))
        if self.at_once:
            self.complete(0)

    def complete_one(self, dice: Random) -> bool:
        """End any of the requests that wait; False if there is none."""
        if self.waiting:
            self.complete(dice.randrange(len(self.waiting)))
            return True
        return False

    def complete(self, number: int) -> None:
        """End one of the requests that wait."""
        spans, done = self.waiting.pop(number)
        errors = [self.fail(offset) for offset, _ in spans]
        done([self.read(*span) for span in spans], max(errors, default=0))

    def read(self, offset: int, count: int) -> bytes:
        return bytes(self.data[offset : offset + count])

    def write(self, offset: int, data: bytes) -> None:
        self.data[offset : offset + len(data)] = data

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def drive(name: str, data: bytes, **flags: bool) -> Drive:
    return Drive(
        name, len(data), digest(data).hex() if flags.get("embed") is False else "", **flags
    )


def recorder(
    firmware: str,
    path: Path,
    *,
    board: Board = BOARD,
    extras: Sequence[Extra] = (),
    drives: Sequence[Drive] = (),
    uart: CharBackend | None = None,
    backends: Mapping[str, CharBackend] | None = None,
    host: HostSides | None = None,
    realtime: bool = False,
    random: Callable[[int], bytes] = lambda count: bytes(range(count)),
    idle: Callable[[], bool] | None = None,
    networks: Networks | None = None,
    program: str | None = None,
) -> RecordedMachine:
    """A session that records to `path`; `program`: the ELF's name, if it is not its folder's.

    When the machine waits for the outside world, `idle` may make something happen; else the run
    comes back, interrupted.
    """
    image = load_image(str(FIRMWARE / firmware / f"{program or firmware}.elf"))
    options = RecordOptions(
        board,
        board.boot(board, BootFiles(image)) if board.boot else image,
        board.ns_per_step,
        semihosting=True,
        extras=extras,
        drives=drives,
        realtime=realtime,
        networks=networks or Networks(),
    )
    lines = {UART: uart or Line(), **(backends or {})}
    session = RecordedMachine.record(
        options, str(path), lines, SemihostFiles(None), random, host or HostSides(time=Clocks())
    )

    def wait(timeout: float) -> bool:
        if idle is None or not idle():
            session.machine.interrupt()
        return True

    # A machine that waits for the outside world does not wait for the time of day.
    session.replay.wait = wait
    return session


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that import it: snapshots are stored every 5000 steps."""
    snapshots_every(monkeypatch, 5000)


def run_to_end(session: RecordedMachine) -> bytes:
    """Record to the guest's end; returns the hash of the final state."""
    ended = session.run(None, lambda step: None)
    final = session.finish(ended.reason, ended.code)
    session.close()
    return final


def replay_everywhere(path: Path, device: str = UART) -> tuple[bytes, RecordedMachine]:
    """Replay from the start and from every stored snapshot; the output of a device, the session."""
    printed = bytearray()

    def echo(name: str, data: bytes) -> None:
        if name == device:
            printed.extend(data)

    session = RecordedMachine.open(str(path), SemihostFiles(None), echo)
    session.run(None, lambda step: None)
    assert session.machine.engine.step == session.recording.status.steps
    session.compare_end()
    output = bytes(printed)
    stored = session.recording.snapshots
    whole = max(1, len(stored) // 3)
    for number, info in enumerate(stored):
        snapshot = session.snapshots.nearest(info.step)
        assert snapshot is not None
        assert snapshot.step == info.step
        session.snapshots.restore(snapshot)
        if number % whole:
            # To the next one, which is compared with what was recorded.
            session.machine.run(info.step + 5001)
            continue
        del printed[:]
        session.run(None, lambda step: None)
        session.compare_end()
        assert output.endswith(printed)
    return output, session
