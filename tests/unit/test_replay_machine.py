"""Random runs of a toy machine: recorded, played, gone back into while they are recorded."""

import random
from pathlib import Path

import pytest

from tests.unit.replay_machine import CONFIG, ToyMachine, World
from ttd.recording.events import Event, Kind
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.replay.errors import Divergence
from ttd.replay.replay import Replay
from ttd.replay.terms import Cause, Mode


def recorder(path: str | None, seed: int) -> tuple[ToyMachine, World, Recording]:
    world = World(seed)
    recording = Recording.create(path, CONFIG)
    replay = Replay()
    replay.configure(Mode.RECORD, recording, CONFIG, random=world.dice)
    machine = ToyMachine(replay, world)
    replay.start(lambda step: step + 300)
    return machine, world, recording


def player(path: str) -> ToyMachine:
    recording = Recording.open(path)
    replay = Replay()
    replay.configure(Mode.PLAY, recording, CONFIG)
    machine = ToyMachine(replay, None)
    replay.start()
    return machine


def disturb(machine: ToyMachine, world: World) -> None:
    """What people and wires do."""
    what = world.rng.random()
    if what < 0.5:
        machine.replay.chr_be_write("uart0", world.rng.randbytes(world.rng.randrange(1, 4)))
    elif what < 0.55:
        machine.replay.reset_request(Cause.HOST)
    elif what < 0.6:
        machine.replay.debug_write(world.rng.randbytes(2))


def record(path: str, seed: int, steps: int = 3000) -> tuple[ToyMachine, World]:
    print("seed", seed)
    machine, world, recording = recorder(path, seed)
    while machine.step < steps:
        disturb(machine, world)
        if world.rng.random() < 0.3:
            machine.run(slice_=world.rng.randrange(1, 60))
        else:
            machine.run(machine.step + world.rng.randrange(60), world.rng.randrange(1, 60))
    machine.run(machine.step)
    machine.replay.finish("enough", 0, machine.hash())
    recording.close()
    assert world.closed
    return machine, world


@pytest.mark.parametrize("seed", range(8))
def test_a_recording_plays(tmp_path: Path, seed: int) -> None:
    path = str(tmp_path / "run.ttd")
    recorded, world = record(path, seed)
    calls = world.calls
    played = player(path)
    assert played.run() == "history"
    assert played.replay.at_end
    assert played.step == recorded.step
    assert played.acc == recorded.acc
    assert played.warp == recorded.warp
    assert played.trace == recorded.trace
    played.replay.check_end(played.hash())
    assert world.calls == calls
    assert recorded.resets > 0
    assert {"rx", "RESET"} <= {what.split()[0] for _, what in played.trace}


@pytest.mark.parametrize("seed", range(4))
def test_it_plays_from_every_snapshot_and_in_pieces(tmp_path: Path, seed: int) -> None:
    path = str(tmp_path / "run.ttd")
    recorded, _ = record(path, seed, 1500)
    assert len(recorded.keep) >= 4
    for state, _sequence in recorded.keep.values():
        played = player(path)
        played.load(state)
        rng = random.Random(seed)
        while played.run(played.step + rng.randrange(1, 200)) == "limit":
            pass
        assert (played.step, played.acc) == (recorded.step, recorded.acc)


@pytest.mark.parametrize("seed", range(8))
def test_back_and_forth_while_it_is_recorded(tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    path = str(tmp_path / "run.ttd")
    machine, world, recording = recorder(path, seed)
    rng = random.Random(seed)
    seen: dict[int, int] = {}
    start = machine.state()
    while machine.step < 3000:
        if machine.replay.mode is Mode.RECORD:
            disturb(machine, world)
            machine.run(machine.step)
            seen[machine.step] = machine.acc
            machine.run(machine.step + rng.randrange(1, 100), rng.randrange(1, 60))
            seen[machine.step] = machine.acc
        if rng.random() < 0.3:
            end, calls = machine.step, world.calls
            states = [start, *(state for state, _ in machine.keep.values())]
            machine.go_back(rng.choice(states))
            if machine.step < end:
                assert machine.replay.mode is Mode.PLAY
            machine.replay.chr_be_write("uart0", b"later")
            target = rng.randrange(machine.step, end + 1)
            machine.run(target)
            assert machine.step == target
            assert seen.get(target, machine.acc) == machine.acc or target == end
            if rng.random() < 0.3:
                machine.go_back(start)
            assert world.calls == calls
            machine.run(end)
            assert machine.replay.end_step >= end
    machine.run(machine.step + 50)
    machine.replay.note_position()
    machine.replay.finish("enough", 0)
    recording.close()
    played = player(path)
    assert played.run() == "history"
    assert (played.step, played.acc) == (machine.step, machine.acc)


@pytest.mark.parametrize("seed", range(6))
def test_a_change_of_the_log_is_a_divergence(tmp_path: Path, seed: int) -> None:
    """An event that is missing, too early or different is noticed, with its step."""
    print("seed", seed)
    path = str(tmp_path / "run.ttd")
    recorded, _ = record(path, seed, 900)
    rng = random.Random(seed)
    original = [event for _, event in EventLog(Recording.open(path)).select()]
    kinds = (Kind.INTERRUPT, Kind.EXCEPTION, Kind.HOST_CALL, Kind.RANDOM, Kind.SNAPSHOT)
    for kind in kinds:
        places = [n for n, event in enumerate(original) if event.kind is kind]
        if not places:
            continue
        at = rng.choice(places)
        for change in ("missing", "late", "other"):
            events = list(original)
            event = events[at]
            if change == "missing":
                del events[at]
            elif change == "late" and events[at + 1].step > event.step:
                events[at] = event._replace(step=event.step + 1)
            elif change == "other":
                payload = event.payload[:-1] + bytes([event.payload[-1] ^ 0x55])
                events[at] = event._replace(payload=payload)
            if events == original:
                continue
            changed = str(tmp_path / "changed.ttd")
            write(changed, events, recorded.step, recorded.hash())
            with pytest.raises(Divergence) as caught:
                played = player(changed)
                played.run()
                played.replay.check_end(played.hash())
            assert caught.value.step >= event.step
            assert "\n" not in str(caught.value)


def write(path: str, events: list[Event], steps: int, state_hash: bytes) -> None:
    recording = Recording.create(path, CONFIG)
    recording.file.set_devices(["uart0"])
    log = EventLog(recording)
    for event in events:
        log.append(event)
    recording.commit(steps, 0)
    recording.finish("made up", 0, state_hash)
    recording.close()
