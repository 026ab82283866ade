"""A machine of a few lines whose whole course hangs on what comes through the replay layer."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

from ttd.recording.blob import digest, pack
from ttd.recording.config import MachineConfig
from ttd.recording.events import Kind
from ttd.replay.chars import CharDriver
from ttd.replay.errors import NotYet
from ttd.replay.replay import Replay
from ttd.replay.terms import Cause, Checkpoint, Clock, Mode

CONFIG = MachineConfig("toy", "toy-cpu", 10)
TIMER_NS = 970


class World:
    """The host: a backend of whims, a clock that jumps, dice."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.output = bytearray()
        self.time = 0
        self.calls = 0
        self.closed = False

    def start(self, on_input: Any) -> None:
        self.on_input = on_input

    def write(self, data: bytes) -> int:
        self.calls += 1
        result = self.rng.choice((len(data), len(data), len(data) - 1, -11))
        self.output += data[: max(result, 0)]
        return result

    def room(self) -> int:
        return 0

    def put(self, data: bytes) -> None:
        self.write(data)

    def read_all(self, count: int) -> bytes:
        self.calls += 1
        if self.rng.random() < 0.3:
            raise OSError(5, "unplugged")
        return self.rng.randbytes(self.rng.randrange(count + 1))

    def close(self) -> None:
        self.closed = True

    def clock(self) -> int:
        self.calls += 1
        self.time += self.rng.choice((0, 0, 7, 10**9))
        return self.time

    def answer(self) -> bytes:
        self.calls += 1
        return self.rng.randbytes(3)

    def dice(self, count: int) -> bytes:
        self.calls += 1
        return self.rng.randbytes(count)


