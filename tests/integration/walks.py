"""Random walks through the history of a machine: whatever way leads to a position, it is the same.

A walk over a live recording does what people do: run, step, go back, search, write, reset, suspend,
type, send, press Ctrl-C at any moment. Each position that it stops at is remembered by the hash of
the whole state, and compared wherever it is met again: on the walk, in a plain forward run of the
finished recording, and on a walk over that. What is written in the past begins a branch: there a
position is one of the branch's from where it begins, and of those that it comes from before that.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.border import Clocks, Image, Line, drive
from tests.integration.cli_tools import FIRMWARE
from tests.integration.state_difference import difference
from ttd.boards.extras import Extra
from ttd.boards.networks import Networks
from ttd.conditions import Constant, When
from ttd.engine.types import Access
from ttd.errors import UserError
from ttd.history.kept import Snapshot
from ttd.history.place import Place
from ttd.host.machine_choice import MachineChoice
from ttd.host.semihost_files import SemihostFiles
from ttd.probe_api import SystemRequest
from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine, RecordOptions
from ttd.recording.recording import Recording
from ttd.replay.chars import CharBackend
from ttd.replay.words import EventWords
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why

RAW = ("x86-64", "aarch64", "rv64", "cortex-m3", "cortex-m0")


@dataclass(frozen=True)
class Guest:
    """A firmware on a board, and what can be done to it from outside."""

    name: str
    board: str
    image: str = ""
    cpu: str | None = None
    load: tuple[str, ...] = ()
    devices: tuple[Extra, ...] = ()
    realtime: bool = False
    keyboard: str = ""
    disk: bool = False

    def options(self) -> RecordOptions:
        raw: dict[str, Sequence[str]] = {}
        if self.cpu is not None:
            raw = {"ram": ("0x100000:4M",), "uart": ("ns16550@0x40000000",), "load": self.load}
        image = str(FIRMWARE / self.image) if self.image else None
        board, loads = MachineChoice(self.board, image, cpu=self.cpu, **raw).make()  # type: ignore[arg-type]
        return RecordOptions(
            board,
            loads,
            board.ns_per_step,
            semihosting=True,
            extras=self.devices,
            drives=[drive("disk0", DISK)] if self.disk else (),
            networks=Networks(),
            realtime=self.realtime,
        )


DISK = random.Random(1).randbytes(1 << 16)
KEYBOARD = Extra("virtio-keyboard", "keyboard0")
BLOCK = Extra("virtio-blk", "disk0", {"drive": "disk0"})
RNG = Extra("virtio-rng", "rng0")


def blob(cpu: str) -> Guest:
    return Guest(f"blob-{cpu}", "raw", cpu=cpu, load=(f"{FIRMWARE / 'blob'}/blob-{cpu}.elf",))


GUESTS = (
    Guest("irqs", "mps2-an385", "irqs/irqs.elf"),
    Guest("echo", "mps2-an385", "echo/echo.elf"),
    Guest("ticks", "mps2-an385", "bench/bench-systick.elf"),
    Guest("input", "mps2-an385", "virtio-input/virtio-input.elf", devices=(KEYBOARD,),
          keyboard="keyboard0"),
    Guest("rng", "mps2-an385", "virtio-rng/virtio-rng.elf", devices=(RNG,)),
    Guest("microbit", "microbit", "microbit/microbit.elf"),
    Guest("microbit-realtime", "microbit", "microbit/microbit.elf", realtime=True),
    Guest("rtos-64", "virt", "rtos/rtos-rv64.elf"),
    Guest("rtos-32", "virt32", "rtos/rtos-rv32.elf"),
    *(blob(cpu) for cpu in ("x86-64", "aarch64", "rv64", "cortex-m3")),
)  # fmt: skip


Where = tuple[str, int]
"""A branch by its name, and a step."""
Known = dict[Where, Snapshot]
"""What each position was, with `hash` filled in."""


@dataclass
class Walk:
    """One walk."""

    session: RecordedMachine
    dice: random.Random
    line: Line | None = None
    keyboard: str = ""
    known: Known = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)
    changed: bool = False

    def go(self, moves: int) -> None:
        self.look()
        for _ in range(moves):
            name = self.dice.choice(self.moves())
            self.trail.append(name)
            stop = None
            try:
                self._settle()
                stop = getattr(self, name)()
            except UserError as error:
                self.trail[-1] += f" ({error})"
            if stop is not None:
                self.trail[-1] += f" {stop.why.name} {stop.step}"
                assert stop.step == self.session.timeline.position
            self.look()

    def moves(self) -> tuple[str, ...]:
        """What can be done now."""
        return MOVES if self.session.timeline.live else PLAIN

    def look(self) -> None:
        timeline = self.session.timeline
        found = seen(self.session)
        assert 0 <= timeline.position <= timeline.end
        if timeline.trials.present is not None:
            return  # what was written may still be taken back, and the name is given again
        here = where(self.session)
        if self.changed:
            self.changed = False
            self.known[here] = found
        before = self.known.setdefault(here, found)
        assert before.hash == found.hash, (
            f"{here}: {difference(before, found)}; {self.trail[-12:]}; "
            f"before it were {events(self.session)}"
        )

    def _settle(self) -> None:
        """As GDB's stub does it before a movement, if it is none of a function that GDB calls."""
        timeline = self.session.timeline
        if timeline.trials.present is None:
            return
        if timeline.trials.tries_nothing():
            timeline.trials.drop()
            self.changed = False
        else:
            timeline.trials.keep()
            self.look()

    # -- moves ---------------------------------------------------------------------------

    def _interrupted(self, go: Callable[[], Stop]) -> Stop:
        """`go`, with Ctrl-C at some moment."""
        timeline = self.session.timeline
        again = threading.Event()
        wait = self.dice.choice((0.0, 0.001, 0.01, 0.03)) * self.dice.random()

        def press() -> None:
            again.wait(wait)
            timeline.interrupt()

        thread = threading.Thread(target=press)
        thread.start()
        try:
            return go()
        finally:
            again.set()
            thread.join()

    def _short(self) -> int:
        return self.dice.choice((1, 1, 2, 3, 7, 40, 300, 4000))

    def _stops(self) -> Stops:
        """Where the machine has been, and what it has at hand."""
        timeline, dice = self.session.timeline, self.dice
        breakpoints = [Breakpoint(timeline.machine.engine.pc)]
        if dice.random() < 0.3:
            breakpoints = [Breakpoint(breakpoints[0].address, When(Constant(dice.randrange(2))))]
        base, size = dice.choice(timeline.machine.engine.regions())
        watches = [Watchpoint(base + dice.randrange(min(size, 4096) // 4) * 4, 4, Access.WRITE)]
        return Stops(
            tuple(breakpoints) if dice.random() < 0.8 else (),
            tuple(watches) if dice.random() < 0.5 else (),
        )

    def forward(self) -> Stop:
        timeline = self.session.timeline
        return self._interrupted(lambda: timeline.run_forward(Stops()))

    def forward_to_stop(self) -> Stop:
        timeline, stops = self.session.timeline, self._stops()
        self._interrupted(timeline.step_forward)
        self.look()
        return self._interrupted(lambda: timeline.run_forward(stops))

    def forward_a_little(self) -> Stop:
        timeline = self.session.timeline
        count = self._short()
        return self._interrupted(lambda: timeline.step_forward(count))

    def backward(self) -> Stop:
        timeline, stops = self.session.timeline, self._stops()
        return self._interrupted(lambda: timeline.run_backward(stops))

    def backward_a_little(self) -> Stop:
        return self.session.timeline.step_backward(self._short())

    def seek(self) -> Stop:
        timeline = self.session.timeline
        return self._interrupted(lambda: timeline.seek(self.dice.randrange(timeline.end + 1)))

    def seek_known(self) -> Stop:
        timeline = self.session.timeline
        _, step = self.dice.choice(list(self.known))
        place = step + self.dice.choice((0, 0, 0, -1, 1))
        return self._interrupted(lambda: timeline.seek(place))

    def turn(self) -> Stop:
        """To another branch, or to a known place on whatever branch."""
        timeline = self.session.timeline
        name, step = self.dice.choice(list(self.known))
        if self.dice.random() < 0.5:
            step = self.dice.randrange(timeline.end + 1)
        place = Place(self.session.branches.named(name).id, step)
        return self._interrupted(lambda: timeline.go_to(place))

    def to_the_end(self) -> Stop:
        timeline = self.session.timeline
        while (stop := timeline.seek(timeline.end)).why is Why.INTERRUPTED:
            pass
        return stop

    def write_register(self) -> None:
        timeline = self.session.timeline
        general = [r for r in timeline.cpu.registers if r.group == "general" and r.bits <= 64]
        register = self.dice.choice(general[4:8])
        timeline.probe.write_register(register.name, self.dice.randrange(1 << 31))
        self.changed = True

    def write_memory(self) -> None:
        timeline = self.session.timeline
        base, size = timeline.machine.engine.regions()[-1]
        where = base + size // 2 + self.dice.randrange(256)
        timeline.probe.write_memory(where, self.dice.randbytes(self.dice.randrange(1, 9)))
        self.changed = True

    def reset(self) -> None:
        if self.dice.random() < 0.3:
            self.session.timeline.probe.request(SystemRequest.RESET)

    def suspend(self) -> None:
        self.session.timeline.probe.request(SystemRequest.SUSPEND)
        self.changed = True

    def wake(self) -> None:
        self.session.timeline.probe.request(SystemRequest.WAKE_UP)

    def type(self) -> None:
        if self.line is not None and hasattr(self.line, "type"):
            self.line.type(self.dice.randbytes(self.dice.randrange(1, 4)))

    def press(self) -> None:
        if self.keyboard:
            replay = self.session.replay
            replay.input_event(self.keyboard, (1, 30, self.dice.randrange(2)))
            replay.input_sync_event(self.keyboard)


PLAIN = (
    "forward", "forward", "forward_to_stop", "forward_a_little", "forward_a_little", "backward",
    "backward_a_little", "backward_a_little", "seek", "seek_known", "to_the_end", "turn",
)  # fmt: skip
MOVES = (
    *PLAIN, "to_the_end", "write_register", "write_memory", "reset", "suspend", "wake", "wake",
    "type", "type", "press", "press",
)  # fmt: skip


def recorder(
    guest: Guest, path: Path, random: Callable[[int], bytes] = os.urandom
) -> tuple[RecordedMachine, Line]:
    """A live machine, and its first serial line."""
    options = guest.options()
    line = Line()
    serials = options.board.serials
    backends: dict[str, CharBackend] = {SEMIHOSTING: Line(), **{name: Line() for name in serials}}
    if serials:
        backends[serials[0]] = line
    disks = {"disk0": Image(DISK)} if guest.disk else {}
    session = RecordedMachine.record(
        options, str(path), backends, SemihostFiles(None), random,
        HostSides(disks=disks, time=Clocks()),
    )  # fmt: skip
    return session, line


def walk(guest: Guest, path: Path, seed: int, moves: int) -> None:
    """Record on a walk, play on another; every position as a plain run shows it."""
    print(f"{guest.name}: seed {seed}")
    dice = random.Random(seed)
    session, line = recorder(guest, path)
    live = Walk(session, dice, line, guest.keyboard)
    live.go(moves)
    ended = session.timeline.live
    session.leave("the walk is over" if ended else "")
    live.trail.append("the end")
    live.look()
    session.close()
    plain(path, live.known)
    played = RecordedMachine.open(str(path), SemihostFiles(None))
    Walk(played, dice, known=live.known, trail=["play"]).go(moves)
    played.close()


def seen(session: RecordedMachine) -> Snapshot:
    """The machine as it stands, and the hash of that."""
    snapshot = session.snapshots.capture()
    snapshot.hash = session.snapshots.state_hash(snapshot)
    return snapshot


def events(session: RecordedMachine) -> list[str]:
    """The last of the log up to the present position, and what follows."""
    log, at = session.replay.log, session.replay.sequence
    found = [log.get(number) for number in range(max(0, at - 12), at + 4)]
    return [EventWords().describe(event) for event in found if event is not None]


def where(session: RecordedMachine) -> Where:
    """The present position, and the branch of those that go through it on which it came to be."""
    branches = session.branches
    numbered = {branch.id: branch for branch in branches.all}
    step, branch = session.timeline.position, branches.present
    while branch.fork is not None and step < branch.fork.step:
        branch = numbered[branch.fork.parent]
    return branch.name, step


def plain(path: Path, known: Known) -> None:
    """The positions of `known` in runs that only go forward, one of each branch; and the ends."""
    for branch in Recording.open(str(path)).file.branches.values():
        session = RecordedMachine.open(str(path), SemihostFiles(None), branch=branch.name)
        for step in sorted(step for name, step in known if name == branch.name):
            stop = session.machine.run(step)
            assert stop.step == step
            found, before = seen(session), known[branch.name, step]
            assert found.hash == before.hash, (
                f"{branch.name}, {step} of {sorted(known)}: {difference(before, found)}; "
                f"before it were {events(session)}"
            )
        session.run(None, lambda step: None)
        session.compare_end()
        session.verify_snapshots()
        session.close()
