"""The replay filter on a netdev: packets in and out, in record, in play, and what is refused."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ttd.recording.config import MachineConfig
from ttd.recording.events import Event, Kind
from ttd.recording.recording import Recording
from ttd.replay.errors import Blocked, Divergence, ReplayError
from ttd.replay.net import MAX_PACKET, QUEUE_PACKETS, Netdev, PacketFlags, PacketQueue
from ttd.replay.replay import Replay
from ttd.replay.terms import Checkpoint, Mode

CONFIG = MachineConfig("toy", "toy-cpu", 10)


class Wire:
    """A backend whose packets the test brings."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.started = self.closed = False

    def start(self, on_packet: PacketQueue) -> None:
        self.started = True
        self.bring = on_packet

    def send(self, packet: bytes) -> None:
        self.sent.append(packet)

    def close(self) -> None:
        self.closed = True


class Rig:
    """A border with netdevs whose device has `room` packets of room; the step is set by hand."""

    def __init__(self, mode: Mode, recording: Recording | None, *netdevs: Netdev) -> None:
        self.step = 0
        self.room = 100
        self.got: list[tuple[int, str, bytes]] = []
        self.replay = Replay()
        self.replay.configure(mode, recording)
        self.replay.attach(lambda: self.step, lambda: 0)
        self.nets = {netdev.name: self.replay.register_net(netdev) for netdev in netdevs}
        for name, net in self.nets.items():
            net.connect(lambda packet, name=name: self.take(name, packet), self.can_take)
        self.replay.start()

    def take(self, name: str, packet: bytes) -> None:
        self.room -= 1
        self.got.append((self.step, name, packet))

    def can_take(self, size: int) -> bool:
        return self.room > 0

    def at(self, step: int) -> None:
        self.step = step
        self.replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "run.ttd")


def record(path: str) -> Rig:
    """Two networks; three packets in, two out."""
    wires = Wire(), Wire()
    netdevs = [Netdev(name, wire) for name, wire in zip(("net0", "net1"), wires, strict=True)]
    rig = Rig(Mode.RECORD, Recording.create(path, CONFIG), *netdevs)
    rig.at(10)
    rig.replay.net_packet_event("net0", PacketFlags.RAW, [b"ab", b"", b"cd"])
    wires[1].bring(300, [b"other"])
    rig.at(20)
    rig.nets["net0"].send(b"reply")
    rig.step = 25
    rig.nets["net1"].send(b"reply")
    rig.room = 0
    wires[0].bring(0, [b"late"])
    rig.at(30)
    assert len(rig.got) == 2, "there is no room"
    rig.room = 1
    rig.at(31)
    assert (wires[0].sent, wires[1].sent) == ([b"reply"], [b"reply"])
    rig.replay.finish("over")
    assert wires[0].closed and wires[1].closed
    return rig


RECEIVED = [(20, "net0", b"abcd"), (20, "net1", b"other"), (31, "net0", b"late")]


def play(path: str) -> Rig:
    return Rig(Mode.PLAY, Recording.open(path), Netdev("net0"), Netdev("net1"))


def test_packets_come_from_the_log_and_go_nowhere(path: str) -> None:
    first = record(path)
    assert first.got == RECEIVED
    rig = play(path)
    passed: list[tuple[int, str, bool, bytes]] = []
    for net in rig.replay.filters:
        net.capture = lambda name, sent, data: passed.append((rig.step, name, sent, data))
    for step in (10, 20):
        rig.at(step)
    rig.nets["net0"].send(b"reply")
    rig.step = 25
    rig.nets["net1"].send(b"reply")
    for step in (30, 31):
        rig.at(step)
    assert rig.got == RECEIVED
    assert [passed[2], passed[3]] == [(20, "net0", True, b"reply"), (25, "net1", True, b"reply")]
    assert [(step, name, data) for step, name, sent, data in passed if not sent] == RECEIVED
    for name, net in rig.nets.items():
        assert net.save() == first.nets[name].save()


def test_the_backend_is_not_touched_in_play(path: str) -> None:
    record(path)
    wire = Wire()
    rig = Rig(Mode.PLAY, Recording.open(path), Netdev("net0", wire), Netdev("net1"))
    rig.at(20)
    rig.nets["net0"].send(b"reply")
    assert (wire.started, wire.sent) == (False, [])


def test_another_packet_sent_is_a_divergence(path: str) -> None:
    record(path)
    rig = play(path)
    rig.at(20)
    with pytest.raises(
        Divergence, match=r"expected net_tx net0, 5 bytes with CRC .* found net_tx net0, 5"
    ):
        rig.nets["net0"].send(b"Reply")
    rig = play(path)
    rig.at(20)
    rig.step = 21
    with pytest.raises(Divergence, match="found a packet of 5 bytes sent to net0"):
        rig.nets["net0"].send(b"reply")
    rig = play(path)
    rig.at(20)
    with pytest.raises(Divergence, match="expected net_tx net0"):
        rig.nets["net1"].send(b"reply")


