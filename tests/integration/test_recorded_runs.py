"""Recordings replay to the same output and state: whole, from their middle, and when typed into."""

from __future__ import annotations

import json
import os
import threading
import tty
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.firmware.test_expected import without_gaps
from tests.integration.conftest import FIRMWARE, Record, Server, ttd
from tests.integration.inside import playing_session, record_to_end
from tests.snapshots import snapshots_every

pytestmark = pytest.mark.slow

PROGRAMS = ["calls", "irqs", "faults", "mpu", "selfmod"]


def elf(name: str) -> Path:
    return FIRMWARE / name / f"{name}.elf"


@pytest.mark.parametrize("name", [*PROGRAMS, "echo"])
def test_output_and_replay(record: Record, name: str) -> None:
    run = record(name)
    output = run.output.replace(b"\r\n", b"\n")
    assert without_gaps(name, output) == without_gaps(name, run.expected)
    replayed = ttd("replay", "--verify", "--echo", run.path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == run.output


@pytest.mark.parametrize("name", PROGRAMS)
def test_from_every_snapshot_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "run.ttd"
    distance = {"calls": 70_000, "irqs": 70_000, "faults": 25_000}.get(name, 5_000)
    snapshots_every(monkeypatch, distance)
    record_to_end(elf(name), path)
    whole = playing_session(path)
    infos = list(whole.recording.snapshots)
    assert len(infos) >= 4
    whole.run(None, lambda step: None)
    whole.compare_end()
    assert whole.snapshots.checked == len(infos)
    whole.verify_snapshots()
    whole.close()
    for number, info in enumerate(infos[1:], 1):
        session = playing_session(path)
        session.timeline.seek(info.step)
        session.run(None, lambda step: None)
        session.compare_end()
        # The one it began with is compared as well.
        assert session.snapshots.checked == len(infos) - number
        session.close()


@pytest.mark.parametrize("distance", [997, 101])
def test_snapshots_at_odd_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distance: int
) -> None:
    """Within IT blocks and handlers, and between LDREX and STREX."""
    path = tmp_path / "run.ttd"
    snapshots_every(monkeypatch, distance)
    final = record_to_end(elf("selfmod"), path)
    session = playing_session(path)
    session.run(None, lambda step: None)
    session.compare_end()
    assert session.recording.status.state_hash == final
    session.verify_snapshots()
    session.close()


def test_semihosting_program(tmp_path: Path) -> None:
    path, folder = tmp_path / "run.ttd", tmp_path / "files"
    folder.mkdir()
    recorded = ttd(
        *("record", "--board", "mps2-an385", f"--semihosting={folder}", "-o", path),
        elf("rdimon"),
    )
    assert recorded.returncode == 3, recorded.stderr.decode()
    assert b"argv[0] = rdimon.elf" in recorded.stdout
    assert (folder / "note.txt").read_bytes() == b"kept on the host"
    # In play the host's files are not looked at.
    (folder / "note.txt").write_bytes(b"another")
    replayed = ttd("replay", "--echo", "--verify", path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    assert (folder / "note.txt").read_bytes() == b"another"


def test_typed_into_a_pseudoterminal(tmp_path: Path, serve: Callable[..., Server]) -> None:
    path = tmp_path / "run.ttd"
    server = serve(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", path),
        *("--serial", "pty", elf("echo")),
    )
    name = server.said(r"(/dev/pts/\d+)")
    line = os.open(name, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    shown = bytearray()

    def show() -> None:
        try:
            while data := os.read(line, 4096):
                shown.extend(data)
        except OSError:
            pass  # the recorder has hung up

    reader = threading.Thread(target=show, daemon=True)
    reader.start()
    for text in (b"one\n", b"two\n", b"quit\n"):
        os.write(line, text)
    assert server.wait() == 0, server.lines
    reader.join(10)
    os.close(line)
    for _ in range(2):
        replayed = ttd("replay", "--echo", "--verify", path)
        assert replayed.returncode == 0, replayed.stderr.decode()
        for text in (b"You typed: one", b"You typed: two", b"lines 00000003", b"DONE "):
            assert text in replayed.stdout
    facts = json.loads(ttd("info", "--json", path).stdout)
    assert facts["complete"] and facts["exit_code"] == 0
