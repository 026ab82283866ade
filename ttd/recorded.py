"""A machine with its recording: made new to record, or from a file to play."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Self

from ttd.boards import make_board
from ttd.boards.base import Board
from ttd.boards.extras import (
    INPUT_DEVICES,
    Drive,
    Extra,
    Fronts,
    build_extras,
    exception_words,
    missing,
    place_extras,
)
from ttd.boards.networks import Networks
from ttd.boards.numbers import BoardOptionError
from ttd.bus.host_time import ContinuedTime, HostTime
from ttd.bus.virtual import CallMemory
from ttd.devices.base import NS_PER_SECOND
from ttd.devices.net import Nic, Unplugged
from ttd.history.branches import Branches
from ttd.images import Image, Load
from ttd.loader import check_fits, start_of
from ttd.machine import STATE_VERSION, Machine
from ttd.recording.blob import digest
from ttd.recording.config import MachineConfig, Option
from ttd.recording.errors import ConfigMismatch, RecordingError
from ttd.recording.events import Kind
from ttd.recording.recording import Recording
from ttd.recording.schema import Existing
from ttd.replay.block import BlockBackend
from ttd.replay.chars import CharBackend
from ttd.replay.errors import Divergence, ReplayError
from ttd.replay.net import NetBackend, Netdev, NetFilter
from ttd.replay.replay import Clock, Mode, Replay
from ttd.runs import Ended, RunEnd
from ttd.semihosting.semihosting import Heap, Semihosting
from ttd.semihosting.sides import HostFiles
from ttd.snapshot import MEMORY, Snapshots
from ttd.stops import whole
from ttd.text import printable
from ttd.timeline import Timeline
from ttd.values import dataclass

SEMIHOSTING = "semihosting"
"""The character device that is semihosting's console."""
EXACT_INTERRUPTS = "exact_interrupts"
"""The option of that name, in a recording."""
TICK_STEPS = 1_000_000
"""Steps between two looks at the progress of a run."""


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What `ttd record` is told about the machine."""

    board: Board
    image: Image | Sequence[Load]
    """What is loaded: one image, or several."""
    clock_ns: int
    semihosting: bool = False
    command_line: str = ""
    extras: Sequence[Extra] = ()
    """Devices added to the board."""
    drives: Sequence[Drive] = ()
    networks: Networks = field(default_factory=Networks)
    realtime: bool = False
    """Idle time takes as long as on the real machine."""
    exact_interrupts: bool = False
    """Interrupts may come before any instruction, and not behind branches only."""
    made: Mapping[str, str] = field(default_factory=dict)
    """What the recording says of when, where and how it was made."""

    @property
    def loads(self) -> Sequence[Load]:
        """All that is loaded."""
        return [Load("image", self.image)] if isinstance(self.image, Image) else self.image

    def check(self) -> None:
        """Raise a `UserError` if there can be no such machine, or none that can be recorded."""
        for load in self.loads:
            check_fits(load.image, self.board)
        start_of(self.loads, self.board)
        place_extras(self.board, self.extras)
        drives = {drive.name for drive in self.drives}
        for extra in self.extras:
            needed = extra.options.get("drive")
            if needed is not None and needed not in drives:
                raise missing(extra.name, needed)
        self.new_replay().check_blockers()

    def new_replay(self) -> Replay:
        """A replay layer that knows what stands in the way of a recording."""
        replay = Replay()
        for device, reason in _unfiltered(self):
            replay.add_blocker(device, reason)
        return replay


@dataclass(frozen=True, slots=True)
class HostSides:
    """What of the host a machine with added devices is connected to."""

    disks: Mapping[str, BlockBackend] = field(default_factory=dict)
    """Images by drive; in play those that the recording does not hold."""
    nets: Mapping[str, NetBackend] = field(default_factory=dict)
    """By netdev."""
    time: HostTime | None = None
    snapshot_memory: int = MEMORY
    """Bytes that snapshots may take in memory."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a recording must be of; None: anything."""

    clock_ns: int | None = None
    extras: Sequence[Extra] | None = None
    drives: Sequence[Drive] | None = None
    netdevs: Sequence[str] | None = None


