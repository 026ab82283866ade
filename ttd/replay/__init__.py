"""The border to the outside world, and the recording file. QEMU's `replay.h`, with its names.

`Replay` is what a machine talks to, `Recording` the file, `EventLog` the events in it.
"""

from ttd.replay.chars import CharBackend, CharDriver
from ttd.replay.config import MachineConfig
from ttd.replay.errors import Blocked, ConfigMismatch, Divergence, RecordingError, ReplayError
from ttd.replay.events import Event, Kind, describe
from ttd.replay.index import ChunkInfo, SnapshotInfo, Status
from ttd.replay.log import EventLog
from ttd.replay.net import NetBackend, Netdev, NetFilter, PacketFlags
from ttd.replay.recording import Recording
from ttd.replay.replay import Replay
from ttd.replay.sources import Source
from ttd.replay.terms import Cause, Checkpoint, Clock, Mode, SnapshotTimer, State

__all__ = [
    "Blocked",
    "Cause",
    "CharBackend",
    "CharDriver",
    "Checkpoint",
    "ChunkInfo",
    "Clock",
    "ConfigMismatch",
    "Divergence",
    "Event",
    "EventLog",
    "Kind",
    "MachineConfig",
    "Mode",
    "NetBackend",
    "NetFilter",
    "Netdev",
    "PacketFlags",
    "Recording",
    "RecordingError",
    "Replay",
    "ReplayError",
    "SnapshotInfo",
    "SnapshotTimer",
    "Source",
    "State",
    "Status",
    "describe",
]
