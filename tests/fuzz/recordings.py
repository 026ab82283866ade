"""Recordings as a stranger would send them: changed in every table, with right checksums.

Whatever is in a file, `ttd` ends soon, in bounded memory, with exit code 0, 2 or 3 and without a
traceback; and says that a recording replays as "the same" only if it still is.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from signal import SIGKILL

from tests.fuzz import guests
from tests.fuzz.changes import change
from tests.fuzz.forked import PATIENCE, Ended, command, forked
from tests.integration.cli_forks import load
from tests.integration.cli_tools import FIRMWARE
from ttd.recording.errors import RecordingError
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.rsp.framing import encode

LONG = 15.0
"""Seconds within which a command on one of these small files must have ended."""
SMALL = 200 << 20
"""Bytes of memory that may be wanted to look at a file of less than 1 MB."""
LARGE = 1 << 30
"""Bytes of memory that may be wanted to become the machine of one."""
STEPS = "120000"
TALK = (
    "qSupported:multiprocess+;ReverseStep+;ReverseContinue+",
    *("?", "g", "m0,40", "vCont;c", "bs", "bs", "g", "bc", "s", "Z2,20000000,4", "Z4,80000000,8"),
    *("Z0,100,2", "vCont;c", "bc", "bc", "z0,100,2"),
    *(
        f"qRcmd,{words.encode().hex()}"
        for words in (
            "info",
            "help",
            "events",
            "goto 1000",
            "goto end",
            "when",
            "bookmarks",
            "back-to event char_read",
            "state",
        )
    ),
    *("bs", "D"),
)


def bases(folder: str) -> list[Path]:
    """Recordings to change: of every board, with every kind of event, also cut off."""
    made = []
    home = Path(folder)
    (home / "in.pcap").write_bytes(guests.capture(guests.random.Random(1)))
    (home / "f").mkdir()
    (home / "f" / "f.tx").write_bytes(b"text\n" * 50)

    def record(name: str, *words: str, stdin: bytes = b"") -> None:
        # A guest that only waits is ended by Ctrl-C.
        patience = 4.0 if stdin else PATIENCE
        ended = command(folder, ["record", "-o", f"{name}.ttd", *words], stdin, patience)
        assert (home / f"{name}.ttd").exists(), ended.err
        made.append(home / f"{name}.ttd")

    def killed(name: str, *words: str, stdin: bytes = b"") -> None:
        path = home / f"{name}.ttd"
        patience = 0.5
        while not path.exists():
            command(folder, ["record", "-o", path.name, *words], stdin, patience, (SIGKILL,))
            patience *= 2
        # One file, as after the next one has been given its name.
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode = DELETE")
        db.close()
        made.append(path)

    for target in guests.TARGETS:
        (home / "disk.img").write_bytes(bytes(range(256)) * 4096)
        (home / "guest.elf").write_bytes(guests.firmware(target, 7))
        options = ("--board", target.board, *target.options, "--steps", STEPS)
        record(f"poker-{len(made)}", *options, "--serial", "file:serial", "guest.elf")
    mps2 = ("--board", "mps2-an385", "--serial", "file:serial", "--steps", STEPS)
    record("calls", *mps2, "--semihosting=f", str(FIRMWARE / "calls/calls.elf"))
    record("irqs", *mps2, str(FIRMWARE / "irqs/irqs.elf"))
    echo = ("--board", "mps2-an385", "--steps", STEPS, str(FIRMWARE / "echo/echo.elf"))
    record("echo", *echo, stdin=b"what is typed\r\n" * 3)
    random = ("--board", "mps2-an385", "--device", "virtio-rng", "--steps", STEPS)
    record(
        "random", *random, "--serial", "file:serial", str(FIRMWARE / "virtio-rng/virtio-rng.elf")
    )
    rtos = ("--board", "virt", "--serial", "file:serial", "--steps", STEPS)
    record("rtos", *rtos, str(FIRMWARE / "rtos/rtos-rv64.elf"))
    live = ("--board", "mps2-an385", "--serial", "file:serial", "--gdb", "stdio")
    written = ("?", "s", "M20000100,4:01020304", "P0=78563412", "s", "s", "bs", "vCont;s", "k")
    record("live", *live, str(FIRMWARE / "irqs/irqs.elf"), stdin=talk(written))
    idle = ("--board", "mps2-an385", "--serial", "stdio", str(FIRMWARE / "echo/echo.elf"))
    killed("echo-cut", *idle, stdin=b"what is typed\r\n" * 3)
    killed("rtos-cut", *rtos[:-2], str(FIRMWARE / "rtos/rtos-rv64.elf"))
    killed("random-cut", *random[:-2], str(FIRMWARE / "virtio-rng/virtio-rng.elf"))
    for path in made:
        noted = command(folder, ["note", path.name, "what people say of it"])
        assert noted.code == 0, noted.err
    return made


def talk(packets: tuple[str, ...]) -> bytes:
    """A debugger that does not wait for answers."""
    return b"+" + b"+".join(encode(packet.encode()) for packet in packets) + b"+"


def meaning(path: Path) -> str:
    """Hash of everything that a recording says of its run; "" if it cannot be read."""

    def read(files: list[int]) -> None:
        try:
            recording = Recording.open(str(path))
            state = blake2b()
            for part in _parts(recording):
                state.update(repr(part).encode())
            os.write(files[1], state.hexdigest().encode())
        except RecordingError:
            pass

    read_by = forked(read)
    assert read_by.code == 0, read_by.err
    return read_by.out.decode()


def _parts(recording: Recording) -> Iterator[object]:
    yield recording.config
    yield recording.status
    yield recording.file.devices
    yield from sorted(recording.file.images().items())
    yield from EventLog(recording).select()
    for info in recording.snapshots:
        yield info
        yield recording.snapshot_state(info.id)
        changed = list(recording.changed_pages(info.id))
        yield changed
        yield from recording.pages(name for _, name in changed)
        # A damaged index says nothing, where nothing was recorded either.
        index = b""
        with suppress(RecordingError):
            index = recording.interval(info.id) or b""
        yield index


def attack(base: Path, seed: int, folder: str) -> str:
    """Change a copy of `base` and use it; returns what went wrong, or ""."""
    path = Path(folder) / "run.ttd"
    for old in Path(folder).glob("run.ttd*"):
        old.unlink()
    shutil.copy(base, path)
    how = change(path, seed)
    small = path.stat().st_size < 1 << 20
    looks = (["info"], ["info", "--json"], ["events"], ["events", "--json"])
    more = (["note"], ["console", "--steps"], ["note", "--json"])
    for words in (looks[seed % 2], looks[2 + seed // 2 % 2], more[seed % 3]):
        problem = _problem(command(folder, [*words, "run.ttd"]), SMALL if small else LARGE)
        if problem:
            return f"{how}: {' '.join(words)}: {problem}"
    replayed = command(folder, ["replay", "--verify", "run.ttd"])
    problem = _problem(replayed, LARGE)
    if problem:
        return f"{how}: replay: {problem}"
    if seed % 4 == 0:
        served = command(folder, ["serve", "--stdio", "run.ttd"], talk(TALK))
        problem = _problem(served, LARGE)
        if problem:
            return f"{how}: serve: {problem}"
    if replayed.code == 0:
        now = meaning(path)
        if not now:
            return f"{how}: replayed as the same, but it cannot be read"
        if now != meaning(base):
            return f"{how}: replayed as the same, but it is not"
    elif any(line.startswith("ttd: replayed") for line in replayed.err.splitlines()):
        # At the beginning: names in a file can be such a sentence, and are shown as names.
        return f"{how}: exit code {replayed.code}, and yet: {replayed.err}"
    return ""


def _problem(ended: Ended, memory: int) -> str:
    """What is wrong with the end of a command, or ""."""
    if ended.code not in (0, 2, 3):
        return f"exit code {ended.code}: {ended.err[-1500:]}"
    if "Traceback" in ended.err or "Exception ignored" in ended.err:
        return ended.err[-1500:]
    if ended.seconds > LONG:
        return f"it took {ended.seconds:.0f} s"
    if ended.grown > memory:
        return f"it took {ended.grown >> 20} MB of memory"
    said = ended.err + ended.out.decode(errors="replace")
    if ended.code != 0 and len(ended.err.splitlines()) != 1 and not ended.out.startswith(b"+"):
        return f"not one sentence: {ended.err[-1500:]!r}"
    if not said.replace("\n", "").isprintable() and not ended.out.startswith(b"+"):
        return f"what is in the file gets at the terminal: {said[-1500:]!r}"
    return ""


def run(count: int, seed: int, say: Callable[[str], None]) -> int:
    """Attack `count` times; returns how many files found something."""
    load()
    found = 0
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as folder:
        all_bases = bases(home)
        for number in range(seed, seed + count):
            base = all_bases[number % len(all_bases)]
            problem = attack(base, number, folder)
            if problem:
                found += 1
                say(f"recording {number}, of {base.stem}: {problem}")
    return found