class RecordedMachine:
    """One machine, its replay layer, its recording and a timeline over them."""

    def __init__(
        self,
        machine: Machine,
        recording: Recording,
        snapshots: Snapshots,
        time: ContinuedTime | None = None,
    ) -> None:
        self.machine = machine
        self.replay = machine.replay
        self.snapshots = snapshots
        self.branches = Branches(machine, recording, snapshots, time)
        self.timeline = Timeline(machine, snapshots, self.branches)
        self.commit_drives = False
        """Put what the guest has written into the images when the recording ends."""

    @property
    def recording(self) -> Recording:
        """The branch on which the machine is."""
        return self.branches.recording

    @classmethod
    def record(
        cls,
        options: RecordOptions,
        path: str | None,
        backends: Mapping[str, CharBackend],
        files: HostFiles,
        random: Callable[[int], bytes],
        host: HostSides | None = None,
        existing: Existing = Existing.REPLACE,
    ) -> Self:
        """A new machine at its first step, recording to `path` (None: a temporary file).

        `backends`: host sides by character device, `semihosting` being its console. `files`:
        what semihosting may reach. `random`: bytes from the host. `host`: of added devices.
        `existing`: what becomes of a recording that is there.
        """
        host, time = _continued(host)
        loads = options.loads
        # Before there is a file: a recording that has its name must outlive a wrong machine.
        options.check()
        named = _named(loads)
        images = {name: load.image.data for name, load in named.items()}
        config = MachineConfig(
            board=options.board.name,
            cpu_model=options.board.cpu,
            clock_ns=options.clock_ns,
            images={name: digest(data) for name, data in images.items()},
            options={
                "state_version": STATE_VERSION,
                "loads": [load.to_text(name) for name, load in named.items()],
                "semihosting": options.semihosting,
                "command_line": os.fsencode(options.command_line).decode(errors="replace"),
                **_as_options(options.extras, options.drives),
                **options.networks.to_options(),
                **options.board.options,
                **({EXACT_INTERRUPTS: True} if options.exact_interrupts else {}),
            },
        )
        replay = options.new_replay()
        machine = _assemble(config, options.board, loads, replay, backends, files, host)
        machine.clock.host_time = time
        machine.realtime = options.realtime
        recording = Recording.create(path, config, images, existing=existing, made=options.made)
        replay.configure(Mode.RECORD, recording, config, random=random)
        return cls._start(machine, recording, host.snapshot_memory, time)

    @classmethod
    def open(
        cls,
        path: str,
        files: HostFiles,
        echo: Callable[[str, bytes], None] | None = None,
        *,
        host: HostSides | None = None,
        expected: Expected | None = None,
        branch: str = "",
    ) -> Self:
        """The machine of a recording, at its first step: of its first branch, or of another one.

        `host`: the images that the recording does not hold. Its clocks, and `files`, are for new
        branches only. `ConfigMismatch` unless the recording is of what is `expected`.
        """
        host, time = _continued(host)
        recording = Recording.open(path, branch)
        config = recording.config
        made_for = config.options.get("state_version")
        if made_for != STATE_VERSION:
            raise RecordingError(
                f"{path} was made by another version of ttd (machine state {made_for!r}, "
                f"this one has {STATE_VERSION})"
            )
        try:
            board = make_board(config.board, config.options)
        except BoardOptionError as error:
            what = f"{path} is of a machine that this ttd cannot make"
            raise RecordingError(f"{what}: {error}") from None
        recording.check_clock()
        loads = [
            replace(load, image=board.without_headers(load.image)) for load in loads_of(recording)
        ]
        replay = Replay()
        expected = expected or Expected()
        ours = replace(
            config,
            cpu_model=board.cpu,
            clock_ns=expected.clock_ns or config.clock_ns,
            options=config.options
            | _as_options(expected.extras, expected.drives)
            | ({"netdevs": list(expected.netdevs)} if expected.netdevs else {}),
        )
        replay.configure(Mode.PLAY, recording, ours, echo=echo)
        machine = _assemble(config, board, loads, replay, {}, files, host)
        machine.clock.host_time = time
        opened = cls._start(machine, recording, host.snapshot_memory, time)
        opened.timeline.be_unattended()
        return opened

    @classmethod
    def _start(
        cls, machine: Machine, recording: Recording, memory: int, host_time: ContinuedTime | None
    ) -> Self:
        replay = machine.replay
        machine.reset()
        snapshots = Snapshots(machine, recording, time.thread_time, memory)
        machine.keeper = snapshots
        budget = snapshots.budget if replay.live else None
        replay.start(budget, None if budget is None else budget.spent)
        begin = recording.file.begin
        if begin.sequence:
            # Cut out of another one: all that was before is in its first snapshot.
            snapshots.go_back(begin.step)
        else:
            machine.begin()
        if replay.live:
            replay.want_snapshot()
        # The first position is one like all others: what is due there has happened.
        machine.run(machine.engine.step, interruptible=False)
        replay.note_position()
        return cls(machine, recording, snapshots, host_time)

    def run(
        self,
        steps: int | None,
        tick: Callable[[int], None],
        interrupted: Callable[[], str] = lambda: "it was interrupted",
    ) -> Ended:
        """Run to the end: of the guest, of the log, or at `steps`; `tick` gets the step at times.

        An interrupted run (`machine.interrupt`) ends there, for the reason that `interrupted` says.
        """
        machine = self.machine
        while True:
            limit = machine.engine.step + TICK_STEPS
            last = steps is not None and steps <= limit
            stop = machine.run(steps if last else limit, exact=last)
            tick(stop.step)
            if machine.ended is not None:
                return machine.ended
            if stop.end is RunEnd.INTERRUPTED:
                return Ended(interrupted(), None)
            if stop.end is RunEnd.HISTORY_END:
                return Ended(self.timeline.end_note, None)
            if steps is not None and stop.step >= steps:
                return Ended(f"the limit of {steps} steps was reached", None)

    def finish(self, reason: str, exit_code: int | None) -> bytes | None:
        """End a recording; returns the hash of the final state.

        `ReplayError` if an image cannot be changed then: the recording is complete all the same.
        """
        final = self._final()
        self.replay.finish(reason, exit_code, final, commit_disks=self.commit_drives)
        return final

    def _final(self) -> bytes | None:
        """The hash of the state in which history ends; None if the machine is not there."""
        # One that has come to no end of its own may stand in the past: it could not be moved.
        if self.replay.in_play and self.machine.ended is None:
            return None
        return self.snapshots.end()

    def leave(self, reason: str) -> None:
        """A debugger is done with a live machine: end the recording where history ends.

        An empty `reason` stands for that of the guest's own end.
        """
        # What was changed in the past stays, on a branch that gets its number now.
        self.timeline.trials.keep()
        present = self.branches.present
        others = [branch for branch in self.branches.growing if branch.id != present.id]
        # The line of history that the debugger is on comes last: with it the host is let go of.
        for branch in (*others, present):
            # What has ended the debugger may also have asked for an end of its movements.
            whole(partial(self.timeline.go_to_end, branch.id))
            ended = self.machine.ended or Ended(reason, None)
            if branch is present:
                self.finish(ended.reason, ended.code)
            else:
                self.replay.finish_line(ended.reason, ended.code, self._final())

    def compare_end(self) -> None:
        """After a replay of everything: the final state is the recorded one, and so are all
        events and what is said of the end; or `Divergence`. `RecordingError` if the index of what
        was touched is not the recorded one."""
        self.snapshots.check_end(again=True)
        self.snapshots.touched.check()

    def verify_snapshots(self) -> None:
        """Read every page, become every stored snapshot once, and compare.

        `RecordingError` if something is missing or damaged, `Divergence` if a state differs.
        """
        recording = self.recording
        marks = self.replay.log.counts()[Kind.SNAPSHOT]
        if recording.status.complete and marks != len(recording.snapshots):
            raise RecordingError(
                f"the recording is damaged: it has {len(recording.snapshots)} snapshots instead "
                f"of {marks}"
            )
        names = {name for s in recording.snapshots for _, name in recording.changed_pages(s.id)}
        for _ in recording.pages(names):
            pass
        # By number: a branch begins with a snapshot, and there may be another one at that step.
        for number, info in enumerate(recording.snapshots):
            self.snapshots.restore(self.snapshots.load_stored(number))
            if self.machine.virtual_ns != info.virtual_ns:
                raise RecordingError("the recording is damaged: a snapshot is of another time")
            found = self.snapshots.state_hash(self.snapshots.capture())
            if found != info.hash:
                raise Divergence(info.step, f"state {info.hash.hex()}", f"state {found.hex()}")

    def close(self) -> None:
        self.snapshots.index.flush()
        self.replay.close()
        self.recording.close()


