"""Networks: recorded with real traffic, replayed with everything gone."""

from __future__ import annotations

import os
import random
import shutil
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from tests.integration.cli_tools import (
    change_config,
    change_events,
    how_ended,
    info,
    refused,
    start,
    ttd,
)
from tests.integration.conftest import FIRMWARE, Server
from tests.integration.ethernet import GUEST, PATIENCE, Peer, arp, payload, ping, udp
from tests.integration.gdb_mi import Gdb
from tests.integration.inside import BOARD, Typed, playing_session
from tests.snapshots import snapshots_every
from ttd.boards.extras import Extra
from ttd.capture.export import write_capture
from ttd.capture.pcap import PcapReader, PcapWriter
from ttd.host.files import Null
from ttd.host.net import open_networks
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine, RecordOptions
from ttd.recording.events import Event, Kind
from ttd.replay.net import NetFilter

pytestmark = pytest.mark.slow

ELF = FIRMWARE / "net-echo" / "net-echo.elf"
ECHOES = 25
SNAPSHOT_STEPS = 20_000
RECORD = ("record", "--board", "mps2-an385", "--semihosting")

Attach = Callable[..., Gdb]


@dataclass
class Run:
    """A recording of the guest's conversation with a peer."""

    path: Path
    output: bytes
    peer: Peer


def conversation(path: Path, elf: Path, extras: Sequence[Extra] = ()) -> Run:
    """Over real UDP, with a snapshot at every 20 000 steps."""
    peer, line, said = Peer(), Typed(), list[str]()
    taken = ["net0"] if extras else []
    networks, nets = open_networks(BOARD, [peer.spec()], None, taken, say=said.append)
    peer.to = ("127.0.0.1", int(said[0].rsplit(" ", 1)[1]))
    options = RecordOptions(
        *(BOARD, load_image(str(elf)), BOARD.ns_per_step, True, elf.name),
        networks=networks,
        extras=extras,
    )
    backends = {SEMIHOSTING: Null(), BOARD.serials[0]: line}
    with pytest.MonkeyPatch.context() as patch:
        snapshots_every(patch, SNAPSHOT_STEPS)
        session = RecordedMachine.record(
            options, str(path), backends, SemihostFiles(None), os.urandom, HostSides(nets=nets)
        )
        client = Thread(target=peer.converse, args=(ECHOES,), daemon=True)
        client.start()
        ended = session.run(None, lambda step: None)
        client.join(PATIENCE)
        session.finish(ended.reason, ended.code)
        session.close()
    assert ended.code == 0
    peer.socket.close()
    return Run(path, bytes(line.printed), peer)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The echo server on the board's own interface."""
    return conversation(tmp_path_factory.mktemp("net") / "run.ttd", ELF)


def capture_of(path: Path) -> list[tuple[int, bytes]]:
    with path.open("rb") as file:
        return list(PcapReader(file, str(path)).packets())


def test_the_guest_answered(run: Run) -> None:
    lines = run.output.decode().splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [["1", "arp"], ["2", "ping"], ["3", "udp"]]
    assert len(run.peer.heard) == 2 + ECHOES + 12
    facts = info(run.path)["events"]
    assert facts["net"] == len(run.peer.said) == 2 + ECHOES + 13
    assert facts["net_tx"] == len(run.peer.heard)


def test_over_virtio_net(tmp_path: Path) -> None:
    """The same server and conversation over a virtio interface; from every snapshot, too."""
    nic = Extra("virtio-net", "net0nic", {"netdev": "net0", "mac": GUEST.hex()})
    found = conversation(tmp_path / "run.ttd", FIRMWARE / "virtio-net" / "virtio-net.elf", [nic])
    said = len(found.peer.said)
    test_the_guest_answered(found)
    test_it_replays_in_another_process_without_the_network(found)
    test_it_replays_from_each_snapshot_in_the_middle(found)
    assert f"received {said:08x}" in found.output.decode()