def test_a_packet_not_sent_is_a_divergence(path: str) -> None:
    record(path)
    rig = play(path)
    rig.at(20)
    with pytest.raises(Divergence, match="expected net_tx net0"):
        rig.at(30)


def test_no_room_in_play_is_a_divergence(path: str) -> None:
    record(path)
    rig = play(path)
    rig.room = 0
    with pytest.raises(Divergence, match="a packet of 4 bytes for net0, found no room"):
        rig.at(20)


def test_events_are_small_and_readable(path: str) -> None:
    record(path)
    replay = play(path).replay
    events = [event for _, event in replay.log.select([Kind.NET, Kind.NET_TX])]
    describe = replay.words.describe
    assert [len(event.payload) for event in events] == [6, 8, 6, 6, 6]
    assert events[1] == Event(20, Kind.NET, b"\x01\xac\x02other")
    assert describe(events[0]) == "net net0, 4 bytes at step 20"
    assert describe(events[1]) == "net net1, 5 bytes at step 20"
    assert describe(events[2]).startswith("net_tx net0, 5 bytes with CRC ")


def test_the_state_follows_what_was_sent() -> None:
    rig = Rig(Mode.NONE, None, Netdev("net0", Wire()))
    net = rig.nets["net0"]
    start = net.save()
    net.send(b"a")
    one = net.save()
    net.send(b"b")
    assert len({tuple(start), tuple(one), tuple(net.save())}) == 3
    net.load(one)
    net.send(b"c")
    other = net.save()
    net.load(one)
    net.send(b"b")
    assert net.save() != other


def test_host_threads_wait_while_the_guest_is_behind() -> None:
    wire = Wire()
    rig = Rig(Mode.NONE, None, Netdev("net0", wire))
    rig.room = 0
    done = threading.Event()

    def flood() -> None:
        for number in range(QUEUE_PACKETS + 1):
            wire.bring(0, [b"%d" % number])
        done.set()

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    while len(rig.nets["net0"]._queue) < QUEUE_PACKETS:
        pass
    assert not done.is_set()
    rig.room = 1000
    rig.at(1)
    thread.join()
    rig.at(2)
    assert [data for _, _, data in rig.got] == [b"%d" % n for n in range(QUEUE_PACKETS + 1)]


def test_closing_lets_host_threads_go() -> None:
    wire = Wire()
    rig = Rig(Mode.NONE, None, Netdev("net0", wire))
    rig.room = 0
    thread = threading.Thread(
        target=lambda: [wire.bring(0, [b"x"]) for _ in range(2 * QUEUE_PACKETS)], daemon=True
    )
    thread.start()
    rig.replay.close()
    thread.join()
    assert wire.closed


def test_packets_that_no_network_has_are_dropped() -> None:
    wire = Wire()
    rig = Rig(Mode.NONE, None, Netdev("net0", wire))
    wire.bring(0, [bytes(MAX_PACKET), b"x"])
    rig.at(1)
    assert rig.got == []


def test_room_wakes_the_machine() -> None:
    woken: list[int] = []
    wire = Wire()
    rig = Rig(Mode.NONE, None, Netdev("net0", wire))
    rig.replay.attach(lambda: rig.step, lambda: 0, on_wake=lambda: woken.append(rig.step))
    net = rig.nets["net0"]
    net.ready()
    assert not woken, "nothing waits"
    rig.room = 0
    wire.bring(0, [b"x"])
    rig.at(1)
    del woken[:]
    net.ready()
    assert woken


def test_unregistering_closes_the_backend() -> None:
    wire = Wire()
    rig = Rig(Mode.NONE, None, Netdev("net0", wire), Netdev("net1"))
    rig.replay.unregister_net(rig.nets["net0"])
    assert wire.closed
    assert [net.name for net in rig.replay.filters] == ["net1"]
    with pytest.raises(ReplayError, match="there is no netdev net0"):
        rig.replay.net_packet_event("net0", 0, [b"x"])


def test_one_filter_for_each_netdev() -> None:
    replay = Replay()
    replay.register_net(Netdev("net0"))
    with pytest.raises(ReplayError, match="the device net0 is registered twice"):
        replay.register_net(Netdev("net0"))


def test_blockers_are_reported_by_name_before_there_is_a_recording() -> None:
    replay = Replay()
    replay.check_blockers()
    replay.add_blocker("ethernet", "its network net0 has no replay filter (filter=off)")
    with pytest.raises(Blocked, match="recorded: ethernet: its network net0 has no replay filter"):
        replay.check_blockers()
