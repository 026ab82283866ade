"""Everything at once: any interleaving of host inputs replays to the same state."""

from __future__ import annotations

import tempfile
from errno import EAGAIN, EPIPE
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.border import (
    Image,
    Line,
    drive,
    often,
    recorder,
    replay_everywhere,
    run_to_end,
)
from tests.snapshots import snapshots_every
from ttd.boards.extras import Extra
from ttd.boards.networks import Networks
from ttd.recorded import HostSides, RecordedMachine
from ttd.recording.events import Kind, to_small
from ttd.replay.net import PacketQueue
from ttd.replay.terms import Cause, Checkpoint

pytestmark = pytest.mark.slow

__all__ = ["often"]

EXTRAS = [
    Extra("virtio-blk", "blk0", {"drive": "disk0"}),
    Extra("virtio-rng", "rng0"),
    Extra("virtio-keyboard", "keyboard0"),
    Extra("virtio-net", "net1", {"netdev": "net0", "mac": "525400123457"}),
]
DISK = b"".join(n.to_bytes(4, "little") * 128 for n in range(256))

ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 4000),
        st.one_of(
            st.sampled_from(["type", "key", "done", "packet", "reset", "back"]).flatmap(
                lambda kind: st.tuples(st.just(kind), st.integers(0, 255))
            )
        ),
    ),
    max_size=30,
)