def _continued(host: HostSides | None) -> tuple[HostSides, ContinuedTime | None]:
    """The sides of the host, with clocks that go on where a branch begins."""
    host = host or HostSides()
    if host.time is None:
        return host, None
    time = ContinuedTime(host.time)
    return replace(host, time=time), time


_SIDES = ("netdev", "drive", "chardev")
"""Options of a device that name what it is connected to."""


def _assemble(
    config: MachineConfig,
    board: Board,
    loads: Sequence[Load],
    replay: Replay,
    backends: Mapping[str, CharBackend],
    files: HostFiles,
    host: HostSides,
) -> Machine:
    """The machine of `config`, connected to `replay`, with its images in memory."""
    chars = {name: replay.register_char_driver(name, backends.get(name)) for name in board.serials}
    extras, drives = extras_of(config), drives_of(config)
    place_extras(board, extras)
    replay.name_exceptions(exception_words(board, extras))
    networks = Networks.from_options(config.options)
    nets = {
        name: replay.register_net(Netdev(name, host.nets.get(name))) for name in networks.netdevs
    }
    nic = Nic(Unplugged() if networks.nic is None else nets[networks.nic], networks.mac)
    fronts = _fronts(extras, drives, nets, replay, backends, host)
    machine = Machine(
        board,
        replay,
        chars,
        clock_ns=config.clock_ns,
        semihosting=bool(config.options.get("semihosting")),
        exact_interrupts=bool(config.options.get(EXACT_INTERRUPTS)),
        nic=nic,
        host_ns=partial(_host_clock, replay, host, Clock.HOST, 1),
        extras=partial(build_extras, board, extras, fronts),
    )
    machine.load(loads)
    if config.options.get("semihosting"):
        start = start_of(loads, board)
        machine.semihosting = Semihosting(
            CallMemory(machine.engine, machine.cpu),
            machine.cpu,
            machine.clock,
            console=replay.register_char_driver(SEMIHOSTING, backends.get(SEMIHOSTING)),
            replay=replay,
            host=files,
            heap=Heap(start.heap, start.sp, start.sp, start.heap) if start else Heap(),
            command_line=str(config.options.get("command_line", "")),
        )
    return machine