class ToyMachine:
    """Each step folds what it meets into `acc`; what a step does is decided by `acc`."""

    def __init__(self, replay: Replay, world: World | None, wild: World | None = None) -> None:
        self.replay = replay
        self.world = world
        self.wild = wild or world
        self.step = self.warp = self.acc = self.resets = self.bhs = 0
        self.warp_step = -1
        self.timer = TIMER_NS
        self.waiting = self.pending = False
        self.rx: int | None = None
        self.trace: list[tuple[int, str]] = []
        self.ended = False
        self.keep: dict[int, tuple[dict[str, Any], int]] = {}
        self.verify = True
        self.char: CharDriver = replay.register_char_driver("uart0", world)
        self.char.connect(self._receive, lambda: int(self.rx is None))
        replay.register_bh("dma", self._bh)
        replay.attach(
            lambda: self.step,
            lambda: self.warp,
            warp_step=lambda: self.warp_step,
            on_request=self._on_request,
            on_debug_write=self._on_debug_write,
        )

    def _mix(self, what: bytes) -> None:
        self.acc = int.from_bytes(digest(what, self.acc.to_bytes(8, "little"))[:8], "little")

    def _receive(self, data: bytes) -> None:
        assert self.rx is None
        assert len(data) == 1
        self.rx = data[0]
        self.trace.append((self.step, f"rx {data!r} at {self.warp}"))

    def _bh(self, argument: bytes) -> None:
        self.bhs += 1
        self._mix(argument)

    def _on_request(self, kind: Kind, cause: int) -> None:
        self.trace.append((self.step, f"{kind.name} {cause}"))
        if kind is Kind.RESET:
            self.replay.checkpoint(Checkpoint.RESET_REQUESTED)
            self.replay.disable_events()
            self.resets += 1
            self.rx = None
            self._mix(b"reset")
            self.replay.enable_events()
        elif kind is Kind.SHUTDOWN:
            self.ended = True

    def _on_debug_write(self, payload: bytes) -> None:
        self._mix(b"debug" + payload)

    def now(self) -> int:
        return self.step * 10 + self.warp

    def state(self) -> dict[str, Any]:
        names = [
            "step",
            "warp",
            "warp_step",
            "acc",
            "resets",
            "bhs",
            "timer",
            "waiting",
            "pending",
            "rx",
            "ended",
        ]
        return {name: getattr(self, name) for name in names} | {"replay": self.replay.save()}

    def hash(self) -> bytes:
        return digest(pack(self.state()))

    def load(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if name != "replay":
                setattr(self, name, value)
        self.replay.load(state["replay"])

    def go_back(self, state: dict[str, Any]) -> None:
        self.replay.note_position()
        self.load(state)

    def run(self, limit: int | None = None, slice_: int = 50) -> str:
        """The loop of the real machine; returns why it ended."""
        while True:
            ended = self._settle(limit)
            if ended:
                return ended
            if self.pending and self.acc & 3:
                self.replay.interrupt(15)
                self.pending = False
                self._mix(b"irq")
                self.step += 1
                continue
            room = self.replay.get_instructions()
            if room == 0:
                self.replay.unmet("an ordinary instruction")
            count = slice_ if room is None else min(room, 10_000)
            count = min(count, -((self.now() - self.timer) // 10))
            if limit is not None:
                count = min(count, limit - self.step)
            if self.pending:
                count = 1  # the mask changes with every step
            for _ in range(max(1, count)):
                if self._instruction():
                    break

    def _settle(self, limit: int | None) -> str:
        while True:
            while self.now() >= self.timer:
                self.timer += TIMER_NS
                self.pending = True
                self.waiting = False
            self.replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)
            if self.replay.mode is Mode.PLAY and self.replay.at_snapshot_mark():
                self.replay.check_snapshot(self.hash() if self.verify else None)
                continue
            if self.replay.snapshot_due() and not self.replay.seen and self.warp_step != self.step:
                state = self.state()
                self.keep[self.step] = (state, self.replay.sequence)
                self.replay.snapshot_mark(digest(pack(state)))
            beyond = self.warp_step == self.step or self.replay.left
            if not beyond:
                if self.ended:
                    return "ended"
                if limit is not None and self.step >= limit:
                    return "limit"
                if self.replay.at_end:
                    return "history"
            playing = self.replay.mode is Mode.PLAY
            if playing and self.replay.leave_position():
                continue
            if playing and self.replay.checkpoint(Checkpoint.CLOCK_WARP_ACCOUNT):
                self.step += 1
                continue
            if not playing and beyond and (self.ended or limit is None):
                # Somebody is to see this place between two positions.
                self.replay.checkpoint(Checkpoint.CLOCK_WARP_ACCOUNT)
                self.step += 1
                return "idle"
            if self.rx is not None:
                self.waiting = False
            if not self.waiting:
                return ""
            wanted = self.replay.next_warp()
            target = self.warp + self.timer - self.now()
            if self.replay.mode is not Mode.PLAY and self.wild is not None:
                # As with a clock in real time: the host wakes the machine before its timer.
                part = self.wild.rng.randrange(target - self.warp) + 1
                target = self.warp + part
            if wanted is not None and wanted < target:
                target = wanted
            self.warp, self.warp_step = target, self.step

    def _instruction(self) -> bool:
        """One step; True if the run has to be looked at."""
        replay, op = self.replay, self.acc % 41
        stop = False
        if op == 0:
            self._mix(b"%d" % replay.clock(Clock.HOST, self._world().clock))
        elif op == 1:
            self._mix(b"%d" % replay.clock(Clock.VIRTUAL_RT, self._world().clock))
            assert replay.clock(Clock.VIRTUAL_RT, self._world().clock) >= 0
        elif op in (2, 3):
            for part in (b"ab", b"c"):
                self._mix(b"%d" % self.char.write(part))
        elif op == 4:
            self._mix(replay.host_call("time", self._world().answer))
        elif op == 5:
            try:
                while True:
                    with suppress(NotYet):
                        self._mix(self.char.read_all(3))
                        break
            except OSError as error:
                self._mix(b"error %d" % (error.errno or 0))
        elif op == 6:
            self._mix(replay.random_bytes(2))
        elif op == 7:
            replay.bh_schedule_event("dma", b"x")
        elif op == 8:
            self.waiting = stop = True
        elif op in (9, 10, 11) and self.rx is not None:
            self._mix(b"rx%d" % self.rx)
            self.rx = None
            stop = True
        elif op == 12 and self.acc % 5 == 0:
            replay.reset_request(Cause.GUEST)
            stop = True
        elif op == 13:
            replay.exception(3)
            stop = True
        self._mix(b"step")
        self.step += 1
        return stop

    def _world(self) -> World:
        return self.world if self.world is not None else _NOBODY


class _Nobody(World):
    def clock(self) -> int:
        raise AssertionError("the host was asked in play")

    def answer(self) -> bytes:
        raise AssertionError("the host was asked in play")


_NOBODY = _Nobody(0)
