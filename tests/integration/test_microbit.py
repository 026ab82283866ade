"""The micro:bit with a firmware of our own: exceptions, flash, lights and buttons, both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.integration.border import FIRMWARE, Line, often, recorder, replay_everywhere, run_to_end
from tests.integration.conftest import Server
from tests.integration.gdb_mi import Gdb
from ttd.boards import BOARDS
from ttd.bus.bus import Bus
from ttd.devices.microbit.leds import LedMatrix
from ttd.engine import Engine
from ttd.machine import Machine
from ttd.recorded import RecordedMachine
from ttd.recording.events import Kind

__all__ = ["often"]

ELF = FIRMWARE / "microbit" / "microbit.elf"
KEY_A, KEY_B = 30, 48
HAPPY = ". . . . .\n. 9 . 9 .\n. . . . .\n9 . . . 9\n. 9 9 9 .\n"
SAD = ". . . . .\n. 9 . 9 .\n. . . . .\n. 9 9 9 .\n9 . . . 9\n"
PAGE = 0x3F000


def lights(machine: Machine) -> str:
    found = machine.devices["leds"]
    assert isinstance(found, LedMatrix)
    return found.show()


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, bytes]:
    """A run in which A is pressed for a while, then B; and what was printed."""
    path, line = tmp_path / "run.ttd", Line()
    live = recorder("microbit", path, board=BOARDS["microbit"], uart=line)
    machine, replay = live.machine, live.replay

    def press(code: int, down: int) -> None:
        replay.input_event("buttons", (1, code, down))
        replay.input_sync_event("buttons")

    def go_on(steps: int) -> None:
        machine.run(machine.engine.step + steps)

    while not line.output.endswith(b"ready\n"):
        go_on(100)
    go_on(600)
    assert lights(machine) == HAPPY
    for code in (KEY_A, KEY_B):
        press(code, 1)
        go_on(400)
        press(code, 0)
        go_on(600)
    assert lights(machine) == SAD
    run_to_end(live)
    return path, bytes(line.output)


def test_output_and_replay(recorded: tuple[Path, bytes]) -> None:
    path, output = recorded
    assert output == (FIRMWARE / "microbit" / "expected.txt").read_bytes()
    again, played = replay_everywhere(path)
    assert again == output
    assert len(list(played.replay.log.select([Kind.INPUT]))) >= 3


def test_lights_and_flash_go_back(recorded: tuple[Path, bytes]) -> None:
    played = RecordedMachine.open(str(recorded[0]), None)  # type: ignore[arg-type]
    timeline, machine = played.timeline, played.machine
    timeline.seek(timeline.end)
    assert lights(machine) == SAD
    assert timeline.probe.read_memory(PAGE, 4) == bytes.fromhex("00003412")
    _, first = next(iter(played.replay.log.select([Kind.INPUT])))
    timeline.seek(first.step)
    assert lights(machine) == HAPPY
    timeline.seek(1_000)
    assert lights(machine) == ". . . . .\n" * 5
    assert timeline.probe.read_memory(PAGE, 4) == b"\xff" * 4
    timeline.seek(timeline.end)
    assert lights(machine) == SAD


def test_in_gdb(
    recorded: tuple[Path, bytes], serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    gdb = attach(ELF, serve("serve", "--port", "0", recorded[0]).port)
    gdb.goto("end")
    assert gdb.say("monitor leds").endswith(SAD)
    gdb.say(f"watch *(unsigned *){PAGE:#x}")
    gdb.go("reverse-continue")
    assert gdb.value(f"*(unsigned *){PAGE:#x}") == 0x12345678, "the second write is about to be"
    gdb.say("delete")
    gdb.say("break hard_fault")
    seen = []
    for _ in range(4):
        stop, _ = gdb.go("reverse-continue")
        if stop.get("reason") != "breakpoint-hit":
            break
        seen.append(gdb.value("faults"))
    assert seen == [4, 3, 2, 1]
    assert gdb.value("$xpsr") & 0x1FF == 3
    gdb.say("delete")
    gdb.goto("end")
    assert "Going to step" in gdb.say("monitor back-to event input 1")
    gdb.go("stepi")
    assert gdb.say("monitor leds").endswith(HAPPY)


def final_hash(path: Path, cuts: Random | None) -> bytes:
    """Record a run in which A and B are pressed at certain steps, in slices or at once."""
    live = recorder("microbit", path, board=BOARDS["microbit"])
    machine, replay = live.machine, live.replay
    for step, code, down in ((7_000, KEY_A, 1), (7_500, KEY_A, 0), (8_000, KEY_B, 1)):
        while machine.engine.step < step:
            slice_ = step if cuts is None else cuts.randint(1, 200)
            machine.run(min(step, machine.engine.step + slice_))
        replay.input_event("buttons", (1, code, down))
        replay.input_sync_event("buttons")
    return run_to_end(live)


def test_how_it_is_run_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither slices, nor registers that the engine answers by itself."""
    seed = Random().randrange(1 << 32)
    print("seed", seed)
    at_once = final_hash(tmp_path / "once.ttd", None)
    assert final_hash(tmp_path / "slices.ttd", Random(seed)) == at_once
    monkeypatch.setattr(Engine, "keep_reading", lambda *a: None)
    monkeypatch.setattr(Bus, "native", False)
    assert final_hash(tmp_path / "asked.ttd", None) == at_once