def _named(loads: Sequence[Load]) -> dict[str, Load]:
    """The loads by the names of their files, which no two share; UTF-8, as a recording is."""
    found: dict[str, Load] = {}
    for load in loads:
        stem = name = printable(os.fsencode(Path(load.image.path).name).decode(errors="replace"))
        number = 1
        while name in found:
            number += 1
            name = f"{stem}#{number}"
        found[name] = load
    return found


def _unfiltered(options: RecordOptions) -> Iterator[tuple[str, str]]:
    """What cannot be recorded because of a netdev without replay filter: device, reason."""
    networks = options.networks
    users = {networks.nic: options.board.nic}
    users |= {extra.options.get("netdev"): extra.name for extra in options.extras}
    for name in networks.unfiltered:
        yield users.get(name) or name, f"its network {name} has no replay filter (filter=off)"


def loads_of(recording: Recording) -> list[Load]:
    """What was loaded into the machine of a recording."""
    images = recording.file.images()
    return [Load.from_text(text, images) for text in _texts(recording.config, "loads")]


def extras_of(config: MachineConfig) -> list[Extra]:
    """The devices added to the board."""
    return [Extra.from_text(text) for text in _texts(config, "devices")]


def host_sides_of(config: MachineConfig, board: Board) -> dict[str, set[str]]:
    """What the log calls the host side of a device, by device, where that is not its own name."""
    found = {
        extra.name: {extra.options[key] for key in _SIDES if key in extra.options}
        for extra in extras_of(config)
    }
    nic = Networks.from_options(config.options).nic
    if nic is not None and board.nic is not None:
        found[board.nic] = {nic}
    return found


