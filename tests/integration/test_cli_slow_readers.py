"""Readers that are slow, read nothing, or go away: the recorder waits for nobody."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path

import pytest

from tests.integration.cli_tools import BOARD, HANG, elf, how_ended, info, start, ttd, verify
from ttd.recording.events import Kind, to_number
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording

pytestmark = pytest.mark.slow

WHOLE = b"".join(b"%08x" % number + b"." * 55 + b"\n" for number in range(2560))
"""What `talk` prints."""


@dataclass
class Place:
    """Where output goes, and nobody reads it: options, what to start with, how to look at it."""

    options: tuple[str, ...]
    started: Callable[[subprocess.Popen[bytes]], None]
    waiting: Callable[[], int]
    read: Callable[[int], bytes]
    more: dict[str, object]


def held(fd: int) -> int:
    """Bytes that can be read."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0])


def nothing(process: subprocess.Popen[bytes]) -> None:
    pass


@contextmanager
def place(kind: str, folder: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        if kind == "stdout":
            read, write = os.pipe()
            stack.callback(os.close, read)

            def begun(process: subprocess.Popen[bytes]) -> None:
                os.close(write)

            yield Place(
                (), begun, lambda: held(read), lambda n: os.read(read, n), {"stdout": write}
            )
        elif kind in ("fifo", "late fifo"):
            path = folder / "fifo"
            os.mkfifo(path)
            ends: list[int] = []

            def opened(process: subprocess.Popen[bytes]) -> None:
                ends.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
                os.set_blocking(ends[0], True)
                stack.callback(os.close, ends[0])

            if kind == "fifo":
                opened(None)  # type: ignore[arg-type]
            yield Place(
                ("--serial", f"file:{path}"),
                nothing if ends else opened,
                lambda: held(ends[0]),
                lambda n: os.read(ends[0], n),
                {},
            )
        else:
            assert kind == "pty"
            terminals: list[int] = []

            def connect(process: subprocess.Popen[bytes]) -> None:
                assert process.stderr is not None
                found = re.search(rb"/dev/pts/\d+", process.stderr.readline())
                assert found
                terminals.append(os.open(found[0], os.O_RDWR | os.O_NOCTTY))
                stack.callback(os.close, terminals[0])

            yield Place(
                ("--serial", "pty"),
                connect,
                lambda: held(terminals[0]),
                lambda n: os.read(terminals[0], n),
                {"stderr": subprocess.PIPE},
            )


def full(where: Place) -> int:
    """Wait until no more comes; how much there is."""
    end, seen, since = time.monotonic() + HANG, 0, time.monotonic()
    while seen == 0 or time.monotonic() - since < 0.3:
        assert time.monotonic() < end
        if (now := where.waiting()) != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.01)
    return seen


@contextmanager
def started(where: Place, *words: str | Path, **more: object) -> Iterator[subprocess.Popen[bytes]]:
    """`ttd`, whose output goes there; it does not outlive the block."""
    process = start(*words, *where.options, **where.more | more)
    try:
        where.started(process)
        yield process
    finally:
        process.kill()


def reason(path: Path) -> str:
    """Why a recording ended."""
    return Recording.open(str(path)).status.reason


def printed(path: Path) -> bytes:
    """What the guest printed, by a replay, which must be the same."""
    done = ttd("replay", "--echo", "--verify", path)
    assert done.code == 0, done.err
    return done.out


CASES = [
    ("talk-uart", "stdout"),
    ("talk-console", "stdout"),
    ("talk-uart", "fifo"),
    ("talk-uart", "late fifo"),
    ("talk-uart", "pty"),
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("program", "kind"), CASES)
def test_nobody_reads(tmp_path: Path, program: str, kind: str, number: signal.Signals) -> None:
    path = tmp_path / "run.ttd"
    with place(kind, tmp_path) as where:
        with started(where, *BOARD, "--semihosting", "-o", path, elf("talk", program)) as process:
            full(where)
            assert process.poll() is None
            process.send_signal(number)
            assert process.wait(HANG) == 0
        if kind != "pty":  # what was in there has gone with the terminal
            assert where.read(1000) == WHOLE[:1000]
    facts = info(path)
    assert facts["complete"] and facts["steps"] > 10_000
    assert reason(path) == "it was interrupted"
    assert set(printed(path)) <= set(WHOLE)


