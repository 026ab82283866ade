"""`monitor back-to event KIND N` through GDB: to a disk request's completion, to a key press."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.integration.border import FIRMWARE, recorder, run_to_end
from tests.integration.conftest import Server, ttd
from tests.integration.fat import make_image
from tests.integration.gdb_mi import Gdb
from ttd.boards.extras import Extra
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind

Serve = Callable[..., Server]
Attach = Callable[..., Gdb]


def steps_of(path: Path, kind: str) -> list[int]:
    session = RecordedMachine.open(str(path), SemihostFiles(None))
    steps = [event.step for _, event in session.replay.log.select([Kind[kind.upper()]])]
    session.close()
    return steps


def open_at_end(serve: Serve, attach: Attach, path: Path, name: str) -> Gdb:
    gdb = attach(FIRMWARE / name / f"{name}.elf", serve("serve", "--port", "0", path).port)
    gdb.goto("end")
    return gdb


def back_to(gdb: Gdb, kind: str, number: int, step: int) -> None:
    text = gdb.say(f"monitor back-to event {kind} {number}")
    assert f"Going to step {step} of" in text, text
    gdb.go("reverse-continue")
    assert gdb.step == step


def test_the_completion_of_disk_request_3(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path, image = tmp_path / "run.ttd", tmp_path / "disk.img"
    image.write_bytes(make_image(b"hello from the host\n"))
    recorded = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", path, "--serial", "null"),
        *("--device", f"virtio-blk,file={image}"),
        FIRMWARE / "virtio-blk" / "virtio-blk.elf",
    )
    assert recorded.returncode == 0, recorded.stderr.decode()
    image.unlink()
    step = steps_of(path, "block")[2]
    gdb = open_at_end(serve, attach, path, "virtio-blk")
    assert gdb.value("completed") > 8
    back_to(gdb, "block", 3, step)
    # The request is done and the guest has not noticed yet; just before, it was not done. The
    # question for the disk's name, which came first, was answered without the host.
    assert (gdb.value("completed"), gdb.value("status[0]")) == (3, 0)
    gdb.go("reverse-stepi")
    assert gdb.value("status[0]") == 0xFF
    gdb.say("watch completed")
    gdb.go("continue")
    assert gdb.value("completed") == 4
    assert gdb.step > step


def test_the_key_press(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    extras = [Extra(f"virtio-{kind}", f"{kind}0") for kind in ("keyboard", "mouse", "tablet")]
    live = recorder("virtio-input", path, extras=extras)
    live.machine.run(15000)
    for code in (30, 1):
        for value in (1, 0):
            live.replay.input_event("keyboard0", (1, code, value))
            live.replay.input_sync_event("keyboard0")
            live.machine.run(live.machine.engine.step + 5000)
    run_to_end(live)
    steps = steps_of(path, "input")
    assert len(steps) == 4
    gdb = open_at_end(serve, attach, path, "virtio-input")
    assert gdb.value("keys") == 2
    back_to(gdb, "input", 1, steps[0])
    assert gdb.value("keys") == 0
    gdb.say("break key_event")
    gdb.go("continue")
    assert (gdb.value("event->code"), gdb.value("event->value")) == (30, 1)
    assert steps[0] < gdb.step < steps[1]
    gdb.say("monitor back-to event input_sync")
    gdb.go("stepi")
    assert gdb.step == steps_of(path, "input_sync")[0]