def drives_of(config: MachineConfig) -> list[Drive]:
    """The disk images."""
    return [Drive.from_text(text) for text in _texts(config, "drives")]


def _as_options(
    extras: Sequence[Extra] | None, drives: Sequence[Drive] | None
) -> dict[str, Option]:
    """What a machine's configuration says of them; nothing of what is not there."""
    found: dict[str, Option] = {}
    if extras:
        found["devices"] = [extra.to_text() for extra in extras]
    if drives:
        found["drives"] = [drive.to_text() for drive in drives]
    return found


def _texts(config: MachineConfig, name: str) -> list[str]:
    value = config.options.get(name) or []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise RecordingError(f"the recording is damaged: it does not say which {name} it has")
    return value


def _fronts(
    extras: Sequence[Extra],
    drives: Sequence[Drive],
    nets: Mapping[str, NetFilter],
    replay: Replay,
    backends: Mapping[str, CharBackend],
    host: HostSides,
) -> Fronts:
    """Connect what is added to the replay layer."""
    if replay.mode is Mode.PLAY:
        for drive in drives:
            if not drive.embed and drive.name not in host.disks:
                raise ConfigMismatch(
                    f"the recording does not hold what was read of {drive.name}: give the image"
                    f" with --drive file=...,id={drive.name}"
                )

    return Fronts(
        chars={
            extra.name: replay.register_char_driver(extra.name, backends.get(extra.name))
            for extra in extras
            if extra.kind == "virtio-console"
        },
        disks={
            drive.name: (
                replay.register_block_driver(
                    drive.name, drive.size, host.disks.get(drive.name), embed=drive.embed
                ),
                drive.readonly,
            )
            for drive in drives
        },
        inputs={
            extra.name: replay.register_input_driver(extra.name)
            for extra in extras
            if extra.kind in INPUT_DEVICES
        },
        nets=nets,
        random=replay.random_bytes,
        halves=replay,
        seconds={
            "host": partial(_host_clock, replay, host, Clock.HOST, NS_PER_SECOND),
            "rt": partial(_host_clock, replay, host, Clock.VIRTUAL_RT, NS_PER_SECOND),
        },
    )


def _host_clock(replay: Replay, host: HostSides, kind: Clock, unit: int) -> int:
    """A clock of the host as the guest sees it, in units of `unit` nanoseconds."""

    def ask() -> int:
        if host.time is None:
            raise ReplayError("no clock of the host was given to this machine")
        now = host.time.host_ns() if kind is Clock.HOST else host.time.running_ns()
        return now // unit

    return replay.clock(kind, ask)
