"""What a recording says about itself without being read in full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import NamedTuple, Self

from ttd.recording.blob import digest, pack
from ttd.recording.chunk import as_columns
from ttd.recording.events import Event


class ChunkInfo(NamedTuple):
    """Where a chunk of events stands: sequence numbers, steps, and a mask of 1 << kind."""

    first: int
    events: int
    first_step: int
    last_step: int
    kinds: int

    @classmethod
    def of(cls, first: int, events: Iterable[Event]) -> Self:
        """The description of `events`, of which there is at least one."""
        columns = as_columns(events)
        steps = columns.steps
        kinds = sum(1 << kind for kind in columns.counts())
        return cls(first, len(columns), steps[0], steps[-1], kinds)


class SnapshotInfo(NamedTuple):
    """A stored snapshot: `sequence` events came before it; `hash` is the machine's state hash."""

    id: int
    step: int
    sequence: int
    virtual_ns: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """How far a recording goes and how it ended."""

    steps: int = 0
    virtual_ns: int = 0
    warp_ns: int = 0
    events: int = 0
    snapshots: int | None = None
    """As many are stored; None where nothing is said of it, as in files of earlier versions."""
    complete: bool = False
    """False while it grows, and for ever if the recorder was killed."""
    reason: str = ""
    exit_code: int | None = None
    state_hash: bytes | None = None
    seal: bytes = b""
    """`sealed`, for what has been recorded."""

    def sealed(self, log: bytes) -> bytes:
        """16 bytes for all of this but `seal`, and for the events of a run, of which `log` is a
        hash that who replays them gets too."""
        fields = asdict(self)
        del fields["seal"]
        return digest(pack([log, list(fields.values())]))
