"""Recorders that are killed, and disks that are full: what was committed is good."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.integration.cli_tools import (
    BOARD,
    change_meta,
    change_status,
    elf,
    how_ended,
    info,
    limited,
    refused,
    start,
    ttd,
    verify,
)
from ttd.recording.index import Status
from ttd.recording.recording import Recording

pytestmark = pytest.mark.slow


def test_what_is_being_recorded_was_not_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    process = start(*BOARD, "--semihosting", "-o", path, elf("echo"), stdin=subprocess.PIPE)
    assert process.stdout is not None and process.stdin is not None
    process.stdout.readline()  # it waits for input
    facts = info(path)
    assert not facts["complete"] and facts["end"] == f"being recorded at step {facts['steps']}"
    process.kill()
    process.communicate()
    facts = info(path)
    assert not facts["complete"] and facts["end"] == f"cut off at step {facts['steps']}"


def kill_one(path: Path, delay: float) -> bool:
    """Kill a recorder `delay` seconds after its start; False if there was no recording yet."""
    image = elf("bench", "bench-systick")
    process = start(*BOARD, "-o", path, image, stdout=subprocess.DEVNULL)
    time.sleep(delay)
    process.kill()
    process.wait()
    if not path.exists():
        return False
    facts = info(path)
    assert facts["complete"] is False
    assert facts["end"] == f"cut off at step {facts['steps']}"
    assert f"replayed {facts['steps']} steps" in verify(path)
    assert ttd("events", path, "--from", str(facts["steps"] + 1)).out == b""
    return True


def kill_many(tmp_path: Path, count: int, spread: float) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    delays = [random.Random(seed).uniform(0, spread) for _ in range(count)]
    opened = sum(kill_one(tmp_path / f"{n}.ttd", delay) for n, delay in enumerate(delays))
    print(opened, "of", count, "had begun")


def test_killed(tmp_path: Path) -> None:
    kill_many(tmp_path, 10, 0.7)


@pytest.mark.slow
def test_killed_many_times(tmp_path: Path) -> None:
    kill_many(tmp_path, 20, 2)


def test_killed_before_the_first_commit(tmp_path: Path) -> None:
    """The file has its name for a moment before anything has been committed to it."""
    path = tmp_path / "run.ttd"
    assert ttd(*BOARD, "--steps", "9", "-o", path, elf("calls")).code == 0
    made = Recording.open(str(path))
    status = Status(snapshots=0)
    seal = status.sealed(made.config.digest)
    made.close()
    db = sqlite3.connect(path)
    for table in ("chunks", "snapshots", "intervals", "pages"):
        db.execute(f"DELETE FROM {table}")
    db.commit()
    db.close()
    change_meta(path, "devices", lambda names: [])
    change_status(path, lambda _: asdict(replace(status, seal=seal)))
    assert info(path)["end"] == "cut off at step 0"
    verify(path)


def test_killed_while_replacing_a_recording(tmp_path: Path) -> None:
    """The old recording or the new one, nothing between."""
    path = tmp_path / "run.ttd"
    ttd(*BOARD, "--steps", "77", "-o", path, elf("calls"))
    seed = random.randrange(1 << 32)
    print("seed", seed)
    process = start(*BOARD, "-o", path, elf("echo"))
    time.sleep(random.Random(seed).uniform(0.1, 0.6))
    process.kill()
    process.communicate()
    facts = info(path)
    assert facts["complete"] == (facts["steps"] == 77)
    verify(path)


def test_replay_of_a_recording_that_still_grows(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    process = start(*BOARD, "-o", path, elf("bench", "bench-systick"))
    assert process.stdout is not None
    process.stdout.readline()
    while not info(path)["steps"]:
        pass
    assert "the recording was cut off there" in verify(path)
    process.terminate()
    process.communicate()
    assert process.returncode == 0
    assert info(path)["complete"]
    verify(path)


def test_a_reader_does_not_stop_the_recorder(tmp_path: Path) -> None:
    """A recording that somebody has open can be finished."""
    path = tmp_path / "run.ttd"
    recorder = start(*BOARD, "-o", path, elf("echo"), stderr=subprocess.PIPE)
    assert recorder.stdout is not None and recorder.stderr is not None
    recorder.stdout.readline()
    while not info(path)["steps"]:
        pass
    server = start("serve", path, "--stdio", stdin=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    server.stdin.write(b"$?#3f")
    server.stdin.flush()
    assert server.stdout.read(1) == b"+"
    recorder.terminate()
    _, said = recorder.communicate()
    assert (recorder.returncode, how_ended(said.decode(), path)) == (0, "it was interrupted")
    server.communicate()
    assert info(path)["complete"]
    verify(path)


def test_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    image = elf("bench", "bench-systick")
    done = ttd(*BOARD, "-o", path, image, "--serial", "null", preexec_fn=limited(100_000))
    refused(done, str(path), "disk is full")
    facts = info(path)
    assert not facts["complete"] and facts["end"] == f"cut off at step {facts['steps']}"
    verify(path)


def test_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    done = ttd(*BOARD, "-o", path, elf("calls"), preexec_fn=limited(4096))
    refused(done, str(path), "disk is full")
    assert os.listdir(tmp_path) == []
