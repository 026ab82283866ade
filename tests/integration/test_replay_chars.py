"""Character devices: `replay_chr_be_write`, `replay_char_write_event_save/load`.

By a guest on a virtio console; those on a UART are in test_recorded_runs.py.
"""

from __future__ import annotations

import random
import socket
from errno import EAGAIN, EPIPE
from pathlib import Path

import pytest

from tests.integration.border import (
    FIRMWARE,
    Line,
    often,
    recorder,
    replay_everywhere,
    run_to_end,
)
from tests.integration.conftest import Server, ttd
from ttd.boards.extras import Extra
from ttd.devices.virtio.console import VirtioConsole
from ttd.recording.events import Kind, to_number

pytestmark = pytest.mark.slow

__all__ = ["often"]

ELF = FIRMWARE / "virtio-console" / "virtio-console.elf"
RECORD = ("record", "--board", "mps2-an385", "--semihosting", "--serial", "null")
CONSOLE = Extra("virtio-console", "console0")
PATIENCE = 60.0
LINES = [b"%d bottles of beer\n" % n * (1 + n % 4) for n in range(30, 0, -1)]


def answers(typed: bytes) -> bytes:
    """What the guest prints on its console."""
    lines = typed.upper().split(b"\n")[:-1]
    return b"00 READY\n" + b"".join(b"%02d %s\n" % (n % 100, s) for n, s in enumerate(lines, 1))


def converse(peer: socket.socket) -> bytes:
    """Type lines, each when the one before is answered, then some at once; returns all output."""
    peer.settimeout(PATIENCE)
    heard, typed = b"", b""
    with peer.makefile("rb") as answer:
        heard += answer.readline()
        for text in LINES:
            peer.sendall(text)
            typed += text
            for _ in range(text.count(b"\n")):
                heard += answer.readline()
        peer.sendall(b"one\ntwo\nquit\n")
        heard += answer.read()
    assert heard == answers(typed + b"one\ntwo\nquit\n")
    return heard


def replayed(path: Path) -> bytes:
    done = ttd("replay", "--echo", "--verify", path)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_over_tcp(tmp_path: Path) -> None:
    """The guest's console is a connection to the test; in play nobody listens there."""
    path = tmp_path / "run.ttd"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        device = f"virtio-console,chardev=tcp:127.0.0.1:{port}"
        server = Server(*RECORD, "-o", path, "--device", device, ELF)
        listener.settimeout(PATIENCE)
        peer, _ = listener.accept()
    with peer:
        heard = converse(peer)
    assert server.process.wait(PATIENCE) == 0
    assert heard in replayed(path)


def test_listening_says_where(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    device = "virtio-console,chardev=tcp:127.0.0.1:0,,server"
    server = Server(*RECORD, "-o", path, "--device", device, ELF)
    port = int(server.said(r"serial line on 127.0.0.1 port (\d+)"))
    with socket.create_connection(("127.0.0.1", port)) as peer:
        heard = converse(peer)
    assert server.process.wait(PATIENCE) == 0
    assert heard in replayed(path)


def test_from_every_snapshot(tmp_path: Path) -> None:
    """A host side that takes a part, or nothing, and types at any moment."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    path, typed = tmp_path / "run.ttd", b"".join(LINES) + b"quit\n"

    def some(data: bytes) -> int:
        kind = dice.random()
        return len(data) if kind < 0.6 else -EAGAIN if kind < 0.8 else dice.randint(0, len(data))

    line, waiting = Line(some), [typed]

    def idle() -> bool:
        count = dice.randint(1, 40)
        part, waiting[0] = waiting[0][:count], waiting[0][count:]
        line.type(part)
        return True

    live = recorder(
        "virtio-console", path, extras=[CONSOLE], backends={"console0": line}, idle=idle
    )
    run_to_end(live)
    assert line.output == answers(typed)
    output, played = replay_everywhere(path, "console0")
    # What was refused was offered again.
    assert len(output) > len(line.output)
    assert len(played.recording.snapshots) > 3
    results = [
        to_number(event.payload[9:]) for _, event in played.replay.log.select([Kind.CHAR_WRITE])
    ]
    assert -EAGAIN in results and any(result > 0 for result in results)
    arrived = [event.payload[1:] for _, event in played.replay.log.select([Kind.CHAR_READ])]
    assert b"".join(arrived) == typed


def test_a_connection_that_is_gone(tmp_path: Path) -> None:
    """Writes fail from some moment on; the guest goes on, and does so again in play."""
    path, written = tmp_path / "run.ttd", bytearray()

    def plan(data: bytes) -> int:
        if written.endswith(b"IT\n"):
            return -EPIPE
        written.extend(data)
        return len(data)

    line = Line(plan)
    typed = [b"before\n", b"at the end of it\n", b"after\n", b"quit\n"]

    def idle() -> bool:
        line.type(typed.pop(0))
        return True

    live = recorder(
        "virtio-console", path, extras=[CONSOLE], backends={"console0": line}, idle=idle
    )
    run_to_end(live)
    output, played = replay_everywhere(path, "console0")
    assert output == answers(b"before\nat the end of it\nafter\nquit\n")
    assert output.startswith(bytes(written)) and written.endswith(b"AT THE END OF IT\n")
    refused = [event.payload for _, event in played.replay.log.select([Kind.CHAR_WRITE])]
    assert [to_number(payload[9:]) for payload in refused] == [-EPIPE] * 2


@pytest.mark.parametrize("claim", [b"\xff\x7f", b"\0\0"], ids=["too many", "none"])
def test_a_queue_that_makes_no_sense_is_found_at_the_same_step(
    tmp_path: Path, claim: bytes
) -> None:
    """To ask how much the console can take changes nothing: what arrives finds the fault."""
    path, line = tmp_path / "run.ttd", Line()
    live = recorder("virtio-console", path, extras=[CONSOLE], backends={"console0": line})
    machine, device = live.machine, live.machine.devices["console0"]
    assert isinstance(device, VirtioConsole)
    machine.run()
    line.type(b"one\n")
    machine.run()
    machine.write_memory(device.queues[0].native.driver + 2, claim)
    before = device.save()
    assert device.can_receive() == device.can_receive()
    assert device.save() == before
    machine.run()
    line.type(b"two\n")
    machine.run()
    assert not device.running
    live.finish("enough", None)
    live.close()
    output, played = replay_everywhere(path, "console0")
    assert output == line.output
    found = played.machine.devices["console0"]
    assert isinstance(found, VirtioConsole) and not found.running
