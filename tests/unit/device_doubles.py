"""Doubles that device tests share: a clock set by hand, lines that keep a record, a char front."""

from __future__ import annotations

from collections.abc import Callable

from ttd.devices.base import Device, Line
from ttd.engine.receiver import Receiver


class HandClock:
    """Time stands where the test puts it."""

    def __init__(self) -> None:
        self.ns = 0
        self.rearmed = 0

    def now(self) -> int:
        return self.ns

    def rearm(self) -> None:
        self.rearmed += 1


class NoTimers:
    """A processor model without timers of its own."""

    core_deadline = None

    def expire_core(self) -> bool:
        return False


class Trace:
    """What happened on lines and callbacks, with its time."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.events: list[tuple[int, str, bool]] = []

    def line(self, name: str) -> Line:
        return Line(lambda level: self.events.append((self.clock.ns, name, level)))

    def call(self, name: str) -> Callable[[], None]:
        return lambda: self.events.append((self.clock.ns, name, True))


class HandFront:
    """A character front end that takes `room` bytes, and then refuses."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.left = room
        self.taken = b""

    def connect(
        self,
        receive: Callable[[bytes], None],
        can_receive: Callable[[], int],
        native: Receiver | None = None,
    ) -> None:
        self.receive, self.can_receive = receive, can_receive

    def write(self, data: bytes) -> int:
        count = min(len(data), self.left)
        self.taken += data[:count]
        self.left -= count
        return count

    def room(self) -> int:
        return self.left

    def put(self, data: bytes) -> None:
        assert self.write(data) == len(data)


def advance(device: Device, clock: HandClock, until: int) -> None:
    """Let time pass as the run loop does: stop at each deadline and call `expire` there."""
    while (deadline := device.deadline()) is not None and deadline <= until:
        clock.ns = max(clock.ns, deadline)
        device.expire()
    clock.ns = until


class HandNet:
    """A network front end that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.readies = 0
        self.outbox = None

    def connect(self, receive: Callable[[bytes], None], can_receive: Callable[[int], bool]) -> None:
        self.receive, self.can_receive = receive, can_receive

    def send(self, packet: bytes) -> None:
        self.sent.append(packet)

    def ready(self) -> None:
        self.readies += 1
