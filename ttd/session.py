"""A machine with its recording: made new to record, or from a file to play."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from ttd.boards import BOARDS
from ttd.boards.base import Board
from ttd.loader import Image, parse_image
from ttd.machine import Machine
from ttd.replay.blob import digest
from ttd.replay.chars import CharBackend
from ttd.replay.config import MachineConfig
from ttd.replay.errors import RecordingError
from ttd.replay.recording import Recording
from ttd.replay.replay import Mode, Replay
from ttd.snapshot import Snapshots
from ttd.timeline import Timeline


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What `ttd record` is told about the machine."""

    board: Board
    image: Image
    clock_ns: int
    semihosting: bool = False
    semihosting_root: str | None = None


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
        cls, options: RecordOptions, path: str | None, backends: Mapping[str, CharBackend]
    ) -> Self:
        """A new machine at its first step, recording to `path` (None: a temporary file)."""
        image = options.image
        config = MachineConfig(
            board=options.board.name,
            cpu_model=options.board.cpu,
            clock_ns=options.clock_ns,
            images={image.path: digest(image.data)},
            options={"address": image.address, "semihosting": options.semihosting},
        )
        recording = Recording.create(path, config, {image.path: image.data})
        replay = Replay()
        replay.configure(Mode.RECORD, recording, config, random=os.urandom)
        session = cls._build(config, options.board, image, replay, recording, backends)
        return session

    @classmethod
    def open(cls, path: str, echo: Callable[[str, bytes], None] | None = None) -> Self:
        """The machine of a recording, at its first step."""
        recording = Recording.open(path)
        config = recording.config
        board = BOARDS.get(config.board)
        if board is None:
            raise RecordingError(f"{path} is of board {config.board}, which this ttd does not have")
        ((name, data),) = recording.images().items()
        address = config.options.get("address")
        image = parse_image(name, data, address if isinstance(address, int) else None)
        replay = Replay()
        replay.configure(Mode.PLAY, recording, echo=echo)
        return cls._build(config, board, image, replay, recording, {})

    @classmethod
    def _build(
        cls,
        config: MachineConfig,
        board: Board,
        image: Image,
        replay: Replay,
        recording: Recording,
        backends: Mapping[str, CharBackend],
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
        machine.reset()
        snapshots = Snapshots(machine, recording, time.monotonic)
        machine.keeper = snapshots
        replay.start(snapshots.budget if replay.live else None)
        if replay.live:
            snapshots.take()
        return cls(machine, recording, snapshots)

    def finish(self, reason: str, exit_code: int | None) -> bytes:
        """End a recording; returns the hash of the final state."""
        self.snapshots.close_interval()
        final = self.snapshots.state_hash(self.snapshots.capture())
        self.replay.finish(reason, exit_code, final)
        return final

    def close(self) -> None:
        self.recording.close()


def _end_note(recording: Recording) -> str:
    status = recording.status
    if recording.writable:
        return ""
    if status.complete:
        return status.reason
    return f"the recording was cut off here, at step {status.steps}"
