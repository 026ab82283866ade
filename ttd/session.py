"""A machine with its recording: made new to record, or from a file to play."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from ttd.boards import BOARDS
from ttd.boards.base import Board
from ttd.devices.semihosting import Heap, HostFiles, Semihosting
from ttd.loader import Image, check_fits, parse_image, start_without_vectors
from ttd.machine import Ended, Machine, RunEnd
from ttd.replay.blob import digest
from ttd.replay.chars import CharBackend
from ttd.replay.config import MachineConfig
from ttd.replay.errors import Divergence, RecordingError
from ttd.replay.recording import Recording
from ttd.replay.replay import Mode, Replay
from ttd.snapshot import Snapshots
from ttd.stops import Why
from ttd.timeline import Timeline

SEMIHOSTING = "semihosting"
"""The character device that is semihosting's console."""
TICK_STEPS = 20_000_000
"""Steps between two looks at the progress of a run."""


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What `ttd record` is told about the machine."""

    board: Board
    image: Image
    clock_ns: int
    semihosting: bool = False
    command_line: str = ""


class Session:
    """One machine, its replay layer, its recording and a timeline over them."""

    def __init__(self, machine: Machine, recording: Recording, snapshots: Snapshots) -> None:
        self.machine = machine
        self.replay = machine.replay
        self.recording = recording
        self.snapshots = snapshots
        self.timeline = Timeline(machine, snapshots, _end_note(recording))

    @classmethod
    def record(
        cls,
        options: RecordOptions,
        path: str | None,
        backends: Mapping[str, CharBackend],
        files: HostFiles,
        random: Callable[[int], bytes],
    ) -> Self:
        """A new machine at its first step, recording to `path` (None: a temporary file).

        `backends`: host sides by character device, `semihosting` being its console. `files`:
        what semihosting may reach. `random`: bytes from the host.
        """
        image = options.image
        # Before there is a file: a recording that has its name must outlive a wrong image.
        check_fits(image, options.board)
        start_without_vectors(image, options.board)
        # As in a recording, which is UTF-8.
        name = os.fsencode(Path(image.path).name).decode(errors="replace")
        config = MachineConfig(
            board=options.board.name,
            cpu_model=options.board.cpu,
            clock_ns=options.clock_ns,
            images={name: digest(image.data)},
            options={
                "address": image.address,
                "semihosting": options.semihosting,
                "command_line": os.fsencode(options.command_line).decode(errors="replace"),
            },
        )
        recording = Recording.create(path, config, {name: image.data})
        replay = Replay()
        replay.configure(Mode.RECORD, recording, config, random=random)
        return cls._build(config, options.board, image, replay, recording, backends, files)

    @classmethod
    def open(
        cls, path: str, files: HostFiles, echo: Callable[[str, bytes], None] | None = None
    ) -> Self:
        """The machine of a recording, at its first step. `files` is not reached for in play."""
        recording = Recording.open(path)
        config = recording.config
        board = BOARDS.get(config.board)
        if board is None:
            raise RecordingError(f"{path} is of board {config.board}, which this ttd does not have")
        status = recording.status
        if (
            config.clock_ns < 1
            or status.virtual_ns != status.steps * config.clock_ns + status.warp_ns
        ):
            raise RecordingError(f"{path} is damaged: its clock and its length do not fit")
        images = recording.images()
        if len(images) != 1:
            raise RecordingError(f"{path} is damaged: it has {len(images)} images instead of one")
        ((name, data),) = images.items()
        address = config.options.get("address")
        image = parse_image(name, data, address if isinstance(address, int) else None)
        replay = Replay()
        ours = replace(config, cpu_model=board.cpu)
        replay.configure(Mode.PLAY, recording, ours, echo=echo)
        return cls._build(config, board, image, replay, recording, {}, files)

    @classmethod
    def _build(
        cls,
        config: MachineConfig,
        board: Board,
        image: Image,
        replay: Replay,
        recording: Recording,
        backends: Mapping[str, CharBackend],
        files: HostFiles,
    ) -> Self:
        chars = {
            name: replay.register_char_driver(name, backends.get(name)) for name in board.serials
        }
        machine = Machine(
            board,
            replay,
            chars,
            clock_ns=config.clock_ns,
            semihosting=bool(config.options.get("semihosting")),
        )
        machine.load(image)
        if config.options.get("semihosting"):
            start = start_without_vectors(image, board)
            machine.semihosting = Semihosting(
                machine.engine,
                machine.cpu,
                machine.clock,
                console=replay.register_char_driver(SEMIHOSTING, backends.get(SEMIHOSTING)),
                replay=replay,
                host=files,
                heap=Heap(start.heap, start.sp, start.sp, start.heap) if start else Heap(),
                command_line=str(config.options.get("command_line", "")),
            )
        machine.reset()
        snapshots = Snapshots(machine, recording, time.monotonic)
        machine.keeper = snapshots
        replay.start(snapshots.budget if replay.live else None)
        if replay.live:
            snapshots.take()
        return cls(machine, recording, snapshots)

    def run(self, steps: int | None, tick: Callable[[int], None]) -> Ended:
        """Run to the end: of the guest, of the log, or at `steps`; `tick` gets the step at times.

        An interrupted run (`machine.interrupt`) ends there.
        """
        machine = self.machine
        while True:
            limit = machine.engine.step + TICK_STEPS
            stop = machine.run(limit if steps is None else min(limit, steps))
            tick(stop.step)
            if machine.ended is not None:
                return machine.ended
            if stop.end is RunEnd.INTERRUPTED:
                return Ended("it was interrupted", None)
            if stop.end is RunEnd.HISTORY_END:
                return Ended(_end_note(self.recording), None)
            if steps is not None and stop.step >= steps:
                return Ended(f"the limit of {steps} steps was reached", None)

    def finish(self, reason: str, exit_code: int | None) -> bytes:
        """End a recording; returns the hash of the final state."""
        self.snapshots.close_interval()
        final = self.snapshots.state_hash(self.snapshots.capture())
        self.replay.finish(reason, exit_code, final)
        return final

    def leave(self, reason: str) -> None:
        """A debugger is done with a live machine: end the recording where history ends.

        An empty `reason` stands for that of the guest's own end.
        """
        # What has ended the debugger may also have asked for an end of its movements.
        while self.timeline.seek(self.timeline.end).why is Why.INTERRUPTED:
            pass
        ended = self.machine.ended
        if ended is not None:
            self.finish(ended.reason, ended.code)
        else:
            self.finish(reason, None)

    def compare_end(self) -> None:
        """After a replay of everything: the final state is the recorded one, or `Divergence`."""
        expected = self.recording.status.state_hash
        if expected is None:
            return
        found = self.snapshots.state_hash(self.snapshots.capture())
        if found != expected:
            step = self.machine.engine.step
            raise Divergence(step, f"final state {expected.hex()}", f"state {found.hex()}")

    def verify_snapshots(self) -> None:
        """Become every stored snapshot once, from the file, and compare; or `Divergence`."""
        for info in self.recording.snapshots:
            snapshot = self.snapshots.nearest(info.step)
            assert snapshot is not None
            self.snapshots.restore(snapshot)
            found = self.snapshots.state_hash(self.snapshots.capture())
            if found != info.hash:
                raise Divergence(info.step, f"state {info.hash.hex()}", f"state {found.hex()}")

    def close(self) -> None:
        self.recording.close()


def _end_note(recording: Recording) -> str:
    status = recording.status
    if recording.writable:
        return ""
    if status.complete:
        return status.reason
    return f"the recording was cut off here, at step {status.steps}"