class Wire:
    """Where the guest's packets go."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def start(self, on_packet: PacketQueue) -> None:
        pass

    def send(self, packet: bytes) -> None:
        self.sent.append(packet)

    def close(self) -> None:
        pass


def mixed(path: Path, line: Line, image: Image, wire: Wire | None = None) -> RecordedMachine:
    return recorder(
        "mixed",
        path,
        extras=EXTRAS,
        drives=[drive("disk0", DISK)],
        uart=line,
        host=HostSides(disks={"disk0": image}, nets={"net0": wire or Wire()}),
        networks=Networks(("net0",)),
        random=lambda count: b"\x5a" * count,
    )


def act(live: RecordedMachine, image: Image, kind: str, number: int) -> None:
    replay = live.replay
    if kind == "type":
        replay.chr_be_write("uart0", bytes((number,)).replace(b"q", b"Q"))
    elif kind == "key":
        replay.input_event("keyboard0", (1, number, number & 1))
        replay.input_sync_event("keyboard0")
    elif kind == "packet":
        replay.net_packet_event("net0", 0, [bytes((number,)) * 12, bytes(48 + 5 * number)])
    elif kind == "done" and image.waiting:
        image.complete(number % len(image.waiting))
    elif kind == "reset" and number < 40:
        replay.reset_request(Cause.HOST)
    elif kind == "back":
        here = live.machine.engine.step
        live.timeline.seek(here * number // 256)
        live.timeline.seek(here)


def record(path: Path, actions: list[tuple[int, tuple[str, int]]]) -> tuple[bytes, bytes]:
    """Output and final hash."""
    line, image = Line(), Image(DISK, at_once=False)
    live = mixed(path, line, image)
    machine = live.machine
    if len(actions) % 3:
        machine.run(20000)  # past the start of the guest
    for steps, (kind, number) in actions:
        machine.run(machine.engine.step + steps)
        act(live, image, kind, number)
    while image.waiting:
        image.complete(0)
    machine.run(machine.engine.step + 5000)
    live.replay.chr_be_write("uart0", b"q")
    image.at_once = True
    return bytes(line.output), run_to_end(live)


@settings(max_examples=100, deadline=None, print_blob=True)
@given(actions=ACTIONS)
def test_any_interleaving_replays(actions: list[tuple[int, tuple[str, int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ttd"
        output, final = record(path, actions)
        printed, played = replay_everywhere(path)
        assert printed.startswith(output)
        assert played.recording.status.state_hash == final


def test_packets_come_back(tmp_path: Path) -> None:
    path, line, image, wire = tmp_path / "run.ttd", Line(), Image(DISK), Wire()
    live = mixed(path, line, image, wire)
    live.machine.run(30000)
    for number in range(20):
        act(live, image, "packet", number)
        act(live, image, "type", number)
        live.machine.run(live.machine.engine.step + 20000)
    live.replay.chr_be_write("uart0", b"q")
    run_to_end(live)
    assert [(packet[0], len(packet)) for packet in wire.sent] == [
        (n, 60 + 5 * n) for n in range(20)
    ]
    assert replay_everywhere(path)[0] == line.output


# --- bottom halves, random bytes, requests


def test_random_bytes_come_in_a_bottom_half(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    given_out: list[int] = []

    def random(count: int) -> bytes:
        given_out.append(count)
        return bytes((len(given_out),)) * count

    live = recorder(
        "virtio-rng", path, extras=[Extra("virtio-rng", "rng0")], uart=line, random=random
    )
    run_to_end(live)
    assert given_out == [16, 16, 16]
    output, played = replay_everywhere(path)
    assert output == line.output
    assert b"random 03030303" in output
    kinds = [event.kind for _, event in played.replay.log.select([Kind.BH, Kind.RANDOM])]
    assert kinds.count(Kind.RANDOM) == 3
    assert kinds[0] is Kind.BH


def requests(session: RecordedMachine) -> list[tuple[Kind, int]]:
    kinds = [Kind.RESET, Kind.SUSPEND, Kind.SHUTDOWN, Kind.CHECKPOINT]
    found = session.replay.log.select(kinds)
    return [(event.kind, to_small(event.payload)) for _, event in found]


@pytest.mark.parametrize("cause", [Cause.HOST, Cause.DEBUGGER])
def test_reset_suspension_and_shutdown_are_asked_for(tmp_path: Path, cause: Cause) -> None:
    path, line, image = tmp_path / "run.ttd", Line(), Image(DISK)
    live = mixed(path, line, image)
    machine, replay = live.machine, live.replay
    machine.run(29000)
    assert machine.devices["blk0"].save()["status"] == 15
    replay.reset_request(cause)
    machine.run(29000)
    assert machine.devices["blk0"].save()["status"] == 0
    machine.run(64000)
    replay.suspend_request(cause)
    stopped = machine.run(65000)  # comes back because the test's world does nothing
    assert stopped.step == 64000
    assert machine.suspended
    replay.chr_be_write("uart0", b"a")
    machine.wake_up()
    machine.run(65000)
    replay.shutdown_request(cause)
    run_to_end(live)
    output, played = replay_everywhere(path)
    assert output == line.output
    assert b"a" in output
    assert requests(played) == [
        (Kind.CHECKPOINT, Checkpoint.INIT),
        (Kind.RESET, cause),
        (Kind.CHECKPOINT, Checkpoint.RESET_REQUESTED),
        (Kind.CHECKPOINT, Checkpoint.RESET),
        (Kind.SUSPEND, cause),
        (Kind.CHECKPOINT, Checkpoint.SUSPEND_REQUESTED),
        (Kind.SHUTDOWN, cause),
    ]
    assert not played.machine.suspended


def test_input_during_a_snapshot_or_a_reset_waits(tmp_path: Path) -> None:
    """Events are disabled meanwhile; what comes in enters afterwards, at the same place again."""
    path, line, image = tmp_path / "run.ttd", Line(), Image(DISK)
    live = mixed(path, line, image)
    machine, replay = live.machine, live.replay
    enabled: list[bool] = []
    take, reset = live.snapshots.take, machine.reset

    def intrude() -> None:
        enabled.append(replay.events_enabled)
        replay.chr_be_write("uart0", b"x")

    def slow_take() -> None:
        intrude()
        take()

    def slow_reset() -> None:
        intrude()
        reset()

    live.snapshots.take = slow_take  # type: ignore[method-assign]
    machine.reset = slow_reset  # type: ignore[method-assign]
    machine.run(11000)
    replay.reset_request(Cause.HOST)
    machine.run(30000)
    assert enabled == [False] * len(enabled)
    assert len(enabled) >= 4
    replay.chr_be_write("uart0", b"q")
    run_to_end(live)
    assert line.output.count(b"x") >= 3
    assert replay_everywhere(path)[0] == line.output


# --- writes that fail, devices that differ


class Spoilt:
    """A line that now and then takes nothing, or is broken."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, data: bytes) -> int:
        self.calls += 1
        return {9: 0, 19: -EAGAIN, 20: -EAGAIN, 39: -EPIPE}.get(self.calls % 40, len(data))


def test_a_line_that_blocks_and_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each byte refused is a millisecond.
    snapshots_every(monkeypatch, 2_000_000)
    path, line, plan = tmp_path / "run.ttd", Line(), Spoilt()
    line.plan = plan
    live = recorder("virtio-rng", path, extras=[Extra("virtio-rng", "rng0")], uart=line)
    run_to_end(live)
    assert b"DONE" in line.output
    output, played = replay_everywhere(path)
    assert len(output) == plan.calls  # what is offered again is echoed again
    refused = list(played.replay.log.select([Kind.CHAR_WRITE]))
    assert len(refused) == plan.calls - len(line.output) > 10