def test_it_replays_in_another_process_without_the_network(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(run.peer.to)  # a replay that wanted the port could not have it
        done = ttd("replay", "--verify", "--echo", run.path)
        assert (done.code, done.err.count("the same")) == (0, 1)
        assert done.out == run.output
        taken.setblocking(False)
        with pytest.raises(BlockingIOError):
            taken.recv(100)


def test_it_replays_from_each_snapshot_in_the_middle(run: Run) -> None:
    whole = playing_session(run.path)
    infos = list(whole.recording.snapshots)
    assert len(infos) >= 5
    whole.run(None, lambda step: None)
    whole.compare_end()
    final = [net.save() for net in whole.replay.filters]
    assert final[0][:2] == [len(run.peer.said), len(run.peer.heard)]
    whole.close()
    for number, snapshot in enumerate(infos[1:], 1):
        session = playing_session(run.path)
        session.timeline.seek(snapshot.step)
        session.run(None, lambda step: None)
        session.compare_end()
        assert session.snapshots.checked == len(infos) - number
        assert [net.save() for net in session.replay.filters] == final
        session.close()


def test_packets_sent_without_asking(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a run is cut, and whether native code sends or Python is asked for each packet."""
    asked, send = 0, NetFilter.send

    def count(self: NetFilter, packet: bytes) -> None:
        nonlocal asked
        asked += 1
        send(self, packet)

    monkeypatch.setattr(NetFilter, "send", count)
    session = playing_session(run.path)
    session.run(None, lambda step: None)
    session.compare_end()
    _, sent, _ = session.replay.filters[0].save()
    session.close()
    assert (asked, sent) == (0, len(run.peer.heard))

    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice, session = random.Random(seed), playing_session(run.path)
    end = session.recording.status.steps
    while (step := session.machine.engine.step) < end:
        session.machine.run(min(end, step + dice.choice((1, 2, 9, 100, 30_000))))
    session.compare_end()
    session.close()
    assert not asked

    passed = []
    session = playing_session(run.path)
    session.replay.filters[0].capture = lambda name, out, packet: passed.append((out, packet))
    session.run(None, lambda step: None)
    session.compare_end()
    session.close()
    assert asked == sent == sum(out for out, _ in passed)
    assert [packet for out, packet in passed if out] == run.peer.heard


def test_capture_of_what_passed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    done = ttd("events", "--pcap", path, run.path)
    count = len(run.peer.said) + len(run.peer.heard)
    assert (done.code, done.err) == (0, f"ttd: {count} packets in {path}\n")
    packets = capture_of(path)
    from_guest = [packet for _, packet in packets if packet[6:12] == GUEST]
    to_guest = [packet for _, packet in packets if packet[6:12] != GUEST]
    assert (from_guest, to_guest) == (run.peer.heard, run.peer.said)
    assert packets[0][1] == arp(), "the first is the question"
    stamps = [ns for ns, _ in packets]
    assert stamps == sorted(stamps)
    assert stamps[-1] <= info(run.path)["virtual_ns"]


@pytest.mark.slow
def test_capture_of_a_part(run: Run, tmp_path: Path) -> None:
    session = playing_session(run.path)
    events = [event for _, event in session.replay.log.select([Kind.NET, Kind.NET_TX])]
    session.close()
    whole, part = tmp_path / "whole.pcap", tmp_path / "part.pcap"
    ttd("events", "--pcap", whole, run.path)
    for first, last in ((0, 0), (30, 60), (45, 45), (70, len(events) - 1)):
        low, high = events[first].step, events[last].step
        wanted = [i for i, event in enumerate(events) if low <= event.step <= high]
        session = playing_session(run.path)
        with part.open("wb") as file:
            count = write_capture(session, file, low, high, lambda step: None)
        session.close()
        assert count == len(wanted)
        assert capture_of(part) == capture_of(whole)[wanted[0] : wanted[-1] + 1]


def test_a_capture_is_for_packets_only(run: Run, tmp_path: Path) -> None:
    done = ttd("events", "--pcap", tmp_path / "x", "--kind", "net", run.path)
    assert done.code == 2 and "--pcap goes with --from and --to only" in done.err


def test_a_capture_does_not_replace_its_recording(run: Run) -> None:
    before = run.path.read_bytes()
    refused(ttd("events", "--pcap", run.path, run.path), "is the recording itself")
    refused(ttd("events", "--pcap", "/no/such/folder/x", run.path), "No such file")
    refused(ttd("events", "--pcap", "/dev/full", run.path), "No space left")
    assert run.path.read_bytes() == before


def test_another_packet_in_the_log_diverges(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "changed.ttd"
    shutil.copyfile(run.path, path)

    def change(events: list[Event]) -> list[Event]:
        at = [i for i, event in enumerate(events) if event.kind is Kind.NET][20]
        event = events[at]
        # Another byte of the data, of which the guest's answer has a copy.
        assert payload(event.payload[2:])
        changed = event.payload[:44] + b"\xff" + event.payload[45:]
        return [*events[:at], event._replace(payload=changed), *events[at + 1 :]]

    change_events(path, change)
    refused(ttd("replay", path), "diverged at step", "expected net_tx", code=3)


def test_a_capture_is_played_in(tmp_path: Path) -> None:
    incoming, path, output = tmp_path / "in.pcap", tmp_path / "run.ttd", tmp_path / "uart.txt"
    said = [arp(), ping(b"x" * 100), *(udp(b"%d" % n) for n in range(100)), udp(b"quit")]
    with incoming.open("wb") as file:
        writer = PcapWriter(file)
        for number, packet in enumerate(said):
            writer.write(10**18 + number * 10**9, packet)
    done = ttd(
        *(*RECORD, "-o", path, "--serial", f"file:{output}"),
        *("--netdev", f"pcap,id=cap,file={incoming},pace=fast", "--nic", "netdev=cap", ELF),
    )
    assert (done.code, how_ended(done.err, path)) == (0, "the guest exited with code 0")
    lines = output.read_text().splitlines()
    assert lines[-3:-1] == ["received 00000067", "answered 00000066"]
    incoming.unlink()
    replayed = ttd("replay", "--verify", "--echo", path)
    assert replayed.code == 0 and replayed.out == output.read_bytes()
    ttd("events", "--pcap", tmp_path / "out.pcap", path)
    found = [packet for _, packet in capture_of(tmp_path / "out.pcap")]
    assert [packet for packet in found if packet[6:12] != GUEST] == said
    size = sum(len(packet) for packet in said)
    assert info(path)["events"]["net"] == len(said) and path.stat().st_size < 3 * size + 100_000


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_on_the_command_line_with_another_address(tmp_path: Path) -> None:
    peer, path, port = Peer(), tmp_path / "run.ttd", free_port()
    process = start(
        *(*RECORD, "-o", path, "--serial", "null", "--netdev", peer.spec(port)),
        *("--nic", "mac=02:00:00:00:00:42", ELF),
    )
    peer.to = ("127.0.0.1", port)
    peer.socket.settimeout(0.2)
    for _ in range(300):  # until the process has opened its port
        try:
            answer = peer.ask(arp())
            break
        except (TimeoutError, ConnectionRefusedError):
            assert process.poll() is None
    assert answer[6:12] == bytes.fromhex("020000000042")
    peer.say(answer[6:12] + udp(b"quit")[6:])
    assert process.wait(PATIENCE) == 0
    peer.socket.close()
    assert ttd("replay", path).code == 0


def test_without_a_network(tmp_path: Path) -> None:
    path, output = tmp_path / "run.ttd", tmp_path / "uart.txt"
    done = ttd(*RECORD, "--steps", "100", "-o", path, "--serial", f"file:{output}", ELF)
    assert done.code == 0
    assert ttd("replay", "--verify", path).code == 0


@pytest.mark.parametrize("before", [b"", None])
def test_a_network_without_filter_is_a_blocker(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "run.ttd"
    if before is not None:
        assert ttd(*RECORD, "--steps", "9", "-o", path, "--serial", "null", ELF).code == 0
        before = path.read_bytes()
    spec = f"dgram,id=net0,local=127.0.0.1:{free_port()},remote=127.0.0.1:9,filter=off"
    done = ttd(*RECORD, "-o", path, "--serial", "null", "--netdev", spec, ELF)
    refused(done, "ethernet: its network net0 has no replay filter (filter=off)")
    assert (path.read_bytes() if path.exists() else None) == before
    assert sorted(tmp_path.iterdir()) == ([path] if before is not None else [])


def test_other_networks_than_recorded_are_refused(run: Run, tmp_path: Path) -> None:
    before = run.path.read_bytes()
    spec = "dgram,id={},local=:1,remote=:2"
    one, other = spec.format("net0"), spec.format("net1")
    assert ttd("replay", "--netdev", one, run.path).code == 0
    refused(ttd("replay", "--netdev", other, run.path), "recording has net0, this machine net1")
    both = ttd("replay", "--netdev", one, "--netdev", other, run.path)
    refused(both, "recording has net0, this machine net0, net1")
    assert run.path.read_bytes() == before
    path = tmp_path / "changed.ttd"
    shutil.copyfile(run.path, path)
    options = playing_session(run.path).recording.config.options
    change_config(path, options=options | {"netdevs": ["net0", "net1"]})
    order = ttd("replay", "--netdev", other, "--netdev", one, path)
    refused(order, "recording has net0, net1, this machine net1, net0")
    refused(ttd("replay", path), "devices with a host side differs")
    change_config(path, options={k: v for k, v in options.items() if k not in ("netdevs", "nic")})
    refused(ttd("replay", path), "devices with a host side differs")
    for wrong in ({"netdevs": 5}, {"nic": "net7"}, {"mac": b"short"}, {"netdevs": ["a", "a"]}):
        change_config(path, options=options | wrong)
        refused(ttd("replay", path), "does not say which networks")


def test_bad_options_are_one_sentence(tmp_path: Path) -> None:
    record = (*RECORD, "-o", tmp_path / "run.ttd", "--serial", "null")
    netdev = "dgram,id=net0,local=:0"
    refused(ttd(*record, "--netdev", netdev, ELF), f"--netdev {netdev}: remote=... is missing")
    refused(ttd(*record, "--nic", "netdev=net0", ELF), "there is no netdev net0; there are none")
    assert list(tmp_path.iterdir()) == []


def test_back_to_a_packet(run: Run, serve: Callable[..., Server], attach: Attach) -> None:
    gdb = attach(ELF, serve("serve", "--port", "0", run.path).port)
    session = playing_session(run.path)
    steps = [event.step for _, event in session.replay.log.select([Kind.NET])]
    session.close()
    gdb.goto("end")
    assert f"{steps[-1]}  net net0, 46 bytes" in gdb.say("monitor events --kind net 3")
    assert f"Going to step {steps[6]} of" in gdb.say("monitor back-to event net 7")
    gdb.go("stepi")
    assert gdb.step == steps[6]
    gdb.say("break handle")
    gdb.go("continue")
    assert gdb.value("received") == 6
    here = gdb.step
    gdb.say("monitor back-to event net")
    gdb.go("reverse-stepi")
    assert gdb.step == max(step for step in steps if step < here)
    gdb.say("monitor back-to event net_tx 1")
    assert "is ahead" not in gdb.say("monitor when")
    gdb.go("stepi")
    assert gdb.value("answered") == 1
    assert "is ahead: 'monitor goto" in gdb.say("monitor back-to event net 7")
    assert "There are no events of kind 'block'" in gdb.say("monitor back-to event block 3")
    listed = gdb.say("monitor events --kind net_tx 2").splitlines()
    assert [line.split()[1] for line in listed[1:]] == ["net_tx", "net_tx"]


@pytest.mark.slow
def test_a_live_session_goes_back_and_on(
    tmp_path: Path, serve: Callable[..., Server], attach: Attach
) -> None:
    peer, path = Peer(), tmp_path / "run.ttd"
    port = free_port()
    server = serve(
        *(*RECORD, "-o", path, "--serial", "null", "--gdb", "0"),
        *("--netdev", peer.spec(port), ELF),
    )
    gdb = attach(ELF, server.port)
    peer.to = ("127.0.0.1", port)
    gdb.say("break answer")
    peer.say(arp())
    gdb.go("continue")
    peer.say(ping(b"second"))
    gdb.say("monitor back-to event net 1")
    gdb.go("stepi")
    assert gdb.value("received") == 0
    gdb.go("continue")
    assert gdb.value("received") == 1
    gdb.go("continue")
    assert gdb.value("received") == 2
    gdb.say("delete")
    peer.say(udp(b"quit"))
    gdb.go("continue")
    gdb.say("detach")
    gdb.vanish()
    server.close()
    first, second = peer.socket.recv(2000), peer.socket.recv(2000)
    peer.socket.close()
    assert (first[12:14], second[34]) == (struct.pack(">H", 0x0806), 0)