@pytest.mark.parametrize(("program", "kind"), CASES[:3])
def test_a_slow_reader_gets_everything(tmp_path: Path, program: str, kind: str) -> None:
    path, got = tmp_path / "run.ttd", bytearray()
    words = (*BOARD, "--semihosting", "-o", path, elf("talk", program))
    with place(kind, tmp_path) as where, started(where, *words) as process:
        full(where)  # it begins when everything is held up
        end = time.monotonic() + HANG
        while len(got) < len(WHOLE) and time.monotonic() < end:
            got += where.read(5000)
            time.sleep(0.002)
        assert process.wait(HANG) == 0
    assert bytes(got) == WHOLE
    printed(path)
    assert reason(path) == "the guest exited with code 0"


def test_nobody_reads_what_people_are_told_either(tmp_path: Path) -> None:
    """Standard error is the same full pipe."""
    path = tmp_path / "run.ttd"
    with place("stdout", tmp_path) as where:
        words = (*BOARD, "--steps", "3000000", "-o", path, elf("talk", "talk-uart"))
        with started(where, *words, stderr=where.more["stdout"]) as process:
            assert process.wait(HANG) == 0
    assert info(path)["steps"] == 3_000_000


@pytest.mark.parametrize("kind", ["stdout", "fifo", "late fifo", "nobody"])
def test_a_recording_ends_without_its_reader(tmp_path: Path, kind: str) -> None:
    """Nobody reads, and nobody asks for an end: what the guest could not say is told."""
    path = tmp_path / "run.ttd"
    words = [*BOARD, "-o", path, "--steps", "3000000"]
    if kind == "nobody":
        os.mkfifo(tmp_path / "fifo")
        done = ttd(*words, "--serial", f"file:{tmp_path}/fifo", elf("talk", "talk-uart"))
        assert done.code == 0
        said = done.err
    else:
        with place(kind, tmp_path) as where:
            words += [elf("talk", "talk-uart")]
            with started(where, *words, stderr=subprocess.PIPE) as process:
                assert process.wait(HANG) == 0
            assert process.stderr is not None
            said = process.stderr.read().decode()
    assert re.search(r"was not read: the last \d+ bytes of output are lost", said)
    assert info(path)["steps"] == 3_000_000
    printed(path)


@pytest.mark.parametrize(("program", "kind"), CASES[:3])
def test_a_reader_that_goes(tmp_path: Path, program: str, kind: str) -> None:
    path = tmp_path / "run.ttd"
    with place(kind, tmp_path) as where:
        process = start(
            *(*BOARD, "--semihosting", "-o", path, *where.options, elf("talk", program)),
            **where.more | {"stderr": subprocess.PIPE},
        )
        where.started(process)
        full(where)
    try:
        _, said = process.communicate(timeout=HANG)
    finally:
        process.kill()
    assert (process.returncode, how_ended(said.decode(), path)) == (
        0,
        "the guest exited with code 0",
    )
    assert reason(path) == "the guest exited with code 0"
    assert len(printed(path)) >= len(WHOLE)


@pytest.mark.parametrize("program", ["talk-uart", "talk-console"])
def test_a_full_disk(tmp_path: Path, program: str) -> None:
    """The guest is told, and so is it in a replay; the run goes on."""
    path = tmp_path / "run.ttd"
    with open("/dev/full", "wb") as disk:
        process = start(*BOARD, "--semihosting", "-o", path, elf("talk", program), stdout=disk)
        assert process.wait(HANG) == 0
    log = EventLog(Recording.open(str(path)))
    results = [to_number(event.payload[9:]) for _, event in log.select([Kind.CHAR_WRITE])]
    assert set(results) == {-ENOSPC}
    assert len(results) > 2560
    assert "the same" in verify(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_that_nobody_reads(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "run.ttd"
    done = ttd(*BOARD, "--semihosting", "-o", path, elf("talk", "talk-uart"))
    assert (done.code, done.out) == (0, WHOLE)
    more = {"stderr": subprocess.PIPE}
    with (
        place("stdout", tmp_path) as where,
        started(where, "replay", "--echo", path, **more) as process,
    ):
        full(where)
        process.send_signal(number)
        assert process.wait(HANG) == 130
    assert process.stderr is not None
    assert b"interrupted at step" in process.stderr.read()


def test_a_second_signal_does_not_wait_for_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    with place("stdout", tmp_path) as where:
        words = (*BOARD, "--semihosting", "-o", path, elf("talk", "talk-console"))
        with started(where, *words) as process:
            full(where)
            for _ in range(5):
                process.send_signal(signal.SIGTERM)
            assert process.wait(HANG) == 0
    assert info(path)["complete"]
    assert "the same" in verify(path)


def test_output_on_a_thread_keeps_its_order(tmp_path: Path) -> None:
    """UART 0 and semihosting's console write to the same standard output."""
    path = tmp_path / "run.ttd"
    done = ttd(*BOARD, "--semihosting", "-o", path, elf("calls"))
    assert done.code == 0
    assert done.out == printed(path)
