"""Keyboards, mice, tablets: `replay_input_event`, `replay_input_sync_event`."""

from __future__ import annotations

import json
import signal
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.border import FIRMWARE, Line, often, recorder, replay_everywhere, run_to_end
from tests.integration.conftest import Server, ttd
from tests.integration.gdb_mi import Gdb
from ttd.boards.extras import Extra
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind

pytestmark = pytest.mark.slow

__all__ = ["often"]

EXTRAS = [Extra(f"virtio-{kind}", f"{kind}0") for kind in ("keyboard", "mouse", "tablet")]
TITLES = b"ttd virtio keyboard\nttd virtio mouse\nttd virtio tablet\nready\n"


def key(name: str, down: bool) -> dict[str, object]:
    return {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}


def test_typed_keys_over_a_socket(tmp_path: Path) -> None:
    path, run = tmp_path / "input", tmp_path / "run.ttd"
    devices = [word for extra in EXTRAS for word in ("--device", extra.kind)]
    server = Server(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", run, *devices),
        *("--input", f"unix:{path}", FIRMWARE / "virtio-input" / "virtio-input.elf"),
    )
    try:

        def shown(text: bytes) -> None:
            while not server.printed.endswith(text):
                assert server.process.poll() is None, server.lines
                time.sleep(0.02)

        shown(b"ready\n")
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            answers = peer.makefile("rb")

            def send(*events: object, **more: object) -> dict[str, object]:
                line = {"execute": "input-send-event", "arguments": {"events": events, **more}}
                peer.sendall(json.dumps(line).encode() + b"\n")
                return json.loads(answers.readline())

            assert send(key("a", True), key("a", False)) == {"return": {}}
            shown(b"0:1:30:1 0:1:30:0 .\n")
            move = {"type": "rel", "data": {"axis": "x", "value": -3}}
            press = {"type": "btn", "data": {"down": True, "button": "left"}}
            assert send(move, press) == {"return": {}}
            shown(b"1:2:0:-3 1:1:272:1 .\n")
            assert send({"type": "abs", "data": {"axis": "y", "value": 32767}}) == {"return": {}}
            shown(b"2:3:1:32767 .\n")
            assert "error" in send({"type": "abs", "data": {"axis": "z", "value": 1}})
            assert "error" in send(key("no such key", True))
            assert "error" in send(key("b", True), device="mouse0")
            assert send(key("esc", True), key("esc", False)) == {"return": {}}
        assert server.process.wait(60) == 0
    finally:
        server.process.kill()
    replayed = ttd("replay", "--echo", "--verify", run)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout.startswith(
        TITLES + b"0:1:30:1 0:1:30:0 .\n1:2:0:-3 1:1:272:1 .\n2:3:1:32767 .\n0:1:1:1 0:1:1:0 \n"
    )
    assert not path.exists()


def test_keys_for_the_past_are_refused(
    tmp_path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    """GDB has taken the machine back, or the guest has ended: nothing is dropped in silence."""
    path, run = tmp_path / "input", tmp_path / "run.ttd"
    firmware = FIRMWARE / "virtio-input" / "virtio-input.elf"
    devices = [word for extra in EXTRAS for word in ("--device", extra.kind)]
    server = serve(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", run, *devices),
        *("--input", f"unix:{path}", "--gdb", "0", firmware),
    )
    gdb = attach(firmware, server.port)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        answers = peer.makefile("rb")

        def send(name: str) -> dict[str, dict[str, str]]:
            events = [key(name, True), key(name, False)]
            peer.sendall(json.dumps({"events": events}).encode() + b"\n")
            answer = json.loads(answers.readline())
            assert isinstance(answer, dict)
            return answer

        while gdb.step < 10_000:
            gdb.start("continue")
            gdb.break_in()
        gdb.goto(9000)
        answer = send("a")
        assert "in the past" in answer["error"]["desc"]
        gdb.goto("end")
        assert send("b") == {"return": {}}
        assert send("esc") == {"return": {}}
        gdb.go("continue")
        assert "has ended" in send("c")["error"]["desc"] or "exited" in send("c")["error"]["desc"]
    gdb.close()
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    replayed = ttd("replay", "--echo", "--verify", run)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout.startswith(TITLES + b"0:1:48:1 0:1:48:0 .\n0:1:1:1 0:1:1:0 \n")


def test_groups_stay_together_and_come_again(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    live = recorder("virtio-input", path, extras=EXTRAS, uart=line)
    machine, replay = live.machine, live.replay
    machine.run(15000)
    assert bytes(line.output) == TITLES
    for round_ in range(20):
        for code in (30, 48):
            replay.input_event("keyboard0", (1, code, round_ % 2))
        replay.input_sync_event("keyboard0")
        replay.input_event("mouse0", (2, 1, round_ - 7))
        replay.input_sync_event("mouse0")
        machine.run(machine.engine.step + 100 * round_)
        machine.run(machine.engine.step + 5000)
    replay.input_event("keyboard0", (1, 1, 0))
    replay.input_sync_event("keyboard0")
    run_to_end(live)
    assert line.output.count(b"0:1:30:1 0:1:48:1 .\n") == 10
    output, played = replay_everywhere(path)
    assert output == line.output
    assert len(played.recording.snapshots) > 3
    recorded = [event for _, event in played.replay.log.select([Kind.INPUT])]
    assert len(recorded) == 61
    assert recorded[0].payload[1:] == struct.pack("<HHi", 1, 30, 0)
    syncs = list(played.replay.log.select([Kind.INPUT_SYNC]))
    assert len(syncs) == 41


def test_live_input_is_dropped_in_play(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    live = recorder("virtio-input", path, extras=EXTRAS)
    live.machine.run(15000)
    live.replay.input_event("keyboard0", (1, 1, 0))
    live.replay.input_sync_event("keyboard0")
    run_to_end(live)
    played = RecordedMachine.open(str(path), SemihostFiles(None))
    for _ in range(5):
        played.replay.input_event("keyboard0", (1, 30, 1))
        played.replay.input_sync_event("keyboard0")
        played.machine.run(played.machine.engine.step + 3000)
    played.run(None, lambda step: None)
    played.compare_end()


@pytest.mark.parametrize(
    ("spec", "words"),
    [("tcp:1", "unix:PATH"), ("unix:", "unix:PATH"), ("unix:/nowhere/at/all", "listened on")],
)
def test_a_socket_that_cannot_be(tmp_path: Path, spec: str, words: str) -> None:
    result = ttd(
        *("record", "--board", "mps2-an385", "-o", tmp_path / "run.ttd", "--input", spec),
        *("--device", "virtio-keyboard", FIRMWARE / "virtio-input" / "virtio-input.elf"),
    )
    assert result.returncode == 2
    assert words in result.stderr.decode()
    assert result.stderr.count(b"\n") == 1
