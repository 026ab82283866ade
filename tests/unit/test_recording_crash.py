"""Recorders that are killed, and disks that fill up."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.recording_fill import CONFIG, IMAGE, fill, verify
from ttd.recording import schema
from ttd.recording.errors import RecordingError
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording

ROOT = str(Path(__file__).parents[2])
RECORDER = f"""
import sys
sys.path.insert(0, {ROOT!r})
from tests.unit.recording_fill import CONFIG, IMAGE, fill
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
recording = Recording.create(sys.argv[1], CONFIG, {{"fw.elf": IMAGE}})
log = EventLog(recording)
print("started", flush=True)
number = 0
while True:
    fill(recording, log, number, 1, number % 3 == 0)
    number += 1
    if number % 50 == 0:
        print(number, flush=True)
"""


def start_recorder(path: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", RECORDER, path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    path = str(tmp_path / "run.ttd")
    process = start_recorder(path)
    time.sleep(random.Random(seed).random() * 0.4)
    kill(process)
    recording = Recording.open(path)
    assert not recording.status.complete
    # Each commit of the recorder is a whole number of snapshots with all their events; the latest
    # snapshots may still have been waiting.
    assert recording.status.steps == 100 * recording.status.events
    assert recording.status.events >= 10 * len(recording.snapshots)
    verify(recording)
    recording.close()
    again = Recording.open(path)
    verify(again)
    again.file.remarks.set_bookmark("here", 5)
    assert again.file.remarks.bookmarks() == {"here": (0, 5, "")}
    again.close()


def test_killed_and_then_on_media_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "run.ttd")
    process = start_recorder(path)
    time.sleep(0.2)
    kill(process)
    connect = schema._connect

    def read_only(path_: str, mode: str, immutable: bool = False) -> sqlite3.Connection:
        """SQLite on such media; a test that runs as root cannot make a folder read-only."""
        if path_ == path and mode == "rw":
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return connect(path_, mode, immutable)

    monkeypatch.setattr(schema, "_connect", read_only)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert "run.ttd-wal" in before
    recording = Recording.open(path)
    assert recording.status.steps > 0
    verify(recording)
    recording.close()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_recording_that_still_grows_can_be_read(tmp_path: Path) -> None:
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG, {"fw.elf": IMAGE})
    log = EventLog(recording)
    fill(recording, log, 0, 5)
    assert recording.snapshot_state(4)  # waits for the writer
    reader = Recording.open(path)
    assert reader.status.steps == 5000
    verify(reader)
    fill(recording, log, 5, 5)
    assert recording.snapshot_state(9)
    assert len(EventLog(reader)) == 50
    verify(reader)
    reader.close()
    recording.finish("done")
    recording.close()
    assert os.listdir(tmp_path) == ["run.ttd"]


def test_what_is_not_committed_is_not_seen(tmp_path: Path) -> None:
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG, {"fw.elf": IMAGE})
    log = EventLog(recording)
    fill(recording, log, 0, 3)
    recording.put_page(b"p" * 4096)
    recording.add_snapshot(3000, 30, 0, b"", {}, [])
    recording.close()
    again = Recording.open(path)
    assert len(again.snapshots) == 3
    verify(again)
    again.close()


def test_a_full_disk(tmp_path: Path) -> None:
    """The limit on file sizes stands for the disk: the error is the same to SQLite."""
    path = str(tmp_path / "run.ttd")
    code = (
        f"import sys; sys.path.insert(0, {ROOT!r})\n"
        "import resource\n"
        "from tests.unit.recording_fill import CONFIG, IMAGE, fill\n"
        "from ttd.recording.errors import RecordingError\n"
        "from ttd.recording.log import EventLog\n"
        "from ttd.recording.recording import Recording\n"
        "recording = Recording.create(sys.argv[1], CONFIG, {'fw.elf': IMAGE})\n"
        "log = EventLog(recording)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try:\n"
        "    for number in range(100_000): fill(recording, log, number, 1)\n"
        "except RecordingError as error:\n"
        "    print(error)\n"
        "try:\n"
        "    recording.finish('end')\n"
        "except RecordingError as error:\n"
        "    print(error)\n"
        "assert recording.snapshot_state(5)\n"
        "missing = 0\n"
        "for number in range(len(log)):\n"
        "    try:\n"
        "        assert log.get(number) is not None\n"
        "    except RecordingError as error:\n"
        "        assert 'disk is full' in str(error), error\n"
        "        missing += 1\n"
        "assert missing < len(log) / 2, missing\n"
        "recording.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("disk is full" in line and "last commit" in line for line in lines)
    recording = Recording.open(path)
    assert not recording.status.complete
    assert len(recording.snapshots) > 5
    verify(recording)
    recording.close()


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    path = str(tmp_path / "run.ttd")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(RecordingError, match="disk is full"):
            Recording.create(path, CONFIG, {"fw.elf": IMAGE})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


REPLACER = f"""
import errno, os, sqlite3, sys
sys.path.insert(0, {ROOT!r})
from tests.unit.recording_fill import CONFIG, IMAGE, fill
from ttd.recording import schema
from ttd.recording.errors import RecordingError
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording

path, fails = sys.argv[1], sys.argv[2] == "fails"
left = int(sys.argv[3])

def step():
    global left
    left -= 1
    if left == 0 and not fails:
        os._exit(9)
    return left == 0

def on_disk(call):
    def instead(*values, **named):
        if step():
            raise OSError(errno.ENOSPC, "No space left on device")
        return call(*values, **named)
    return instead

class Connection(sqlite3.Connection):
    def execute(self, *values):
        if step():
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return super().execute(*values)

    def close(self):
        step()
        super().close()

for name in ("link", "replace", "unlink", "fsync"):
    setattr(os, name, on_disk(getattr(os, name)))
connect = sqlite3.connect
sqlite3.connect = lambda *values, **named: connect(*values, **named, factory=Connection)
try:
    recording = Recording.create(path, CONFIG, {{"new.elf": IMAGE}})
    fill(recording, EventLog(recording), 0, 1)
    recording.finish("done")
    recording.close()
except RecordingError as error:
    print(error)
    sys.exit(2)
sys.exit(0 if left > 0 else 1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fails", "is killed"])
def test_a_recording_is_whole_until_its_name_is_given_away(tmp_path: Path, how: str) -> None:
    """At each step of replacing one whose recorder was killed, the disk is full or it ends."""
    made = str(tmp_path / "made.ttd")
    recording = Recording.create(made, CONFIG, {"fw.elf": IMAGE})
    fill(recording, EventLog(recording), 0, 7)
    assert recording.snapshot_state(6)  # waits for the writer
    killed = {suffix: Path(made + suffix).read_bytes() for suffix in ("", "-wal")}
    recording.close()
    seen = set()
    for number in range(1, 200):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        path = str(folder / "run.ttd")
        for suffix, data in killed.items():
            Path(path + suffix).write_bytes(data)
        words = [
            sys.executable,
            "-c",
            REPLACER,
            path,
            "fails" if how == "fails" else "",
            str(number),
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        assert "Traceback" not in done.stderr, done.stderr
        again = Recording.open(path)
        verify(again)
        old = "fw.elf" in again.config.images
        assert again.status.steps in ((7000,) if old else (0, 1000))
        seen.add((done.returncode, old))
        if done.returncode == 2:
            assert len(done.stdout.splitlines()) == 1
        again.close()
        if done.returncode == 0:
            break
    assert done.returncode == 0
    assert seen >= {(2 if how == "fails" else 9, True), (0, False)}
